import { PolicyError } from '../base/errors.ts'
import type { Git } from './git.ts'
import { IDENTITY, isOid } from './git.ts'

/** One entry of a tree: a file, a folder, a link or a submodule. */
export type PathEntry = { readonly mode: string; readonly type: string; readonly oid: string }

/** What a commit has at paths, by path; paths that it lacks are left out. Nothing below a folder is listed. */
export async function entriesAt(
  git: Git,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, PathEntry>> {
  const listed = await git.run(['ls-tree', '-z', '--full-tree', commit, '--', ...paths])
  return new Map(parseListing(listed).map(({ path, ...entry }) => [path, entry]))
}

/**
 * A commit's tree with other entries at some paths; everything else, and its modes, stays. Objects are written, and no
 * index and no work tree is touched.
 *
 * @param changes - by path from the top, with forward slashes; null takes an entry away
 * @returns the tree's id
 * @throws {PolicyError} FILE_UNREADABLE for a name beside them that is no UTF-8
 */
export async function treeWith(
  git: Git,
  commit: string,
  changes: ReadonlyMap<string, PathEntry | null>,
): Promise<string> {
  return (await changedTree(git, `${commit}^{tree}`, changes)) ?? emptyTree(git)
}

/** Writes a commit of this program's. No ref points to it yet. @param at - Unix milliseconds */
export async function writeCommit(
  git: Git,
  given: {
    readonly tree: string
    readonly parent: string
    readonly message: string
    readonly at: number
  },
): Promise<string> {
  const who = `${IDENTITY} ${Math.floor(given.at / 1000)} +0000`
  const { tree, parent, message } = given
  const text = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n\n${message}\n`
  return oidOf(await git.run(['hash-object', '-t', 'commit', '-w', '--stdin'], text))
}

/** Null when nothing is left: Git keeps no empty folders. */
async function changedTree(
  git: Git,
  tree: string | null,
  changes: ReadonlyMap<string, PathEntry | null>,
): Promise<string | null> {
  const listed = tree === null ? '' : await git.run(['ls-tree', '-z', tree])
  const entries = new Map(parseListing(listed).map(({ path, ...entry }) => [path, entry]))
  const below = new Map<string, Map<string, PathEntry | null>>()
  for (const [path, entry] of changes) {
    const slash = path.indexOf('/')
    const name = slash < 0 ? path : path.slice(0, slash)
    if (slash < 0 && entry === null) entries.delete(name)
    else if (slash < 0 && entry !== null) entries.set(name, entry)
    else {
      const inside = below.get(name) ?? new Map<string, PathEntry | null>()
      below.set(name, inside.set(path.slice(slash + 1), entry))
    }
  }
  for (const [name, inside] of below) {
    const known = entries.get(name)
    const oid = await changedTree(git, known?.type === 'tree' ? known.oid : null, inside)
    if (oid === null) entries.delete(name)
    else entries.set(name, { mode: '040000', type: 'tree', oid })
  }
  if (entries.size === 0) return null
  const lines = [...entries].map(
    ([name, { mode, type, oid }]) => `${mode} ${type} ${oid}\t${name}\0`,
  )
  return oidOf(await git.run(['mktree', '-z'], lines.join('')))
}

async function emptyTree(git: Git): Promise<string> {
  return oidOf(await git.run(['mktree', '-z'], ''))
}

function parseListing(text: string): (PathEntry & { readonly path: string })[] {
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t')
      const [mode = '', type = '', oid = ''] = line.slice(0, tab).split(' ')
      const path = line.slice(tab + 1)
      // Other bytes came as this one, and would be written back as it: another name, or one name for two files.
      if (path.includes('\ufffd')) {
        const message = `expected UTF-8 in the names beside the policy, found ${path}; rename it`
        throw new PolicyError('FILE_UNREADABLE', message, { file: path })
      }
      return { mode, type, oid, path }
    })
}

function oidOf(output: string): string {
  const oid = output.trim()
  if (isOid(oid)) return oid
  throw new PolicyError('GIT_FAILED', 'git wrote no object')
}
