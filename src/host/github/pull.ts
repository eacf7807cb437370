import { fromUtf8 } from '../../base/digest.ts'
import { decodeBase64 } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { FORGE_REVIEWS_MAX } from '../../base/limits.ts'
import type { ForgeReview, PosterKind, Pull } from '../../model/ports.ts'
import { authorsOf, idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { keep } from '../forge/keep.ts'
import {
  byAge,
  checkNumber,
  isOid,
  oidAt,
  requestOfBranch,
  requestOfPath,
  tampered,
} from '../forge/names.ts'
import type { GithubClient } from './client.ts'
import { readTip } from './commit.ts'
import type { Context, Head } from './context.ts'
import { askedOf } from './people.ts'

/** A pull request as GitHub shows it, checked to be of this repository. */
export type Shown = Omit<Pull, 'baseSha' | 'requestText' | 'pushers'> & {
  /** From its branch's name. */
  readonly request: string
  readonly labels: readonly string[]
  /** Ids of the accounts that are asked for a review. */
  readonly asked: readonly string[]
}

/** @throws {PolicyError} REQUEST_UNKNOWN, REQUEST_TAMPERED when it is not of this repository or no request's */
export async function showPull(context: Context, number: number): Promise<Shown> {
  checkNumber(number)
  const answer = await context.client.ask(
    'GET /pulls/{pull_number}',
    { pull_number: number },
    [404],
  )
  if (!answer.done) {
    await context.repository() // Says so when it is the repository that cannot be seen.
    throw new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
  }
  return readShown(context, answer.value)
}

/** @param value - a pull request, whole or from a list */
export async function readShown(context: Context, value: unknown): Promise<Shown> {
  const number = idAt(value, 'number')
  const repository = await context.repository()
  // A name can go to another repository, and a head can lie in a fork, where others push.
  for (const side of ['base', 'head']) {
    const found = valueAt(value, [side, 'repo', 'id'])
    if (String(found) !== repository) {
      throw tampered(`the ${side} of pull request ${number} is in another repository`)
    }
  }
  const branch = textAt(value, 'head', 'ref')
  const request = requestOfBranch(branch)
  if (request === null) throw tampered(`the branch of pull request ${number}`)
  return {
    number,
    request,
    state: stateOf(value),
    baseRef: textAt(value, 'base', 'ref'),
    headSha: oidAt(value, 'head', 'sha'),
    author: valueAt(value, ['user']) === null ? '' : String(idAt(value, 'user', 'id')),
    labels: listAt(value, 'labels').map((label) => textAt(label, 'name')),
    asked: askedOf(value),
  }
}

function stateOf(value: unknown): Pull['state'] {
  if (textAt(value, 'state') === 'open') return 'open'
  return typeof valueAt(value, ['merged_at']) === 'string' ? 'merged' : 'closed'
}

export async function readPull(context: Context, number: number): Promise<Pull> {
  const { request, labels: _labels, asked: _asked, ...shown } = await showPull(context, number)
  const head = await readHead(context, shown.headSha)
  if (head.request !== request) throw tampered(`pull request ${number} asks for another request`)
  return { ...shown, baseSha: head.parent, pushers: head.accounts, requestText: head.requestText }
}

/**
 * Reads a head commit. GitHub's own `base.sha` moves; the head's parent does not.
 *
 * @throws {PolicyError} REQUEST_TAMPERED when it is not one commit that adds one request's file
 */
export async function readHead(context: Context, sha: string): Promise<Head> {
  const known = context.heads.get(sha)
  if (known !== undefined) return known
  const { client, heads } = context
  const commit = await client.get('GET /commits/{ref}', { ref: sha })
  const parents = listAt(commit, 'parents')
  const files = listAt(commit, 'files')
  const [parent, file] = [parents[0], files[0]]
  const path = file === undefined ? '' : textAt(file, 'filename')
  const request = requestOfPath(path)
  const alone = parents.length === 1 && files.length === 1 && textAt(file, 'status') === 'added'
  if (textAt(commit, 'sha') !== sha || !alone || request === null) {
    throw tampered(`the commit ${sha} does more than add one request`)
  }
  const blob = oidAt(file, 'sha')
  const head: Head = {
    ...{ request, blob, parent: oidAt(parent, 'sha'), accounts: authorsOf(commit).map(String) },
    requestText: await readBlob(client, blob),
  }
  keep(heads, HEADS_MAX, sha, head)
  return head
}

/** Heads kept in memory: a commit never changes. */
const HEADS_MAX = 1000

async function readBlob(client: GithubClient, oid: string): Promise<string> {
  const blob = await client.get('GET /git/blobs/{file_sha}', { file_sha: oid })
  if (textAt(blob, 'encoding') !== 'base64') throw tampered(`the encoding of blob ${oid}`)
  try {
    // GitHub breaks lines after 60 characters.
    return fromUtf8(decodeBase64(textAt(blob, 'content').replaceAll('\n', '')))
  } catch {
    throw tampered(`request.json is not UTF-8 (blob ${oid})`)
  }
}

/** All reviews, oldest first. Those that nobody has submitted yet are none. */
export async function readReviews(context: Context, number: number): Promise<ForgeReview[]> {
  checkNumber(number)
  const { client } = context
  const found = new Map<string, ForgeReview>()
  for (let page = 1; page <= FORGE_REVIEWS_MAX / PAGE; page++) {
    const parameters = { pull_number: number, per_page: PAGE, page }
    const answer = await client.ask('GET /pulls/{pull_number}/reviews', parameters, [404])
    if (!answer.done) {
      await context.repository()
      throw new PolicyError('REQUEST_UNKNOWN', `the forge has no pull request ${number}`)
    }
    const values = listAt(answer.value)
    for (const value of values) {
      if (textAt(value, 'state') === 'PENDING') continue
      const review = readReview(value)
      found.set(review.id, review)
    }
    // A kept answer's link may be of yesterday: a full page is always followed.
    if (!answer.more && values.length < PAGE) return [...found.values()].sort(byAge)
  }
  throw new PolicyError('FORGE_CONFLICT', `pull request ${number} has too many reviews`)
}

const PAGE = 100

function readReview(value: unknown): ForgeReview {
  const user = valueAt(value, ['user'])
  const submittedAt = Date.parse(textAt(value, 'submitted_at'))
  if (Number.isNaN(submittedAt)) throw tampered('the time of a review')
  const commit = valueAt(value, ['commit_id'])
  const state = textAt(value, 'state')
  return {
    id: String(idAt(value, 'id')),
    commit: typeof commit === 'string' ? commit : '',
    poster: user === null ? null : String(idAt(value, 'user', 'id')),
    posterKind: user === null ? 'gone' : kindOf(textAt(value, 'user', 'type')),
    state: Object.hasOwn(STATES, state) ? (STATES[state] ?? 'commented') : 'commented',
    body: valueAt(value, ['body']) === null ? '' : textAt(value, 'body'),
    submittedAt,
  }
}

const STATES: Readonly<Record<string, ForgeReview['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'rejected',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
}

/** Only an account of the kind `User` is a person's; a kind that is new to us is none. */
function kindOf(type: string): PosterKind {
  return type === 'User' ? 'person' : 'bot'
}

/** Whether `ancestor` is reachable from the base branch. The branch is not named: a tag could bear the same name. */
export async function isOnBase(context: Context, ancestor: string): Promise<boolean> {
  if (!isOid(ancestor)) return false
  const basehead = `${ancestor}...${await readTip(context)}`
  // From the second page on, the files are left out.
  const parameters = { basehead, per_page: 1, page: 2 }
  const answer = await context.client.ask('GET /compare/{basehead}', parameters, [404])
  if (!answer.done) {
    await context.repository()
    return false
  }
  const status = textAt(answer.value, 'status')
  return status === 'ahead' || status === 'identical'
}
