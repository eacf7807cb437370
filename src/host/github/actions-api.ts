import { PolicyError } from '../../base/errors.ts'
import { FORGE_PULLS_MAX, FORGE_REVIEWS_MAX } from '../../base/limits.ts'
import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { BODY_LENGTH_MAX, cut, oidAt, TITLE_LENGTH_MAX } from '../forge/names.ts'
import { sendOnce } from '../forge/retry.ts'
import type { GithubAnswer, GithubClient, GithubTiming } from './client.ts'
import { openGithubClient } from './client.ts'
import type { Context } from './context.ts'
import { openPeople, readViewer } from './people.ts'

export type ActionsApiOptions = {
  readonly apiUrl: string
  /** Of the workflow, of an App's installation, or a person's. */
  readonly token: string
  /** `owner/name`. */
  readonly repository: string
  readonly timing?: GithubTiming
}

/** Whether something is shown now. What is shown only tells people: that it is not is no reason to fail. */
export type Posted =
  | { readonly posted: true; readonly change: 'created' | 'updated' | 'same'; readonly id: number }
  | { readonly posted: false; readonly why: string }

export type CheckAnnotation = {
  /** From the repository's top. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly level: 'error' | 'warning' | 'notice'
  /** Its title. */
  readonly id: string
  readonly message: string
}

export type CheckRun = {
  readonly sha: string
  readonly name: string
  readonly conclusion: 'success' | 'failure' | 'neutral' | 'action_required'
  readonly title: string
  /** Markdown. */
  readonly summary: string
  readonly annotations: readonly CheckAnnotation[]
}

export type OpenPullRequest = {
  readonly number: number
  readonly headSha: string
  readonly baseRef: string
  /** Whether its branch lies in another repository. */
  readonly isFork: boolean
}

export type StickyComment = {
  /** Of the pull request. */
  readonly number: number
  readonly marker: string
  /** Markdown; the marker is put before it where it does not begin with it. */
  readonly body: string
}

/** What a job shows on GitHub besides its exit code: the functions below, for one repository. */
export type ActionsApi = {
  stickyComment(comment: StickyComment): Promise<Posted>
  checkRun(run: CheckRun): Promise<Posted>
  openPulls(base: string): Promise<readonly OpenPullRequest[]>
}

/** What the functions below need of a forge's calls. */
export type ActionsContext = Pick<Context, 'client' | 'people'>

/**
 * Opens GitHub for a job; nothing is asked yet.
 *
 * @throws {PolicyError} USAGE_INVALID, FORGE_UNAUTHORIZED for options of another form
 */
export function openActionsApi(options: ActionsApiOptions): ActionsApi {
  const { apiUrl, token, repository, timing } = options
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) {
    throw new PolicyError('USAGE_INVALID', `expected owner/name, found ${repository}`)
  }
  // A header that cannot be sent would end in an error that shows it.
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) {
    throw new PolicyError('FORGE_UNAUTHORIZED', 'the token is not one word of printable ASCII')
  }
  const client = openGithubClient({
    ...{ apiUrl, repository, credentials: { kind: 'token', token } },
    ...(timing === undefined ? {} : { timing }),
  })
  const context = { client, people: openPeople(client) }
  return {
    stickyComment: (comment) => stickyComment(context, comment),
    checkRun: (run) => checkRun(context, run),
    openPulls: (base) => openPulls(context, base),
  }
}

/**
 * Says something in the one comment of a pull request that begins with a marker: updates the account's own, or adds one.
 * A comment of anybody else with the marker is left alone. A token without the right, as the jobs of forks have, or a
 * forge that gives no answer makes `{ posted: false }`.
 */
export function stickyComment(context: ActionsContext, comment: StickyComment): Promise<Posted> {
  return unlessRefused(() => stick(context, comment))
}

/** Sets a check on a commit; the latest of a name counts. Fails as `stickyComment` does. */
export function checkRun({ client }: ActionsContext, run: CheckRun): Promise<Posted> {
  return unlessRefused(() => runCheck(client, run))
}

/**
 * Open pull requests, the latest first.
 *
 * @param base - into this branch alone
 * @throws {PolicyError} FORGE_UNREACHABLE (retryable), FORGE_UNAUTHORIZED, FORGE_REFUSED
 */
export async function openPulls(
  { client }: ActionsContext,
  base?: string,
): Promise<readonly OpenPullRequest[]> {
  const pulls: OpenPullRequest[] = []
  const filter = { state: 'open', per_page: PAGE, ...(base === undefined ? {} : { base }) }
  for (let page = 1; page <= FORGE_PULLS_MAX / PAGE; page++) {
    const answer = await client.ask('GET /pulls', { ...filter, page }, [])
    if (!answer.done) break
    const values = listAt(answer.value)
    pulls.push(...values.map(pullOf))
    if (!answer.more && values.length < PAGE) break
  }
  // GitHub ignores a filter that it does not understand.
  return base === undefined ? pulls : pulls.filter(({ baseRef }) => baseRef === base)
}

/** Whose a token is that may not ask who it is, where GitHub does not say: most often a workflow's own. */
const WORKFLOW = 'github-actions[bot]'

async function unlessRefused(post: () => Promise<Posted>): Promise<Posted> {
  try {
    return await post()
  } catch (error) {
    if (error instanceof PolicyError) return { posted: false, why: error.message }
    throw error
  }
}

/** Answers that say that it cannot be done, and not that it should be tried again. */
const REFUSALS = [403, 404, 410, 422]

