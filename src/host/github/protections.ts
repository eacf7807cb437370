import { PolicyError } from '../../base/errors.ts'
import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import type { ClientOptions, GithubAnswer, GithubClient } from './client.ts'
import { openGithubClient } from './client.ts'
import { type Known, readAnswer, unknown } from './known.ts'
import { readFolder, readText } from './repository-files.ts'

export type { Known } from './known.ts'

/** Somebody whom rules do not bind. */
export type Exempt = { readonly who: string; readonly isAdmin: boolean }

/** Rules of one source for one branch: a ruleset, or the branch's own protection. The strictest source decides. */
export type RuleSource = {
  /** For people. */
  readonly name: string
  /** What a pull request must have; null when commits may be pushed without one. */
  readonly reviews: {
    readonly count: number
    readonly isStaleDismissed: boolean
    readonly isLastPushApproved: boolean
    readonly ofCodeOwners: boolean
  } | null
  /** Checks that must pass; `app` is whose they must be, null when anybody's do. */
  readonly checks: readonly { readonly context: string; readonly app: number | null }[]
  /** Whether what is merged was checked on the base branch as it is. */
  readonly isUpToDate: boolean
  readonly refusesForcePushes: boolean
  readonly refusesDeletion: boolean
  readonly exempt: Known<readonly Exempt[]>
}

export type CodeOwners = {
  readonly path: string
  readonly text: string
  /** What GitHub finds wrong with it. */
  readonly errors: Known<readonly { readonly line: number; readonly kind: string }[]>
}

/** What stands between a branch of a repository and whoever may write to it, as far as the token may read it. */
export type Protections = {
  readonly branch: string
  /** Whether that is the repository's default branch. */
  readonly isDefault: boolean
  readonly sources: readonly RuleSource[]
  /** Why there may be sources that are not among these; empty when there are none. */
  readonly unread: readonly string[]
  /** Null when there is none. */
  readonly codeOwners: Known<CodeOwners | null>
  readonly actions: Known<{
    readonly isOn: boolean
    /** Whether any action of anybody may run. */
    readonly allowsAll: boolean
    readonly mustPin: boolean
  }>
  /** What a workflow's token may do that asks for nothing. */
  readonly tokens: Known<{ readonly mayWrite: boolean; readonly mayApprove: boolean }>
  readonly workflows: Known<readonly { readonly path: string; readonly text: string }[]>
}

/**
 * Reads what protects a branch. What the token may not read is said, and never taken for anything.
 *
 * @param options.branch - null for the repository's default branch
 * @param options.codeOwners - where CODEOWNERS may lie, the first that is there being the one that counts
 * @throws {PolicyError} FORGE_UNREACHABLE (retryable), FORGE_UNAUTHORIZED, FORGE_REFUSED when there is no such
 *   repository or branch
 */
export async function readProtections(
  options: ClientOptions & {
    readonly branch: string | null
    readonly codeOwners: readonly string[]
  },
): Promise<Protections> {
  const client = openGithubClient(options)
  const repository = await client.get('GET ')
  const usual = textAt(repository, 'default_branch')
  const branch = options.branch ?? usual
  const found = await client.ask('GET /branches/{branch}', { branch }, [404])
  if (!found.done) {
    const message = `${options.repository} has no branch ${branch} that the token may see`
    throw new PolicyError('FORGE_REFUSED', message)
  }
  const isProtected = valueAt(found.value, ['protected']) !== false
  const unread: string[] = []
  const rulesets = await readRulesets(client, branch, unread)
  const own = await readOwnProtection(client, branch, { isProtected, unread })
  const readable = await isReadable(client, branch)
  return {
    ...{ branch, isDefault: branch === usual, sources: [...rulesets, ...own], unread },
    codeOwners: readable.known
      ? await readCodeOwners(client, branch, options.codeOwners)
      : readable,
    workflows: readable.known ? await readFolder(client, branch, '.github/workflows') : readable,
    actions: await readActions(client),
    tokens: await readTokens(client),
  }
}

/** A token that may read no files is told of none, so that a missing file says nothing yet. */
async function isReadable(client: GithubClient, branch: string): Promise<Known<true>> {
  const answer = await client.ask('GET /git/ref/{ref}', { ref: `heads/${branch}` }, [403, 404])
  return readAnswer(answer, 'the files of the repository', () => true)
}

type Rule = { readonly type: string; readonly parameters: unknown }

