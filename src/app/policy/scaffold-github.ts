import { PolicyError } from '../../base/errors.ts'

/** An action as a workflow names it. */
export type ActionReference = {
  /** `OWNER/REPO`, or a folder of one. */
  readonly name: string
  readonly ref: string
  /** What the reference is called; null when nothing was said. */
  readonly version: string | null
  /** Whether the reference is a full commit digest, which nobody can move. */
  readonly isPinned: boolean
}

/**
 * Reads `OWNER/REPO@REF`, as it stands after `uses:`; a version may follow as a comment.
 *
 * @throws {PolicyError} USAGE_INVALID
 */
export function parseActionReference(text: string): ActionReference {
  const [, name, ref, version] = REFERENCE.exec(text.trim()) ?? []
  if (name === undefined || ref === undefined) {
    const expected = 'OWNER/REPO@REF, REF being the full digest of a commit'
    throw new PolicyError('USAGE_INVALID', `expected --action to be ${expected}, found ${text}`)
  }
  return { name, ref, version: version ?? null, isPinned: DIGEST.test(ref) }
}

const REFERENCE =
  /^([A-Za-z0-9][\w.-]{0,99}\/[A-Za-z0-9_.][\w.-]{0,99}(?:\/[A-Za-z0-9_][\w.-]{0,99}){0,5})@([A-Za-z0-9_][\w./-]{0,199})(?:\s+#\s*([\w.-]{1,50}))?$/

const DIGEST = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * Checks the owners for CODEOWNERS: accounts, teams or mail addresses.
 *
 * @throws {PolicyError} USAGE_INVALID
 */
export function parseOwners(text: string): readonly string[] {
  const owners = text.split(/[\s,]+/).filter((one) => one !== '')
  if (owners.length > 0 && owners.every((one) => OWNER.test(one))) return owners
  const expected = 'accounts or teams such as @ana,@acme/security'
  throw new PolicyError('USAGE_INVALID', `expected --owners to be ${expected}, found ${text}`)
}

const OWNER =
  /^(?:@[A-Za-z0-9][\w-]{0,99}(?:\/[A-Za-z0-9][\w.-]{0,99})?|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)$/

export type GithubScaffold = {
  readonly action: ActionReference
  readonly owners: readonly string[]
  /** The policy's folder from the repository's top, with forward slashes; empty at the top. */
  readonly prefix: string
  /** Folders that the policy is read from, from its own folder. */
  readonly folders: readonly string[]
}

export const GITHUB_WORKFLOW = '.github/workflows/countersign.yml'
export const GITHUB_CODEOWNERS = '.github/CODEOWNERS'
export const GITHUB_RULESET = '.github/rulesets/countersign.json'

/** What guards a policy repository on GitHub, as texts by path from the repository's top. */
export function scaffoldGithub(about: GithubScaffold): ReadonlyMap<string, string> {
  return new Map([
    [GITHUB_CODEOWNERS, codeowners(about)],
    [GITHUB_RULESET, `${JSON.stringify(RULESET, null, 2)}\n`],
    [GITHUB_WORKFLOW, workflow(about)],
  ])
}

/** What the scaffold's README says about them. */
export const GITHUB_README = `
## On GitHub

| path | what it does |
| --- | --- |
| \`${GITHUB_WORKFLOW}\` | judges every pull request by the policy of its base branch |
| \`${GITHUB_CODEOWNERS}\` | who must approve changes of the policy, and of what judges it |
| \`${GITHUB_RULESET}\` | rules to import: Settings, Rules, Rulesets, New ruleset, Import a ruleset |

The rules apply once they are imported, and nobody may bypass them. \`countersign doctor --github\` says what is missing.
`

/** Who must be asked. The last pattern that matches a file decides. */
function codeowners({ owners, prefix, folders }: GithubScaffold): string {
  const at = (path: string): string => `/${prefix === '' ? '' : `${prefix}/`}${path}`
  const paths = ['/.github/', at('countersign.yaml'), ...folders.map((name) => at(`${name}/`))]
  const width = Math.max(...paths.map((path) => path.length))
  const lines = paths.map((path) => `${path.padEnd(width)} ${owners.join(' ')}`)
  return `# Who must approve a change of the policy, and of what judges it: a pull request runs its own version of the workflow,
# so that its owners are what keeps it from being weakened. Rulesets must require reviews by code owners.
${lines.join('\n')}
`
}

/** The App that posts what workflows say. Any other source of a check of the same name does not count. */
export const GITHUB_ACTIONS_APP = 15368

/** The check runs that the workflow posts; `action.yml` names them after its modes. */
export const GATE_CHECKS: readonly string[] = ['countersign/policy', 'countersign/approvals']

/** In the form that GitHub exports and imports. */
const RULESET = {
  name: 'countersign',
  target: 'branch',
  source_type: 'Repository',
  enforcement: 'active',
  conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
  rules: [
    { type: 'deletion' },
    { type: 'non_fast_forward' },
    {
      type: 'pull_request',
      parameters: {
        required_approving_review_count: 1,
        dismiss_stale_reviews_on_push: true,
        require_code_owner_review: true,
        require_last_push_approval: true,
        required_review_thread_resolution: false,
        allowed_merge_methods: ['merge', 'squash', 'rebase'],
      },
    },
    {
      type: 'required_status_checks',
      parameters: {
        strict_required_status_checks_policy: true,
        do_not_enforce_on_create: false,
        required_status_checks: GATE_CHECKS.map((context) => ({
          context,
          integration_id: GITHUB_ACTIONS_APP,
        })),
      },
    },
  ],
  bypass_actors: [],
}

/** Each seen with its digest in many repositories. */
const CHECKOUT = 'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2'

function workflow({ action, prefix }: GithubScaffold): string {
  const { name, ref, version } = action
  const uses = `${name}@${ref}${version === null ? '' : ` # ${version}`}`
  const policy = prefix === '' ? '' : `\n          policy: ${JSON.stringify(prefix)}`
  return WORKFLOW.replaceAll('{{checkout}}', CHECKOUT)
    .replaceAll('{{action}}', uses)
    .replaceAll('{{policy}}', () => policy)
}

/**
 * Both jobs run on every event, so that what they say is never of an earlier review. What is checked out is the default
 * branch: the gate fetches what it judges, and reads it as Git's objects.
 */
const WORKFLOW = `# Judges changes of the policy by the policy of their base branch. Nothing of a pull request is run or believed.
name: Countersign

on:
  pull_request:
    types: [opened, synchronize, reopened, edited] # \`edited\`: another base branch.
  pull_request_review:
    types: [submitted, edited, dismissed]
  merge_group:
  workflow_dispatch:
  schedule:
    # Judges what is open again: reviews expire, and the run of a fork's pull request may write no check run.
    - cron: '17 * * * *'

permissions: {}

# A later run judges everything anew, so that an earlier one need not end.
concurrency:
  group: countersign-\${{ github.event.pull_request.number || github.ref }}
  cancel-in-progress: \${{ github.event_name != 'merge_group' }}

jobs:
  policy:
    name: Policy
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      contents: read # To read the policy and the change.
      pull-requests: write # To read reviews, and to write one comment.
      checks: write # To post the check run countersign/policy.
    steps:
      - name: Check out the default branch
        uses: {{checkout}}
        with:
          ref: \${{ github.event.repository.default_branch }}
          fetch-depth: 0
          persist-credentials: false
      - name: Judge the change
        uses: {{action}}
        with:
          mode: policy{{policy}}

  approvals:
    name: Approvals
    runs-on: ubuntu-latest
    timeout-minutes: 10
    permissions:
      contents: read # To read the policy and the change.
      pull-requests: read # To read reviews.
      checks: write # To post the check run countersign/approvals.
    steps:
      - name: Check out the default branch
        uses: {{checkout}}
        with:
          ref: \${{ github.event.repository.default_branch }}
          fetch-depth: 0
          persist-credentials: false
      - name: Verify the signed reviews
        uses: {{action}}
        with:
          mode: approvals{{policy}}
`
