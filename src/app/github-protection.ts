import type { Exempt, Protections, RuleSource } from '../host/github/protections.ts'
import { ownersOf } from './code-owners.ts'
import { type WorkflowFlaw, workflowFlaws } from './doctor-workflows.ts'
import { CODEOWNERS_PLACES } from './policy/init-github.ts'

/** One protection that was looked for. Its id stays the same from version to version. */
export type Protection = {
  readonly id: string
  /** `unknown` is what the token may not read. */
  readonly state: 'ok' | 'missing' | 'unknown'
  readonly message: string
  /** What to do; null when it is there. */
  readonly fix: string | null
}

type Asked = {
  /** Names of the gate's check runs. */
  readonly checks: readonly string[]
  /** Files that must have owners. */
  readonly owned: readonly string[]
}

/** Says which protections are missing, always of the same ids in the same order. */
export function assess(protections: Protections, asked: Asked): readonly Protection[] {
  return [
    ...REQUIREMENTS.map((one) => required(protections, one)),
    ...checkProtections(protections, asked),
    ...bypassProtections(protections, asked),
    ...ownerProtections(protections, asked),
    ...actionProtections(protections),
    ...workflowProtections(protections),
  ]
}

type Requirement = {
  readonly id: string
  readonly isMet: (source: RuleSource) => boolean
  readonly ok: string
  readonly missing: string
  readonly fix: string
}

const REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'pull-request',
    isMet: ({ reviews }) => (reviews?.count ?? 0) > 0,
    ok: 'changes need a pull request with an approval',
    missing: 'commits may be pushed without a pull request that somebody approved',
    fix: 'require a pull request with at least one approval',
  },
  {
    id: 'stale-approvals',
    isMet: ({ reviews }) => reviews?.isStaleDismissed === true,
    ok: 'a push dismisses approvals',
    missing: 'an approval stays when commits are pushed after it',
    fix: 'dismiss stale pull request approvals when new commits are pushed',
  },
  {
    id: 'last-push',
    isMet: ({ reviews }) => reviews?.isLastPushApproved === true,
    ok: 'the last push needs the approval of somebody else',
    missing: 'whoever pushed last may be the one who approved',
    fix: 'require approval of the most recent reviewable push',
  },
  {
    id: 'code-owner-review',
    isMet: ({ reviews }) => reviews?.ofCodeOwners === true,
    ok: 'code owners must approve',
    missing: 'code owners need not approve: a pull request can change the workflow that judges it',
    fix: 'require review from code owners',
  },
  {
    id: 'force-pushes',
    isMet: ({ refusesForcePushes }) => refusesForcePushes,
    ok: 'force pushes are refused',
    missing: 'force pushes are allowed: they can take what was reviewed away',
    fix: 'block force pushes',
  },
  {
    id: 'deletion',
    isMet: ({ refusesDeletion }) => refusesDeletion,
    ok: 'the branch cannot be deleted',
    missing: 'the branch may be deleted, and made anew with other commits',
    fix: 'restrict deletions',
  },
  {
    id: 'up-to-date',
    isMet: ({ isUpToDate }) => isUpToDate,
    ok: 'what is merged was checked on the base branch as it is',
    missing: 'a change may be merged that was checked on an older base',
    fix: 'require branches to be up to date before merging, or use a merge queue',
  },
]

function required(protections: Protections, requirement: Requirement): Protection {
  const { id, isMet, ok, missing, fix } = requirement
  const by = protections.sources.filter(isMet).map(({ name }) => name)
  if (by.length > 0) return fine(id, `${ok}: ${by.join(', ')}`)
  return unlessUnread(protections, lacking(id, missing, fix))
}

/** What is missing among the rules that were read may be in those that were not. */
function unlessUnread({ unread }: Protections, found: Protection): Protection {
  if (found.state !== 'missing' || unread.length === 0) return found
  return cannotTell(found.id, unread.join('; '))
}

