import { PolicyError } from '../../base/errors.ts'
import { oidAt } from '../forge/names.ts'
import { retryWith } from '../forge/retry.ts'
import type { GithubClient } from './client.ts'
import type { Context } from './context.ts'

/** One file of a commit: its text, or a blob that the repository has. */
export type CommitFile = { readonly path: string } & (
  | { readonly text: string }
  | { readonly blob: string }
)

/** The base branch's newest commit. @throws {PolicyError} GIT_FAILED when there is no such branch */
export async function readTip({ client, base, repository }: Context): Promise<string> {
  // 409 is an empty repository's answer.
  const answer = await client.ask('GET /git/ref/{ref}', { ref: `heads/${base}` }, [404, 409])
  if (answer.done) return oidAt(answer.value, 'object', 'sha')
  await repository()
  throw new PolicyError('GIT_FAILED', `the forge has no branch '${base}'; see forge.base`)
}

/**
 * Commits files on top of a commit; no ref points to it yet. Author and date are GitHub's to say: an App's commits are
 * then signed.
 */
export async function makeCommit(
  client: GithubClient,
  parent: string,
  message: string,
  files: readonly CommitFile[],
): Promise<string> {
  const under = await client.get('GET /git/commits/{commit_sha}', { commit_sha: parent })
  const tree = await client.get('POST /git/trees', {
    base_tree: oidAt(under, 'tree', 'sha'),
    tree: files.map((file) => ({
      ...{ path: file.path, mode: '100644', type: 'blob' },
      ...('text' in file ? { content: file.text } : { sha: file.blob }),
    })),
  })
  const commit = await client.get('POST /git/commits', {
    ...{ message, tree: oidAt(tree, 'sha'), parents: [parent] },
  })
  return oidAt(commit, 'sha')
}

/** Repeats `attempt` until it gives a value; null means that somebody else changed the same refs. */
export function retry<T>({ client }: Context, attempt: () => Promise<T | null>): Promise<T> {
  const pauseMs = (tries: number) => Math.random() * client.secondMs * Math.min(tries, 5) * 0.2
  return retryWith({ tries: TRIES_MAX, pauseMs }, attempt)
}

const TRIES_MAX = 20
