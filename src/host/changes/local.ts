import { fromUtf8, sha256Hex, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import { isJsonObject } from '../../base/json-value.ts'
import { CHANGE_REVIEWS_MAX } from '../../base/limits.ts'
import type { Change, ChangeForge, ForgeReview } from '../../model/ports.ts'
import { retryWith, tooManyOthers } from '../forge/retry.ts'
import type { Git } from '../git.ts'
import { refTarget } from '../git-branches.ts'

export type LocalChangesOptions = {
  /** The policy repository's own. */
  readonly git: Git
  /** The base branch's ref in full: `refs/heads/main`, `refs/remotes/origin/main`. */
  readonly baseRef: string
  /** The head's commit. */
  readonly head: string
}

/**
 * Reviews of a policy repository that no forge keeps: each head has a ref `refs/countersign/changes/<commit>`, whose
 * files are the reviews. They travel with `git push` and `git fetch` of those refs.
 *
 * There are no accounts: only a signature says whose a review is. Whoever may write the ref can keep a change from being
 * approved, and cannot approve it.
 */
export function openLocalChanges({ git, baseRef, head }: LocalChangesOptions): ChangeForge {
  return {
    identity: async () => {
      // Its first commits: a clone is the same repository, and nobody can make another with the same.
      const roots = await git.run(['rev-list', '--max-parents=0', baseRef, '--'])
      const id = sha256Hex(utf8(roots.split('\n').sort().join('\n').trim()))
      return { kind: 'local', host: 'localhost', repository: id.slice(0, ID_LENGTH) }
    },
    change: async (number) => {
      const tip = await refTarget(git, baseRef)
      if (tip === null) throw new PolicyError('FILE_UNREADABLE', `there is no branch ${baseRef}`)
      const merged = await isAncestor(git, head, tip)
      const state = merged ? ('merged' as const) : ('open' as const)
      return { number, state, baseRef: branchOf(baseRef), tip, headSha: head, author: '' }
    },
    pushers: async (commits) => pushersOf(git, commits),
    reviews: async (change) => readReviews(git, change),
    postReview: async (change, review) => postReview(git, change, review),
    propose: async () => null,
  }
}

const ID_LENGTH = 32
const TRIES_MAX = 50
const PAUSE_MS_MAX = 20

function refOf({ headSha }: Change): string {
  return `refs/countersign/changes/${headSha}`
}

/** `main` of `refs/heads/main` and of `refs/remotes/origin/main`. */
function branchOf(ref: string): string {
  return ref.replace(/^refs\/(?:heads|remotes\/[^/]+)\//, '')
}

async function isAncestor(git: Git, ancestor: string, of: string): Promise<boolean> {
  const ahead = await git.run(['rev-list', '--max-count=1', ancestor, `^${of}`, '--'])
  return ahead.trim() === ''
}

/** Whoever is named as author or committer, in each form that a roster's id may have: names prove nothing, so all count. */
async function pushersOf(git: Git, commits: readonly string[]): Promise<readonly string[]> {
  const objects = await git.read(commits)
  const names = objects.flatMap((object) => {
    const header = object?.content.toString('utf8').split('\n\n', 1)[0] ?? ''
    return [...header.matchAll(/^(?:author|committer) (.*?) ?<([^>]*)>/gm)].flatMap(
      ([, name = '', email = '']) => [name, email, email.split('@', 1)[0] ?? ''],
    )
  })
  return [...new Set(names.filter((name) => name !== ''))].sort()
}

async function readReviews(git: Git, change: Change): Promise<readonly ForgeReview[]> {
  const ref = refOf(change)
  const at = await refTarget(git, ref)
  if (at === null) return []
  const listed = (await git.run(['ls-tree', '-r', '-z', '--name-only', at])).split('\0')
  const paths = listed.filter((path) => path !== '').sort()
  if (paths.length > CHANGE_REVIEWS_MAX) {
    throw new PolicyError('REQUEST_TAMPERED', `${ref} holds more than ${CHANGE_REVIEWS_MAX} files`)
  }
  const objects = await git.read(paths.map((path) => `${at}:${path}`))
  return paths.map((path, index) => {
    const bytes = objects[index]?.type === 'blob' ? objects[index].content : null
    if (bytes === null || !REVIEW_PATH.test(path)) throw tampered(ref, path)
    return readReview(change, ref, path, bytes)
  })
}

const REVIEW_PATH = /^reviews\/\d{4}\.json$/

function readReview(change: Change, ref: string, path: string, bytes: Uint8Array): ForgeReview {
  try {
    const value = parseJson(fromUtf8(bytes))
    if (isJsonObject(value)) {
      const { state, body, submitted_at: submittedAt } = value
      const known = state === 'approved' || state === 'rejected'
      if (known && typeof body === 'string' && typeof submittedAt === 'number') {
        return {
          id: path,
          commit: change.headSha,
          poster: null,
          posterKind: 'none',
          ...{ state, body, submittedAt },
        }
      }
    }
  } catch (cause) {
    throw tampered(ref, path, cause)
  }
  throw tampered(ref, path)
}

async function postReview(
  git: Git,
  change: Change,
  { verdict, body, submittedAt }: Parameters<ChangeForge['postReview']>[1],
): Promise<void> {
  const ref = refOf(change)
  const state = verdict === 'approve' ? 'approved' : 'rejected'
  const pauseMs = () => Math.random() * PAUSE_MS_MAX
  await retryWith({ tries: TRIES_MAX, pauseMs, place: ref }, async () => {
    const posted = await readReviews(git, change)
    if (posted.some((review) => review.body === body && review.state === state)) return true
    if (posted.length >= CHANGE_REVIEWS_MAX) throw tooManyOthers(ref)
    const from = await refTarget(git, ref)
    const path = `reviews/${String(posted.length + 1).padStart(4, '0')}.json`
    const text = `${JSON.stringify({ state, submitted_at: submittedAt, body }, null, 2)}\n`
    const [to = ''] = await git.commit([
      {
        parents: from === null ? [] : [from],
        message: `Review of ${change.headSha}\n`,
        at: submittedAt,
        files: { [path]: text },
      },
    ])
    // Between the list and this, somebody else may have posted: then the ref has another value.
    return (await git.changeRefs([{ ref, from, to }])) || null
  })
}

function tampered(ref: string, path: string, cause?: unknown): PolicyError {
  return new PolicyError('REQUEST_TAMPERED', `${path} of ${ref} is no review`, { cause })
}
