import { PolicyError } from '../../base/errors.ts'
import { FORGE_PULLS_MAX } from '../../base/limits.ts'
import type { OpenPull } from '../../model/ports.ts'
import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { requestOfBranch } from '../forge/names.ts'
import type { Context } from './context.ts'
import { showPull } from './pull.ts'
import { noTotal } from './reviews.ts'

/**
 * Lists open pull requests, the latest changed first. What changed is asked of Gitea by time, which costs one call
 * when nothing did, and a look at each pull request that was not seen before.
 *
 * A pull request that moves between pages while they are read may be missed until it changes again, and those beyond
 * FORGE_PULLS_MAX are not listed: a list is a hint where to look, never the only reason to.
 */
export function openPullList(): (
  context: Context,
  which: 'all' | 'changed',
) => Promise<readonly OpenPull[]> {
  let requests = new Map<number, string | null>()
  let marks = new Map<number, string | null>()
  let since: number | null = null
  return async (context, which) => {
    const whole = which === 'all' || since === null
    const page = whole
      ? await readAll(context)
      : await readChanged(context, since ?? 0, (number) => requests.get(number))
    const isNew = ({ number, mark }: Listed): boolean => mark === null || marks.get(number) !== mark
    const shown = which === 'all' ? page.pulls : page.pulls.filter(isNew)
    // Not before the last page has come: what a failed call saw, its caller did not.
    const entries = page.pulls.map(({ number, mark }) => [number, mark] as const)
    marks = new Map(whole ? entries : [...marks, ...entries])
    const known = page.pulls.map(({ number, request }) => [number, request] as const)
    requests = new Map(whole ? known : [...requests, ...known])
    // What was closed since stays in mind, until the whole list is read again.
    since = marks.size > FORGE_PULLS_MAX ? null : page.at
    return shown.filter(isOurs).map(({ number, request, mark }) => ({ number, request, mark }))
  }
}

/** `request` is null for others' pull requests, which are in the list all the same. */
type Listed = Omit<OpenPull, 'request'> & {
  readonly request: string | null
  readonly changedAt: number
}

type Read = {
  readonly pulls: readonly Listed[]
  /** Gitea's clock before the first page, in Unix milliseconds. */
  readonly at: number
}

function isOurs(pull: Listed): pull is Listed & OpenPull {
  return pull.request !== null
}

async function readAll(context: Context): Promise<Read> {
  const { base } = context
  const repository = await context.repository()
  const query = { state: 'open', sort: 'recentupdate', base_branch: base }
  const { values, at } = await readPages(context, '/pulls', query)
  const pulls = values.map((value) => {
    const here = ['base', 'head'].every(
      (side) => String(valueAt(value, [side, 'repo_id'])) === repository,
    )
    // A filter that a server does not know would be ignored.
    const waits = textAt(value, 'state') === 'open' && textAt(value, 'base', 'ref') === base
    const request = here && waits ? requestOfBranch(textAt(value, 'head', 'label')) : null
    return listedOf(value, request, at)
  })
  return { pulls: pulls.sort(byChange), at }
}

async function readChanged(
  context: Context,
  since: number,
  known: (number: number) => string | null | undefined,
): Promise<Read> {
  const after = new Date(Math.max(0, since - OVERLAP_MS)).toISOString()
  const query = { type: 'pulls', state: 'open', since: after }
  const { values, at } = await readPages(context, '/issues', query)
  const pulls: Listed[] = []
  for (const value of values) {
    const number = idAt(value, 'number')
    const request = known(number)
    pulls.push(
      listedOf(value, request === undefined ? await requestOf(context, number) : request, at),
    )
  }
  return { pulls: pulls.sort(byChange), at }
}

/** What was changed in the last seconds before the call before may not have been in its list. */
const OVERLAP_MS = 5000

/** The request of a pull request; null when it is somebody's own. */
async function requestOf(context: Context, number: number): Promise<string | null> {
  try {
    const shown = await showPull(context, number)
    return shown.baseRef === context.base ? shown.request : null
  } catch (error) {
    if (error instanceof PolicyError && !error.retryable && OTHERS.has(error.code)) return null
    throw error
  }
}

const OTHERS: ReadonlySet<string> = new Set(['REQUEST_TAMPERED', 'REQUEST_UNKNOWN'])

function listedOf(value: unknown, request: string | null, now: number): Listed {
  const updated = textAt(value, 'updated_at')
  const changedAt = Date.parse(updated) || 0
  // The time has whole seconds: another change within the same one would not show.
  const settled = now - changedAt > MARK_SETTLES_MS
  return {
    ...{ number: idAt(value, 'number'), request, changedAt },
    mark: settled ? String(changedAt) : null,
  }
}

const MARK_SETTLES_MS = 2000

function byChange(one: Listed, other: Listed): number {
  return other.changedAt - one.changedAt || other.number - one.number
}

async function readPages(
  context: Context,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<{ readonly values: readonly unknown[]; readonly at: number }> {
  const limit = await context.pageSize()
  const values = new Map<number, unknown>()
  let at: number | null = null
  for (let page = 1; page <= FORGE_PULLS_MAX / limit; page++) {
    const answer = await context.client.ask(`GET ${path}`, { query: { ...query, limit, page } })
    if (!answer.done || answer.total === null) throw noTotal()
    at ??= answer.at
    for (const value of listAt(answer.value)) values.set(idAt(value, 'number'), value)
    if (page * limit >= answer.total) break
  }
  return { values: [...values.values()], at: at ?? 0 }
}