function checkProtections(protections: Protections, { checks }: Asked): readonly Protection[] {
  const all = protections.sources
    .flatMap((source) => source.checks)
    .filter(({ context }) => checks.includes(context))
  const names = [...new Set(all.map(({ context }) => context))].sort()
  const wanted = checks.join(' or ')
  if (names.length === 0) {
    const fix = `require the status check ${wanted}, with GitHub Actions as its source`
    const ids = ['required-check', 'check-source']
    return ids.map((id) =>
      unlessUnread(protections, lacking(id, `no rule requires ${wanted}`, fix)),
    )
  }
  const loose = names.filter((name) =>
    all.every(({ context, app }) => context !== name || app === null),
  )
  const source =
    loose.length === 0
      ? fine('check-source', 'the checks count from their App alone')
      : unlessUnread(
          protections,
          lacking(
            'check-source',
            `${loose.join(', ')} may be posted by anybody who may write statuses`,
            'choose GitHub Actions as the source of each required check',
          ),
        )
  return [fine('required-check', `a merge needs ${names.join(', ')}`), source]
}

/** A rule protects as far as somebody cannot pass it by: where several ask for the same, the strictest. */
function bypassProtections(protections: Protections, { checks }: Asked): readonly Protection[] {
  const gate = (source: RuleSource): boolean =>
    source.checks.some(({ context }) => checks.includes(context))
  const wanted = [...REQUIREMENTS.map(({ isMet }) => isMet), gate]
  const kinds = [
    {
      id: 'bypass-list',
      counts: ({ isAdmin }: Exempt) => !isAdmin,
      ok: 'nobody is on a list of those who may bypass',
      fix: 'take everybody off the bypass lists',
    },
    {
      id: 'admins',
      counts: ({ isAdmin }: Exempt) => isAdmin,
      ok: 'administrators are bound too',
      fix: 'do not allow administrators to bypass the rules',
    },
  ]
  return kinds.map(({ id, counts, ok, fix }) => {
    const exempt = new Set<string>()
    const unread = new Set<string>()
    let rules = 0
    for (const isMet of wanted) {
      const by = protections.sources.filter(isMet)
      if (by.length === 0) continue
      rules += 1
      const isHard = (source: RuleSource): boolean =>
        source.exempt.known && !source.exempt.value.some(counts)
      if (by.some(isHard)) continue
      const isTold = by.every((source) => source.exempt.known)
      for (const { exempt: found, name } of by) {
        if (!found.known) unread.add(`${name}: ${found.why}`)
        else if (isTold) found.value.filter(counts).map(({ who }) => exempt.add(`${who} (${name})`))
      }
    }
    if (exempt.size > 0) {
      const message = `these may bypass the rules: ${[...exempt].sort().join(', ')}`
      return unlessUnread(protections, lacking(id, message, fix))
    }
    if (unread.size > 0) return cannotTell(id, [...unread].join('; '))
    if (rules > 0) return fine(id, ok)
    return unlessUnread(protections, lacking(id, 'there is no rule to keep', 'import a ruleset'))
  })
}

function ownerProtections(
  { codeOwners, workflows }: Protections,
  { owned }: Asked,
): readonly Protection[] {
  const ids = ['code-owners', 'code-owners-cover'] as const
  if (!codeOwners.known) return ids.map((id) => cannotTell(id, codeOwners.why))
  const { value } = codeOwners
  if (value === null) {
    const fix = 'add .github/CODEOWNERS: countersign init --github writes one'
    return ids.map((id) => lacking(id, 'there is no CODEOWNERS', fix))
  }
  const { path, text, errors } = value
  // A new one in a place that goes first would count instead.
  const places = CODEOWNERS_PLACES.slice(0, CODEOWNERS_PLACES.indexOf(path) + 1)
  const running = workflows.known ? workflows.value.map((one) => one.path) : []
  const bare = [...new Set([...places, ...running, ...owned])].filter(
    (one) => ownersOf(text, one).length === 0,
  )
  const more = bare.length > NAMED_MAX ? ` and ${bare.length - NAMED_MAX} more` : ''
  const named = `${bare.slice(0, NAMED_MAX).join(', ')}${more}`
  return [
    errors.known ? errorsProtection(ids[0], path, errors.value) : cannotTell(ids[0], errors.why),
    bare.length === 0
      ? fine(ids[1], 'the policy and what judges it have owners')
      : lacking(ids[1], `nobody owns ${named}`, `name their owners in ${path}`),
  ]
}

