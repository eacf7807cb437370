import { FORGE_PULLS_MAX } from '../../base/limits.ts'
import type { OpenPull } from '../../model/ports.ts'
import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { requestOfBranch } from '../forge/names.ts'
import type { Context } from './context.ts'

/**
 * Lists open pull requests, the latest changed first. Each page is asked for with its ETag, so that a list in which
 * nothing happened costs one 304; `changed` asks for the next page only while a page is new to its end.
 *
 * A pull request that moves between pages while they are read may be missed until it changes again, and those beyond
 * FORGE_PULLS_MAX are not listed: a list is a hint where to look, never the only reason to.
 */
export function openPullList(): (
  context: Context,
  which: 'all' | 'changed',
) => Promise<readonly OpenPull[]> {
  let marks = new Map<number, string | null>()
  return async (context, which) => {
    const seen = new Map<number, Listed>()
    const isNew = ({ number, mark }: Listed): boolean => mark === null || marks.get(number) !== mark
    let whole = false
    let known = false
    // Of a first list all pages are wanted, but perhaps there is only one.
    const ahead = which === 'all' || marks.size === 0 ? PAGES_AT_ONCE : 1
    for (let page = 1; page <= PAGES_MAX && !whole && !known; ) {
      const count = page === 1 ? 1 : Math.min(ahead, PAGES_MAX - page + 1)
      const numbers = Array.from({ length: count }, (_, i) => page + i)
      for (const { pulls, last } of await Promise.all(numbers.map((n) => readPage(context, n)))) {
        if (whole || known) break
        for (const pull of pulls) if (!seen.has(pull.number)) seen.set(pull.number, pull)
        whole = last
        const oldest = pulls.at(-1)
        // What follows has changed before this one did.
        known = which === 'changed' && oldest !== undefined && !isNew(oldest)
      }
      page += count
    }
    const listed = [...seen.values()]
    const shown = which === 'all' ? listed : listed.filter(isNew)
    // Not before the last page has come: what a failed call saw, its caller did not.
    marks = remember(whole ? new Map() : marks, listed)
    return shown.filter(isOurs)
  }
}

/** `request` is null for others' pull requests, which are in the list all the same. */
type Listed = Omit<OpenPull, 'request'> & { readonly request: string | null }

function isOurs(pull: Listed): pull is OpenPull {
  return pull.request !== null
}

const PAGE = 100
const PAGES_MAX = FORGE_PULLS_MAX / PAGE
const PAGES_AT_ONCE = 3

/** Notes the newest last, and forgets those that were noted first: they count as new when they come again. */
function remember(
  marks: ReadonlyMap<number, string | null>,
  listed: readonly Listed[],
): Map<number, string | null> {
  const next = new Map(marks)
  for (const { number, mark } of listed.toReversed()) {
    next.delete(number)
    next.set(number, mark)
  }
  for (const oldest of next.keys()) {
    if (next.size <= FORGE_PULLS_MAX) break
    next.delete(oldest)
  }
  return next
}

async function readPage(
  context: Context,
  page: number,
): Promise<{ readonly pulls: readonly Listed[]; readonly last: boolean }> {
  const { client, base } = context
  const repository = await context.repository()
  const order = { sort: 'updated', direction: 'desc' }
  const filter = { state: 'open', base, per_page: PAGE, page }
  const answer = await client.ask('GET /pulls', { ...filter, ...order }, [])
  if (!answer.done) return { pulls: [], last: true }
  const values = listAt(answer.value)
  const pulls = values.map((value) => readListed(value, { repository, base, now: answer.date }))
  return { pulls, last: !answer.more && values.length < PAGE }
}

type Reading = {
  readonly repository: string
  readonly base: string
  /** Unix milliseconds of GitHub's clock; null when it did not say. */
  readonly now: number | null
}

function readListed(value: unknown, { repository, base, now }: Reading): Listed {
  const here = ['base', 'head'].every(
    (side) => String(valueAt(value, [side, 'repo', 'id'])) === repository,
  )
  // GitHub ignores a filter that it does not understand.
  const waits = textAt(value, 'state') === 'open' && textAt(value, 'base', 'ref') === base
  const changedAt = textAt(value, 'updated_at')
  // The time has whole seconds: another change within the same one would not show.
  const settled = now !== null && now - Date.parse(changedAt) > MARK_SETTLES_MS
  return {
    number: idAt(value, 'number'),
    request: here && waits ? requestOfBranch(textAt(value, 'head', 'ref')) : null,
    mark: settled ? changedAt : null,
  }
}

const MARK_SETTLES_MS = 2000
