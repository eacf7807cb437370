import type { OpenPull } from '../../model/ports.ts'
import type { Git } from '../git.ts'
import { branchRef, indexRef, isRequestId, metaRef, parseMeta } from './meta.ts'

/**
 * Lists open pull requests by their branches, which exist only while they are open: what is settled costs nothing.
 * Two processes of git a call, whatever the number, and one when nothing is open.
 */
export function openPullList(): (
  git: Git,
  which: 'all' | 'changed',
) => Promise<readonly OpenPull[]> {
  /** Of those that were open at the last call; a request's number never changes. */
  let numbers = new Map<string, number>()
  let marks = new Map<string, string | null>()
  return async (git, which) => {
    const requests = await branches(git)
    numbers = await numbersOf(git, requests, numbers)
    const listed = await marked(git, numbers)
    const before = marks
    marks = new Map(listed.map(({ request, mark }) => [request, mark]))
    const shown =
      which === 'all' ? listed : listed.filter(({ request, mark }) => before.get(request) !== mark)
    return shown.map(({ number, request, mark }) => ({ number, request, mark }))
  }
}

type Listed = OpenPull & {
  /** Unix seconds of the last change. */
  readonly changedAt: number
}

async function branches(git: Git): Promise<string[]> {
  const prefix = branchRef('')
  const output = await git.run(['for-each-ref', '--format=%(refname)', prefix])
  const names = output.split('\n').filter((line) => line.startsWith(prefix))
  return names.map((name) => name.slice(prefix.length)).filter(isRequestId)
}

/** @param known - what need not be looked up again */
async function numbersOf(
  git: Git,
  requests: readonly string[],
  known: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const unknown = requests.filter((id) => !known.has(id))
  const objects = await git.read(unknown.map((id) => `${indexRef(id)}:pull.json`))
  const found = new Map<string, number>()
  for (const id of requests) {
    const number = known.get(id)
    if (number !== undefined) found.set(id, number)
  }
  for (const [i, id] of unknown.entries()) {
    const object = objects[i]
    // Somebody's own branch, or one that cannot be read: a list must not hide the others for it.
    const meta = object == null ? null : readable(() => parseMeta(object))
    if (meta?.request === id) found.set(id, meta.number)
  }
  return found
}

/** With the newest commit of each, the latest changed first. */
async function marked(git: Git, numbers: ReadonlyMap<string, number>): Promise<Listed[]> {
  const entries = [...numbers]
  const commits = await git.read(entries.map(([, number]) => `${metaRef(number)}^{commit}`))
  const listed = entries.flatMap(([request, number], i): Listed[] => {
    const commit = commits[i]
    if (commit == null) return [] // Half opened: whoever opens it again completes it.
    const [, at = '0'] =
      /^committer .* (\d+) [+-]\d{4}$/m.exec(commit.content.toString('utf8')) ?? []
    return [{ number, request, mark: commit.oid, changedAt: Number(at) }]
  })
  return listed.sort((a, b) => b.changedAt - a.changedAt || b.number - a.number)
}

function readable<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