const NAMED_MAX = 8

function errorsProtection(
  id: string,
  path: string,
  errors: readonly { readonly line: number; readonly kind: string }[],
): Protection {
  if (errors.length === 0) return fine(id, `GitHub finds nothing wrong with ${path}`)
  const wrong = errors.map(({ line, kind }) => `${path}:${line}: ${kind}`)
  return lacking(id, wrong.join(', '), 'mend these lines: owners need write access')
}

function actionProtections({ actions, tokens }: Protections): readonly Protection[] {
  const found: Protection[] = []
  if (actions.known) {
    const { isOn, allowsAll, mustPin } = actions.value
    found.push(
      isOn
        ? fine('actions-enabled', 'Actions run')
        : lacking('actions-enabled', 'Actions are off: the gate never runs', 'enable Actions'),
      allowsAll && !mustPin
        ? lacking(
            'allowed-actions',
            'a workflow may run any action, at any reference',
            'allow selected actions only, or require full-length commit digests',
          )
        : fine('allowed-actions', mustPin ? 'actions must be pinned' : 'selected actions may run'),
    )
  } else {
    found.push(...['actions-enabled', 'allowed-actions'].map((id) => cannotTell(id, actions.why)))
  }
  if (!tokens.known) {
    const ids = ['default-token', 'approving-token']
    return [...found, ...ids.map((id) => cannotTell(id, tokens.why))]
  }
  const { mayWrite, mayApprove } = tokens.value
  return [
    ...found,
    mayWrite
      ? lacking(
          'default-token',
          'a workflow without permissions gets a token that may write',
          'set the default workflow permissions to read',
        )
      : fine('default-token', 'a workflow without permissions may only read'),
    mayApprove
      ? lacking(
          'approving-token',
          'a workflow may approve pull requests',
          'do not allow Actions to create and approve pull requests',
        )
      : fine('approving-token', 'no workflow may approve pull requests'),
  ]
}

const WORKFLOW_KINDS: readonly {
  readonly kind: WorkflowFlaw['kind']
  readonly ok: string
  readonly fix: string
}[] = [
  {
    kind: 'target-checkout',
    ok: 'no workflow that may write checks out a head',
    fix: 'do not check out the head on pull_request_target or workflow_run; use pull_request',
  },
  {
    kind: 'write-all',
    ok: 'no workflow has all permissions',
    fix: 'give each job the permissions it needs, and no other',
  },
  {
    kind: 'unpinned-action',
    ok: 'every action is pinned by a digest',
    fix: 'pin each action by the full digest of a commit',
  },
]

function workflowProtections({ workflows }: Protections): readonly Protection[] {
  if (!workflows.known) return WORKFLOW_KINDS.map(({ kind }) => cannotTell(kind, workflows.why))
  const flaws = workflows.value.flatMap(({ path, text }) => workflowFlaws(path, text))
  const unreadable = placesOf(flaws, 'unreadable')
  return WORKFLOW_KINDS.map(({ kind, ok, fix }) => {
    const places = placesOf(flaws, kind)
    if (places.length > 0) return lacking(kind, places.join('; '), fix)
    return unreadable.length > 0 ? cannotTell(kind, unreadable.join('; ')) : fine(kind, ok)
  })
}

function placesOf(flaws: readonly WorkflowFlaw[], wanted: WorkflowFlaw['kind']): string[] {
  return flaws
    .filter(({ kind }) => kind === wanted)
    .map(({ path, line, what }) => `${path}:${line}: ${what}`)
}

function fine(id: string, message: string): Protection {
  return { id, state: 'ok', message, fix: null }
}

function lacking(id: string, message: string, fix: string): Protection {
  return { id, state: 'missing', message, fix }
}

function cannotTell(id: string, why: string): Protection {
  const fix = 'run it with a token that may read this: Administration, Contents and Metadata'
  return { id, state: 'unknown', message: `the token may not read ${why}`, fix }
}
