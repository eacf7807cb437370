import { createHash } from 'node:crypto'
import { PolicyError } from '../../src/base/errors.ts'
import type { Forge, ForgeReview, OpenPull, Pull, PullNotice } from '../../src/model/ports.ts'

type Entry = {
  readonly request: string
  pull: Pull
  readonly reviews: ForgeReview[]
  readonly notices: PullNotice[]
  readonly asked: readonly string[]
  changes: number
}

/** A forge in memory that counts what it is asked. */
export type MemoryForge = Forge & {
  readonly calls: Record<string, number>
  readonly pulls: readonly Entry[]
  /** Fails calls of this method, or of every one, from now on; null heals. */
  fail(method: keyof Forge | '*', code?: 'FORGE_UNREACHABLE' | 'FORGE_REFUSED' | null): void
  /** Lets something happen to a pull request. */
  touch(number: number): void
  /** Marks are null from now on: its clock cannot tell. */
  undated(is: boolean): void
}

export function openMemoryForge(): MemoryForge {
  const pulls: Entry[] = []
  const calls: Record<string, number> = {}
  const failing = new Map<string, 'FORGE_UNREACHABLE' | 'FORGE_REFUSED'>()
  let isUndated = false
  let seen = new Map<string, string | null>()
  const entry = (number: number): Entry => {
    const found = pulls[number - 1]
    if (found === undefined) throw new PolicyError('REQUEST_UNKNOWN', `no pull ${number}`)
    return found
  }
  const marks = (): OpenPull[] =>
    pulls.flatMap(({ request, pull, changes }) =>
      pull.state === 'open'
        ? [{ number: pull.number, request, mark: isUndated ? null : String(changes) }]
        : [],
    )
  const methods: Forge = {
    identity: async () => ({ kind: 'local', host: 'localhost', repository: 'memory' }),
    self: async () => null,
    open: async (request, { reviewers }) => {
      const known = pulls.find((one) => one.request === request.id)
      if (known !== undefined) return known.pull.number
      const number = pulls.length + 1
      const headSha = createHash('sha1').update(request.id).digest('hex')
      const pull: Pull = {
        ...{ number, state: 'open', baseRef: 'main', baseSha: '0'.repeat(40), headSha },
        ...{ author: 'engine', requestText: JSON.stringify(request) },
      }
      const lists = { reviews: [], notices: [], asked: reviewers }
      pulls.push({ request: request.id, pull, ...lists, changes: 0 })
      return number
    },
    openPulls: async (which) => {
      const before = seen
      const now = marks()
      seen = new Map(now.map(({ request, mark }) => [request, mark]))
      return which === 'all'
        ? now
        : now.filter(({ request, mark }) => mark === null || before.get(request) !== mark)
    },
    notify: async (number, notice) => {
      const { notices } = entry(number)
      if (notices.some(({ key }) => key === notice.key)) return
      notices.push(notice)
      entry(number).changes += 1
    },
    setStatus: async () => undefined,
    pull: async (number) => entry(number).pull,
    reviews: async (number) => [...entry(number).reviews],
    postReview: async (number, { statement, body, submittedAt }) => {
      const { reviews, pull } = entry(number)
      const state = statement.predicate.verdict === 'reject' ? 'rejected' : 'approved'
      const id = `${reviews.length + 1}-${statement.predicate.reviewer}`
      const poster = { poster: null, posterKind: 'none' } as const
      reviews.push({ id, commit: pull.headSha, ...poster, state, body, submittedAt })
      entry(number).changes += 1
    },
    onBase: async () => true,
    settle: async (number, _headSha, { decision }) => {
      const one = entry(number)
      const state = decision.startsWith('APPROVED') ? 'merged' : 'closed'
      one.pull = { ...one.pull, state }
    },
    where: (number) => `memory ${number}`,
  }
  const counted = Object.entries(methods).map(([name, method]) => {
    if (name === 'where') return [name, method]
    const call = async (...given: unknown[]): Promise<unknown> => {
      calls[name] = (calls[name] ?? 0) + 1
      const code = failing.get(name) ?? failing.get('*')
      if (code !== undefined)
        throw new PolicyError(code, 'away', { retryable: code === 'FORGE_UNREACHABLE' })
      return Reflect.apply(method as (...args: unknown[]) => unknown, null, given)
    }
    return [name, call]
  })
  return {
    ...(Object.fromEntries(counted) as Forge),
    calls,
    pulls,
    fail: (method, code = 'FORGE_UNREACHABLE') => {
      if (code === null) failing.delete(method)
      else failing.set(method, code)
    },
    touch: (number) => {
      entry(number).changes += 1
    },
    undated: (is) => {
      isUndated = is
    },
  }
}
