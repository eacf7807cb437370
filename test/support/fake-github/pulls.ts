import type { Answer, Call } from './operations.ts'
import type { FakePull, State } from './state.ts'
import { notFound, touch } from './state.ts'

/** The pull request that an operation on issues names. */
export function issueOf(state: State, { path }: Call): FakePull {
  const pull = state.pulls[Number(path['issue_number']) - 1]
  if (pull === undefined) throw notFound()
  return pull
}

export async function freshPull(state: State, { path }: Call): Promise<FakePull> {
  const pull = state.pulls[Number(path['pull_number']) - 1]
  if (pull === undefined) throw notFound()
  await refresh(state, pull)
  return pull
}

/** Takes over what was pushed. */
export async function refresh(state: State, pull: FakePull): Promise<void> {
  if (pull.state !== 'open') return
  const tip = await state.repository.read(`refs/heads/${pull.branch}`)
  if (tip === null || tip === pull.headSha) return
  pull.headSha = tip
  touch(state, pull)
  await state.repository.git('update-ref', `refs/pull/${pull.number}/head`, tip)
}

export function page(values: readonly unknown[], query: URLSearchParams): Answer {
  const size = Math.min(Number(query.get('per_page') ?? 30), 100)
  const number = Number(query.get('page') ?? 1)
  const body = values.slice((number - 1) * size, number * size)
  return { status: 200, body, more: values.length > number * size }
}