function refused(answer: GithubAnswer): Posted {
  const why = answer.done ? 'no answer' : `GitHub refuses (${answer.status}: ${answer.message})`
  return { posted: false, why }
}

async function stick(
  context: ActionsContext,
  { number, marker, body }: StickyComment,
): Promise<Posted> {
  const { client } = context
  const text = cut(body.startsWith(marker) ? body : `${marker}\n${body}`, BODY_LENGTH_MAX)
  let posted: Posted = { posted: false, why: 'no answer' }
  let own: Comment | null = null
  const prepare = async (): Promise<boolean> => {
    const found = await ownComment(context, number, marker)
    if ('posted' in found) {
      posted = found
      return false
    }
    own = found.comment
    if (own === null || normal(own.body) !== normal(text)) return true
    posted = { posted: true, change: 'same', id: own.id }
    return false
  }
  // One that failed may have been taken all the same: it is looked for before it is sent again.
  const request = { retries: 0 }
  const send = async (): Promise<void> => {
    const [route, about, change] =
      own === null
        ? (['POST /issues/{issue_number}/comments', { issue_number: number }, 'created'] as const)
        : (['PATCH /issues/comments/{comment_id}', { comment_id: own.id }, 'updated'] as const)
    const answer = await client.ask(route, { ...about, body: text, request }, REFUSALS)
    posted = answer.done ? { posted: true, change, id: idAt(answer.value, 'id') } : refused(answer)
  }
  await sendOnce(client.secondMs, { prepare, send })
  return posted
}

type Comment = { readonly id: number; readonly body: string }

const PAGE = 100

/** The first comment of this account that begins with the marker: anybody may write the marker into one of their own. */
async function ownComment(
  { client, people }: ActionsContext,
  number: number,
  marker: string,
): Promise<{ readonly comment: Comment | null } | Posted> {
  const self = await people.self()
  const author = self === null ? ((await readViewer(client)) ?? WORKFLOW) : null
  // No person's login has brackets, so that nobody can take a bot's.
  const isOwn = (value: unknown): boolean =>
    author === null
      ? String(valueAt(value, ['user', 'id'])) === self
      : valueAt(value, ['user', 'login']) === author && valueAt(value, ['user', 'type']) === 'Bot'
  for (let page = 1; page <= FORGE_REVIEWS_MAX / PAGE; page++) {
    const parameters = { issue_number: number, per_page: PAGE, page }
    const answer = await client.ask('GET /issues/{issue_number}/comments', parameters, REFUSALS)
    if (!answer.done) return refused(answer)
    const values = listAt(answer.value)
    for (const value of values) {
      const body = valueAt(value, ['body'])
      if (typeof body !== 'string' || !body.startsWith(marker) || !isOwn(value)) continue
      return { comment: { id: idAt(value, 'id'), body } }
    }
    if (!answer.more && values.length < PAGE) return { comment: null }
  }
  return { posted: false, why: `pull request ${number} has too many comments` }
}

function normal(body: string): string {
  return body.replaceAll('\r\n', '\n').trimEnd()
}

/** GitHub takes so many annotations a call. */
const ANNOTATIONS = 50

/** And shows so many; more take a call for each fifty. */
const ANNOTATIONS_MAX = 1000

/** Bytes, though its documentation says characters: beyond that GitHub takes nothing of the check run. */
const SUMMARY_BYTES_MAX = 65_535
const MESSAGE_LENGTH_MAX = 16_000

async function runCheck(client: GithubClient, run: CheckRun): Promise<Posted> {
  const { sha, name, conclusion, annotations } = run
  const title = cut(run.title, TITLE_LENGTH_MAX)
  const about = { title, summary: cutBytes(run.summary, SUMMARY_BYTES_MAX) }
  const all = annotations.slice(0, ANNOTATIONS_MAX).map(annotationOf)
  const output = { ...about, annotations: all.slice(0, ANNOTATIONS) }
  const making = { name, head_sha: sha, status: 'completed', conclusion, output }
  const answer = await client.ask('POST /check-runs', making, REFUSALS)
  if (!answer.done) return refused(answer)
  const id = idAt(answer.value, 'id')
  // Each call adds to those before.
  for (let from = ANNOTATIONS; from < all.length; from += ANNOTATIONS) {
    const more = { ...about, annotations: all.slice(from, from + ANNOTATIONS) }
    const adding = { check_run_id: id, output: more }
    const added = await client.ask('PATCH /check-runs/{check_run_id}', adding, REFUSALS)
    if (!added.done) break
  }
  return { posted: true, change: 'created', id }
}

/** A text of at most so many bytes of UTF-8. */
function cutBytes(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  // What is left of a character that was cut would be a mark of three bytes.
  return `${bytes.toString('utf8', 0, bytesMax - 6).replace(/\uFFFD$/, '')}…`
}

function annotationOf({ file, line, column, level, id, message }: CheckAnnotation): object {
  const at = Math.max(1, line)
  const column_ = Math.max(1, column)
  return {
    ...{ path: file, start_line: at, end_line: at, start_column: column_, end_column: column_ },
    annotation_level: level === 'error' ? 'failure' : level,
    title: cut(id, TITLE_LENGTH_MAX - 1),
    message: cut(message, MESSAGE_LENGTH_MAX),
  }
}

function pullOf(value: unknown): OpenPullRequest {
  return {
    number: idAt(value, 'number'),
    headSha: oidAt(value, 'head', 'sha'),
    baseRef: textAt(value, 'base', 'ref'),
    // Null when the fork is gone.
    isFork: valueAt(value, ['head', 'repo', 'id']) !== valueAt(value, ['base', 'repo', 'id']),
  }
}