async function readRulesets(
  client: GithubClient,
  branch: string,
  unread: string[],
): Promise<RuleSource[]> {
  const rules = new Map<number, Rule[]>()
  const names = new Map<number, string>()
  for (let page = 1; page <= PAGES_MAX; page++) {
    const asking = { branch, per_page: PAGE, page }
    const answer = await client.ask('GET /rules/branches/{branch}', asking, [403, 404])
    if (!answer.done) {
      unread.push(`rulesets: ${wordsOf(answer)}`)
      return []
    }
    const list = listAt(answer.value)
    for (const rule of list) {
      const id = idAt(rule, 'ruleset_id')
      names.set(id, `the ruleset ${id} of ${textAt(rule, 'ruleset_source')}`)
      rules.set(id, [
        ...(rules.get(id) ?? []),
        { type: textAt(rule, 'type'), parameters: valueAt(rule, ['parameters']) },
      ])
    }
    if (list.length < PAGE) break
    if (page === PAGES_MAX) unread.push(`rulesets: there are more than ${PAGE * PAGES_MAX} rules`)
  }
  const sources: RuleSource[] = []
  for (const [id, own] of rules) {
    const exempt = await readExempt(client, id)
    sources.push(rulesetSource(names.get(id) ?? String(id), own, exempt))
  }
  return sources
}

const PAGE = 100
const PAGES_MAX = 10

/** GitHub names those who bypass only to whoever may change the ruleset. */
async function readExempt(client: GithubClient, id: number): Promise<Known<readonly Exempt[]>> {
  const asking = { ruleset_id: id, includes_parents: true }
  const answer = await client.ask('GET /rulesets/{ruleset_id}', asking, [403, 404])
  const what = 'who may bypass the ruleset'
  if (!answer.done) return unknown(`${what}: ${wordsOf(answer)}`)
  const actors = valueAt(answer.value, ['bypass_actors'])
  if (!Array.isArray(actors)) return unknown(`${what}: shown to nobody but who may change it`)
  return { known: true, value: actors.map(exemptOf) }
}

/** Ids of the roles that every repository has: https://docs.github.com/en/rest/repos/rules */
const ROLES: Readonly<Record<number, string>> = {
  2: 'maintainers',
  4: 'writers',
  5: 'administrators',
}

function exemptOf(actor: unknown): Exempt {
  const type = textAt(actor, 'actor_type')
  const id = Number(valueAt(actor, ['actor_id']) ?? 0)
  if (type === 'OrganizationAdmin')
    return { who: "the organisation's administrators", isAdmin: true }
  if (type === 'RepositoryRole') {
    return { who: ROLES[id] ?? `the role ${id}`, isAdmin: ROLES[id] === 'administrators' }
  }
  if (type === 'DeployKey') return { who: 'deploy keys', isAdmin: false }
  return { who: `${type.toLowerCase()} ${id}`, isAdmin: false }
}

function rulesetSource(
  name: string,
  rules: readonly Rule[],
  exempt: Known<readonly Exempt[]>,
): RuleSource {
  const parametersOf = (type: string): readonly unknown[] =>
    rules.filter((rule) => rule.type === type).map(({ parameters }) => parameters)
  const [review] = parametersOf('pull_request')
  const status = parametersOf('required_status_checks')
  const has = (type: string): boolean => rules.some((rule) => rule.type === type)
  return {
    ...{ name, exempt },
    reviews: has('pull_request')
      ? {
          count: numberAt(review, 'required_approving_review_count'),
          isStaleDismissed: isSet(review, 'dismiss_stale_reviews_on_push'),
          isLastPushApproved: isSet(review, 'require_last_push_approval'),
          ofCodeOwners: isSet(review, 'require_code_owner_review'),
        }
      : null,
    checks: status.flatMap((one) =>
      listAt(one, 'required_status_checks').map((check) => ({
        context: textAt(check, 'context'),
        app: appOf(valueAt(check, ['integration_id'])),
      })),
    ),
    isUpToDate:
      has('merge_queue') ||
      // Without a check that must pass it says nothing.
      status.some(
        (one) =>
          isSet(one, 'strict_required_status_checks_policy') &&
          listAt(one, 'required_status_checks').length > 0,
      ),
    refusesForcePushes: has('non_fast_forward'),
    refusesDeletion: has('deletion'),
  }
}

