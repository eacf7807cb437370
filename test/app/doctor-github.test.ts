import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { examineGithub, type Protection } from '../../src/app/doctor-github.ts'
import {
  GITHUB_RULESET,
  parseActionReference,
  scaffoldGithub,
} from '../../src/app/policy/scaffold-github.ts'
import { runCli } from '../shells/cli/run.ts'
import { filled } from '../support/fake-github/description.ts'
import { newGuard } from '../support/fake-github/protection-operations.ts'
import { FAST, openWorld, type World } from '../support/fake-github/world.ts'

const scratch = mkdtempSync(join(tmpdir(), 'countersign-doctor-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const SCAFFOLD = scaffoldGithub({
  action: parseActionReference(`acme/countersign@${'0123456789'.repeat(4)}`),
  ...{ owners: ['@ana'], prefix: '', folders: ['policies', 'releases', 'tests'] },
})
const RULESET = JSON.parse(SCAFFOLD.get(GITHUB_RULESET) ?? '')

let world: World
let folder: string

/** A repository that has all that `init --github` makes, imported through GitHub's own API. */
beforeEach(async () => {
  world = await openWorld()
  folder = mkdtempSync(join(scratch, 'policy-'))
  await world.github.push('main', Object.fromEntries(SCAFFOLD))
  const { source_type: _, ...body } = RULESET
  const imported = await fetch(`${world.github.url}/repos/acme/approvals/rulesets`, {
    method: 'POST',
    headers: {
      authorization: `token ${world.people.bo.token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  })
  expect(imported.status).toBe(201)
  const { guard } = world.github.state
  guard.actions = { enabled: true, allowed_actions: 'selected', sha_pinning_required: true }
})
afterEach(() => world.close())

function environment(): Record<string, string> {
  return { COUNTERSIGN_GITHUB_TOKEN: world.people.bo.token, GITHUB_API_URL: world.github.url }
}

async function examined(branch: string | null = null): Promise<Map<string, Protection>> {
  const { protections } = await examineGithub({
    ...{ folder, repository: 'acme/approvals', branch, checks: null, timing: FAST },
    environment: environment(),
  })
  return new Map(protections.map((one) => [one.id, one]))
}

/** Ids that are not fine. */
async function complaints(branch?: string): Promise<Record<string, string>> {
  const bad = [...(await examined(branch))].filter(([, { state }]) => state !== 'ok')
  return Object.fromEntries(bad.map(([id, { state }]) => [id, state]))
}

/** Changes the parameters of a rule, or takes the rule away. */
function setRule(type: string, parameters: Record<string, unknown> | null): void {
  const { guard } = world.github.state
  guard.rulesets = guard.rulesets.map((ruleset) => ({
    ...ruleset,
    rules: ruleset.rules.flatMap((rule) => {
      if (rule.type !== type) return [rule]
      return parameters === null
        ? []
        : [{ type, parameters: { ...(rule.parameters as object), ...parameters } }]
    }),
  }))
}

function setBypass(...actors: readonly unknown[]): void {
  const { guard } = world.github.state
  guard.rulesets = guard.rulesets.map((ruleset) => ({ ...ruleset, bypass_actors: actors }))
}

test('what init --github writes lacks nothing once its ruleset is imported', async () => {
  expect(await complaints()).toEqual({})
})

const IDS = [
  ...['pull-request', 'stale-approvals', 'last-push', 'code-owner-review', 'force-pushes'],
  ...['deletion', 'up-to-date', 'required-check', 'check-source', 'bypass-list', 'admins'],
  ...['code-owners', 'code-owners-cover', 'actions-enabled', 'allowed-actions'],
  ...['default-token', 'approving-token', 'target-checkout', 'write-all', 'unpinned-action'],
]

test('ids stay the same whatever is missing', async () => {
  const ids = [...(await examined()).keys()]
  expect(ids).toEqual(IDS)
  Object.assign(world.github.state.guard, newGuard())
  expect([...(await examined()).keys()]).toEqual(ids)
})

const review = (name: string, value: unknown) => () => setRule('pull_request', { [name]: value })
const checks = (...list: readonly unknown[]) => {
  setRule('required_status_checks', { required_status_checks: list })
}
const guard = (about: object) => () => void Object.assign(world.github.state.guard, about)
const push = (files: Record<string, string>) => async () => {
  await world.github.push('main', files)
}
const owners = (text: string) => push({ '.github/CODEOWNERS': text })
const BOTH_CHECKS = { 'required-check': 'missing', 'check-source': 'missing' }
const ALL_RULES = {
  ...{ 'pull-request': 'missing', 'stale-approvals': 'missing', 'last-push': 'missing' },
  ...{ 'code-owner-review': 'missing', 'force-pushes': 'missing', deletion: 'missing' },
  ...{ 'up-to-date': 'missing', ...BOTH_CHECKS, 'bypass-list': 'missing', admins: 'missing' },
}

type Row = {
  readonly name: string
  readonly change: () => void | Promise<void>
  readonly want: Record<string, string>
}

test.for<Row>([
  {
    name: 'an approval that outlives a push',
    change: review('dismiss_stale_reviews_on_push', false),
    want: { 'stale-approvals': 'missing' },
  },
  {
    name: 'a pusher who may approve',
    change: review('require_last_push_approval', false),
    want: { 'last-push': 'missing' },
  },
  {
    name: 'code owners who need not be asked',
    change: review('require_code_owner_review', false),
    want: { 'code-owner-review': 'missing' },
  },
  {
    name: 'no approval at all',
    change: review('required_approving_review_count', 0),
    want: { 'pull-request': 'missing' },
  },
  {
    name: 'force pushes',
    change: () => setRule('non_fast_forward', null),
    want: { 'force-pushes': 'missing' },
  },
  {
    name: 'a branch that can be deleted',
    change: () => setRule('deletion', null),
    want: { deletion: 'missing' },
  },
  {
    name: 'a check of anybody',
    change: () => checks({ context: 'countersign/policy' }),
    want: { 'check-source': 'missing' },
  },
  {
    name: 'only other checks',
    change: () => checks({ context: 'lint', integration_id: 15368 }),
    want: BOTH_CHECKS,
  },
  {
    name: "the engine's status, which anybody may set",
    change: () => checks({ context: 'countersign/approval', integration_id: 15368 }),
    want: BOTH_CHECKS,
  },
  {
    name: 'a base that may be old',
    change: () =>
      setRule('required_status_checks', { strict_required_status_checks_policy: false }),
    want: { 'up-to-date': 'missing' },
  },
  {
    name: 'an up-to-date branch, but no check that must pass',
    change: () => checks(),
    want: { ...BOTH_CHECKS, 'up-to-date': 'missing' },
  },
  {
    name: 'a check of any App',
    change: () => checks({ context: 'countersign/policy', integration_id: -1 }),
    want: { 'check-source': 'missing' },
  },
  {
    name: 'a team on the bypass list',
    change: () => setBypass({ actor_type: 'Team', actor_id: 7, bypass_mode: 'pull_request' }),
    want: { 'bypass-list': 'missing' },
  },
  {
    name: 'administrators of the repository exempt',
    change: () => setBypass({ actor_type: 'RepositoryRole', actor_id: 5, bypass_mode: 'always' }),
    want: { admins: 'missing' },
  },
  {
    name: "the organisation's administrators and a deploy key exempt",
    change: () =>
      setBypass({ actor_type: 'OrganizationAdmin' }, { actor_type: 'DeployKey', actor_id: null }),
    want: { admins: 'missing', 'bypass-list': 'missing' },
  },
  {
    name: 'a bypass list that the token may not see',
    change: guard({ showsBypass: false }),
    want: { admins: 'unknown', 'bypass-list': 'unknown' },
  },
  {
    name: 'a ruleset that the token may not see',
    change: () => void world.github.state.guard.refused.add('repos/get-repo-ruleset'),
    want: { admins: 'unknown', 'bypass-list': 'unknown' },
  },
  { name: 'no rules', change: guard({ rulesets: [] }), want: ALL_RULES },
  {
    name: 'rules that the token may not see',
    change: () => void world.github.state.guard.refused.add('repos/get-branch-rules'),
    want: Object.fromEntries(Object.keys(ALL_RULES).map((id) => [id, 'unknown'])),
  },
  {
    name: 'any action at any reference',
    change: guard({ actions: { enabled: true, allowed_actions: 'all' } }),
    want: { 'allowed-actions': 'missing' },
  },
  {
    name: 'Actions that are off',
    change: guard({ actions: { enabled: false } }),
    want: { 'actions-enabled': 'missing', 'allowed-actions': 'missing' },
  },
  {
    name: 'tokens that may write and approve',
    change: guard({
      tokens: { default_workflow_permissions: 'write', can_approve_pull_request_reviews: true },
    }),
    want: { 'default-token': 'missing', 'approving-token': 'missing' },
  },
  {
    name: 'settings of Actions that the token may not see',
    change: () => {
      const { refused } = world.github.state.guard
      refused.add('actions/get-github-actions-permissions-repository')
      refused.add('actions/get-github-actions-default-workflow-permissions-repository')
    },
    want: {
      ...{ 'actions-enabled': 'unknown', 'allowed-actions': 'unknown' },
      ...{ 'default-token': 'unknown', 'approving-token': 'unknown' },
    },
  },
  {
    name: 'files that the token may not read',
    change: () => {
      world.github.state.guard.refused.add('git/get-ref').add('repos/get-content')
    },
    want: {
      ...{ 'code-owners': 'unknown', 'code-owners-cover': 'unknown' },
      ...{ 'target-checkout': 'unknown', 'write-all': 'unknown', 'unpinned-action': 'unknown' },
    },
  },
  {
    name: 'an owner whom GitHub does not know',
    change: guard({
      codeOwnersErrors: [
        { line: 3, column: 1, kind: 'Unknown owner', message: '', path: '.github/CODEOWNERS' },
      ],
    }),
    want: { 'code-owners': 'missing' },
  },
  {
    name: 'workflows that nobody owns',
    change: owners('* @ana\n/.github/workflows/\n'),
    want: { 'code-owners-cover': 'missing' },
  },
  {
    name: 'a new workflow that nobody would own',
    change: owners('* @ana\n/.github/\n/.github/*S @ana\n/.github/**/countersign.yml @ana\n'),
    want: { 'code-owners-cover': 'missing' },
  },
  {
    name: 'Rego that nobody owns',
    change: owners('* @ana\n*.rego\n'),
    want: { 'code-owners-cover': 'missing' },
  },
  {
    name: 'folders of the policy that nobody owns',
    change: owners('* @ana\n/policies/\n/policies/* @ana\n'),
    want: { 'code-owners-cover': 'missing' },
  },
  {
    name: 'a workflow that is there and that nobody owns',
    change: push({
      '.github/CODEOWNERS': '* @ana\n/.github/workflows/ci.yml\n',
      '.github/workflows/ci.yml': 'on: push\njobs: {}\n',
    }),
    want: { 'code-owners-cover': 'missing' },
  },
  {
    name: 'a CODEOWNERS that GitHub does not speak about',
    change: guard({ codeOwnersErrors: null }),
    want: { 'code-owners': 'unknown' },
  },
  {
    name: 'a workflow that runs a head with secrets',
    change: push({
      '.github/workflows/label.yml':
        'on: pull_request_target\njobs:\n  a:\n    runs-on: x\n    permissions: write-all\n' +
        '    steps:\n      - uses: actions/checkout@v6\n        with: { ref: refs/pull/1/head }\n',
    }),
    want: { 'target-checkout': 'missing', 'write-all': 'missing', 'unpinned-action': 'missing' },
  },
  {
    name: 'a workflow that cannot be read',
    change: push({ '.github/workflows/odd.yaml': 'jobs: [\n' }),
    want: { 'target-checkout': 'unknown', 'write-all': 'unknown', 'unpinned-action': 'unknown' },
  },
])('$name -> $want', async ({ change, want }) => {
  await change()
  expect(await complaints()).toEqual(want)
})

test('checks of another branch than the default one are named after it', async () => {
  world.github.state.guard.defaultBranch = 'trunk'
  expect(await complaints('main')).toEqual(BOTH_CHECKS)
  checks({ context: 'countersign/policy (main)', integration_id: 15368 })
  expect(await complaints('main')).toEqual({})
})

describe("a branch's own protection", () => {
  const url = 'https://github.test/'
  const SOUND = {
    required_status_checks: {
      ...{ strict: true, contexts: ['countersign/policy'] },
      checks: [{ context: 'countersign/policy', app_id: 15368 }],
    },
    enforce_admins: { url, enabled: true },
    required_pull_request_reviews: {
      ...{ dismiss_stale_reviews: true, require_code_owner_reviews: true },
      ...{ require_last_push_approval: true, required_approving_review_count: 1 },
    },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
  }

  test.for<{ name: string; about: object; want: object }>([
    { name: 'as strict as the ruleset', about: {}, want: {} },
    {
      name: 'administrators exempt',
      about: { enforce_admins: { url, enabled: false } },
      want: { admins: 'missing' },
    },
    {
      name: 'people exempt from reviews',
      about: {
        required_pull_request_reviews: {
          ...SOUND.required_pull_request_reviews,
          bypass_pull_request_allowances: {
            users: [],
            teams: [],
            apps: [filled('integration', { slug: 'bot' })],
          },
        },
      },
      want: { 'bypass-list': 'missing' },
    },
    {
      name: "anybody's check",
      about: {
        required_status_checks: {
          ...SOUND.required_status_checks,
          checks: [{ context: 'countersign/policy', app_id: null }],
        },
      },
      want: { 'check-source': 'missing' },
    },
    {
      name: 'force pushes allowed',
      about: { allow_force_pushes: { enabled: true } },
      want: { 'force-pushes': 'missing' },
    },
  ])('$name -> $want', async ({ about, want }) => {
    const found = world.github.state.guard
    Object.assign(found, { rulesets: [], protection: { ...SOUND, ...about } })
    expect(await complaints()).toEqual(want)
  })

  test('the strictest of both sources decides', async () => {
    world.github.state.guard.protection = { ...SOUND, enforce_admins: { url, enabled: false } }
    expect(await complaints()).toEqual({})
    setRule('pull_request', { require_last_push_approval: false })
    // Now the last push is kept by what administrators may pass.
    expect(await complaints()).toEqual({ admins: 'missing' })
  })

  test('a branch that must be up to date for no check need not be', async () => {
    const status = { strict: true, contexts: [], checks: [] }
    world.github.state.guard.protection = { ...SOUND, required_status_checks: status }
    setRule('required_status_checks', { strict_required_status_checks_policy: false })
    expect(await complaints()).toEqual({ 'up-to-date': 'missing' })
  })

  test('who is known to bypass one rule is said though of another nobody is', async () => {
    const exempt = { enforce_admins: { url, enabled: false } }
    guard({ protection: { ...SOUND, ...exempt }, showsBypass: false })()
    setRule('non_fast_forward', null)
    // Only the branch's own protection refuses force pushes, and administrators may pass it.
    expect(await complaints()).toEqual({ admins: 'missing' })
  })

  test('one that the token may not read is unknown where no ruleset speaks', async () => {
    const { guard: found } = world.github.state
    Object.assign(found, { protection: SOUND })
    found.refused.add('repos/get-branch-protection')
    expect(await complaints()).toEqual({})
    setRule('non_fast_forward', null)
    expect(await complaints()).toEqual({ 'force-pushes': 'unknown' })
  })
})

describe('the command', () => {
  const run = (...args: string[]) =>
    runCli(['doctor', '--github', '--repository', 'acme/approvals', ...args], {
      ...{ cwd: folder, env: environment() },
    })

  test('exits with 0 when nothing is missing', async () => {
    const { code, stdout } = await run()
    expect(stdout).toContain('ok       last-push')
    expect(stdout).not.toMatch(/missing|unknown/)
    expect(code).toBe(0)
  })

  test('exits with 1 when something is missing, and says what to do', async () => {
    setRule('non_fast_forward', null)
    world.github.state.guard.showsBypass = false
    const { code, stdout } = await run()
    expect(stdout).toMatch(/missing {2}force-pushes .*\n +block force pushes/)
    expect(stdout).toMatch(/unknown {2}bypass-list /)
    expect(code).toBe(1)
  })

  test('exits with 3 when the token cannot tell', async () => {
    world.github.state.guard.showsBypass = false
    const { code, stdout } = await run('--format', 'json')
    const { protections } = JSON.parse(stdout) as { protections: Protection[] }
    expect(protections.filter(({ state }) => state === 'unknown')).toHaveLength(2)
    expect(code).toBe(3)
  })

  test('looks at the names and folders that the policy has', async () => {
    mkdirSync(join(folder, '.git'))
    mkdirSync(join(folder, 'agents', 'rules'), { recursive: true })
    const text = `apiVersion: countersign/v1\nkind: Project\nproject: shop\nfolders: [rules]\nforge: { kind: github, repository: acme/other, api_url: '${world.github.url}' }\nchanges: { repository: acme/approvals }\n`
    writeFileSync(join(folder, 'agents', 'countersign.yaml'), text)
    const env = environment()
    const { code, stdout } = await runCli(['doctor', '--github', '--policy', 'agents'], {
      ...{ cwd: folder, env },
    })
    expect(stdout).toContain('nobody owns agents/countersign.yaml, agents/rules/any.yaml')
    expect(code).toBe(1)
  })

  test('looks at the files that the policy has', async () => {
    await owners('* @ana\n/policies/roster.yaml\n/policies/our\\ own.yaml\n')()
    mkdirSync(join(folder, 'policies'))
    writeFileSync(join(folder, 'countersign.yaml'), 'kind: Project\n')
    for (const name of ['roster.yaml', 'our own.yaml', 'more.yaml']) {
      writeFileSync(join(folder, 'policies', name), 'kind: Roster\n')
    }
    const { code, stdout } = await run()
    expect(stdout).toContain('nobody owns policies/our own.yaml, policies/roster.yaml\n')
    expect(code).toBe(1)
  })

  test.for(['/.github/CODEOWNERS', '/CODEOWNERS'])('at the top %s needs owners', async (bare) => {
    const { repository } = world.github.state
    const base = (await repository.git('rev-parse', 'refs/heads/main~1^{tree}')).trim()
    const oid = await repository.blob(`* @ana\n${bare}\n`)
    const tree = await repository.tree(base, [{ mode: '100644', path: 'CODEOWNERS', oid }])
    const sha = await repository.makeCommit(tree, [], 'Move\n', { name: 'Ana', email: 'a@b.c' })
    await repository.git('update-ref', 'refs/heads/main', sha)
    expect(await complaints()).toEqual({ 'code-owners-cover': 'missing' })
  })

  test.for([
    { name: 'no repository', args: ['--github'], want: 'USAGE_INVALID' },
    { name: 'options of --github alone', args: ['--branch', 'main'], want: 'USAGE_INVALID' },
    {
      name: 'a branch that is not there',
      args: ['--github', '--repository', 'acme/approvals', '--branch', 'gone'],
      want: 'FORGE_REFUSED',
    },
    {
      name: 'a repository that is not there',
      args: ['--github', '--repository', 'acme/other'],
      want: 'FORGE_REFUSED',
    },
  ])('$name -> $want', async ({ args, want }) => {
    const { code, stderr } = await runCli(['doctor', ...args], { cwd: folder, env: environment() })
    expect(stderr).toContain(want)
    expect(code).toBeGreaterThan(0)
  })
})