async function readOwnProtection(
  client: GithubClient,
  branch: string,
  { isProtected, unread }: { readonly isProtected: boolean; readonly unread: string[] },
): Promise<RuleSource[]> {
  // A branch that nothing protects says so to everybody.
  if (!isProtected) return []
  const path = 'GET /branches/{branch}/protection'
  const answer = await client.ask(path, { branch }, [403, 404])
  if (answer.done) return [ownSource(answer.value)]
  if (!/not protected/i.test(answer.message)) unread.push(`branch protection: ${wordsOf(answer)}`)
  return []
}

function ownSource(value: unknown): RuleSource {
  const review = valueAt(value, ['required_pull_request_reviews'])
  const status = valueAt(value, ['required_status_checks'])
  const isOff = (name: string): boolean => valueAt(value, [name, 'enabled']) === false
  const exempt: Exempt[] = ['users', 'teams', 'apps'].flatMap((kind) => {
    const list = valueAt(review, ['bypass_pull_request_allowances', kind])
    return (Array.isArray(list) ? list : []).map((one) => ({
      who: String(valueAt(one, ['login']) ?? valueAt(one, ['slug']) ?? kind),
      isAdmin: false,
    }))
  })
  if (valueAt(value, ['enforce_admins', 'enabled']) !== true) {
    exempt.push({ who: 'administrators', isAdmin: true })
  }
  const checks = ownChecks(status)
  return {
    ...{ name: 'the protection of the branch', exempt: { known: true, value: exempt }, checks },
    reviews:
      review === undefined || review === null
        ? null
        : {
            count: numberAt(review, 'required_approving_review_count'),
            isStaleDismissed: isSet(review, 'dismiss_stale_reviews'),
            isLastPushApproved: isSet(review, 'require_last_push_approval'),
            ofCodeOwners: isSet(review, 'require_code_owner_reviews'),
          },
    isUpToDate: isSet(status, 'strict') && checks.length > 0,
    refusesForcePushes: isOff('allow_force_pushes'),
    refusesDeletion: isOff('allow_deletions'),
  }
}

function ownChecks(status: unknown): RuleSource['checks'] {
  if (status === undefined || status === null) return []
  const checks = listAt(status, 'checks').map((check) => ({
    context: textAt(check, 'context'),
    app: appOf(valueAt(check, ['app_id'])),
  }))
  // Those of the older form name no App.
  const older = listAt(status, 'contexts').filter(
    (name): name is string =>
      typeof name === 'string' && checks.every((one) => one.context !== name),
  )
  return [...checks, ...older.map((context) => ({ context, app: null }))]
}

async function readCodeOwners(
  client: GithubClient,
  branch: string,
  places: readonly string[],
): Promise<Known<CodeOwners | null>> {
  const asked = await client.ask('GET /codeowners/errors', { ref: branch }, [403, 404])
  const errors = readAnswer(asked, 'what GitHub finds wrong with CODEOWNERS', (value) =>
    listAt(value, 'errors').map((one) => ({ line: idAt(one, 'line'), kind: textAt(one, 'kind') })),
  )
  for (const path of places) {
    const text = await readText(client, branch, path)
    if (!text.known) return text
    if (text.value !== null) return { known: true, value: { path, text: text.value, errors } }
  }
  return { known: true, value: null }
}

async function readActions(client: GithubClient): Promise<Protections['actions']> {
  const answer = await client.ask('GET /actions/permissions', {}, [403, 404])
  return readAnswer(answer, 'what Actions may run', (value) => ({
    isOn: isSet(value, 'enabled'),
    allowsAll: !['local_only', 'selected'].includes(String(valueAt(value, ['allowed_actions']))),
    mustPin: isSet(value, 'sha_pinning_required'),
  }))
}

async function readTokens(client: GithubClient): Promise<Protections['tokens']> {
  const answer = await client.ask('GET /actions/permissions/workflow', {}, [403, 404])
  return readAnswer(answer, "what workflows' tokens may do", (value) => ({
    mayWrite: valueAt(value, ['default_workflow_permissions']) !== 'read',
    mayApprove: valueAt(value, ['can_approve_pull_request_reviews']) !== false,
  }))
}

function wordsOf(answer: Extract<GithubAnswer, { done: false }>): string {
  return `${answer.status} ${answer.message}`.trim()
}

function isSet(value: unknown, name: string): boolean {
  return valueAt(value, [name]) === true
}

function numberAt(value: unknown, name: string): number {
  const found = valueAt(value, [name])
  return typeof found === 'number' ? found : 0
}

/** GitHub writes null, or -1, where any App's word counts. */
function appOf(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null
}
