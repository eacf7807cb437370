import { isJsonObject } from '../../base/json-value.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import { DEFAULT_WORDS } from './diff-defaults.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import {
  compareFields,
  higherIsStronger,
  higherIsWeaker,
  inOrder,
  isSame,
  listed,
  longerIsWeaker,
  neutral,
  ownValue,
  unclear,
} from './diff-fields.ts'
import type { Sides } from './diff-parts.ts'
import { changeOf } from './diff-parts.ts'
import { byTime } from './diff-people.ts'

/** The project's own settings. A setting that is not named here differs in an unknown direction. */
export function compareProjects(sides: Sides): PolicyChange[] {
  const [before, after] = [sides.before.policy, sides.after.policy]
  const drafts = [
    ...compareFields(before.defaults, after.defaults, DEFAULTS, '/defaults'),
    ...compareFields(settingsOf(before), settingsOf(after), SETTINGS),
  ]
  if (drafts.length === 0) return []
  const places = { before: null, after: null }
  return [
    changeOf(sides, { part: 'project', id: after.project, change: 'changed', drafts, ...places }),
  ]
}

const byWord = inOrder(DEFAULT_WORDS)

const DEFAULTS: Readonly<Record<string, FieldComparator>> = {
  low: byWord,
  medium: byWord,
  high: byWord,
  critical: byWord,
}

const SETTINGS: Readonly<Record<string, FieldComparator>> = {
  unknown_tools: inOrder(['hold', 'deny']),
  valid_until: (before, after, field) => byTime(before, after, field, 'weaker'),
  evaluation_ms_max: higherIsWeaker,
  evaluation_steps_max: higherIsWeaker,
  evaluation_bytes_max: higherIsWeaker,
  self_test: compareSelfTests,
  sigstore: compareSigstore,
  attest: compareAttest,
}

/** Whose word counts for identities: another root may vouch for anybody. Where people sign changes nothing of that. */
function compareSigstore(...[before, after, field]: Parameters<FieldComparator>) {
  if (!isJsonObject(before) || !isJsonObject(after)) {
    const message =
      after === undefined
        ? `${field}: reviews through Sigstore no longer count`
        : `${field}: reviews through Sigstore count now`
    return [
      { direction: after === undefined ? ('stronger' as const) : ('weaker' as const), message },
    ]
  }
  return compareFields(before, after, SIGSTORE).map(({ field: name, direction, message }) => ({
    direction,
    message: name === 'trusted_root' ? `${field}: another trusted root` : `${field}.${message}`,
  }))
}

const SIGSTORE: Readonly<Record<string, FieldComparator>> = {
  trusted_root: (_before, _after, field) => [{ direction: 'weaker', message: field }],
  tlog_min: higherIsStronger,
  ctlog_min: higherIsStronger,
  fulcio_url: neutral,
  rekor_url: neutral,
  tsa_url: neutral,
  oidc_issuer: neutral,
  client_id: neutral,
}

/** What others vouch for: less often, less of it, or nothing that waits for it is weaker. */
function compareAttest(...[before, after, field]: Parameters<FieldComparator>) {
  if (!isJsonObject(before) || !isJsonObject(after)) {
    const isGone = after === undefined
    const message = isGone
      ? `${field}: the log is no longer attested`
      : `${field}: the log is attested now`
    return [{ direction: isGone ? ('weaker' as const) : ('stronger' as const), message }]
  }
  return compareFields(before, after, ATTEST).map(({ direction, message }) => ({
    direction,
    message: `${field}.${message}`,
  }))
}

const ATTEST: Readonly<Record<string, FieldComparator>> = {
  every: longerIsWeaker,
  receipts: higherIsWeaker,
  resolutions: inOrder(['none', 'each']),
  wait: inOrder(['none', 'resolutions']),
}

/** Parts that are compared elsewhere. */
const OTHER_PARTS: ReadonlySet<string> = new Set([
  'defaults',
  'agents',
  'tools',
  'rules',
  'rego',
  'rego_packages',
  'routes',
  'people',
  'baselines',
  'releases',
])

function settingsOf(policy: CompiledPolicy): object {
  return Object.fromEntries(Object.entries(policy).filter(([key]) => !OTHER_PARTS.has(key)))
}

/** Actions that every version must refuse: one fewer guards less. */
function compareSelfTests(...[before, after, field]: Parameters<FieldComparator>) {
  if (!Array.isArray(before) || !Array.isArray(after)) return unclear(before, after, field)
  const removed = before.filter((one) => !after.some((other) => isSame(one, other)))
  const added = after.filter((one) => !before.some((other) => isSame(one, other)))
  const names = (tests: readonly unknown[]) =>
    listed(tests.map((test) => String(ownValue(test as object, 'name'))))
  return [
    ...(removed.length === 0
      ? []
      : [
          { direction: 'weaker' as const, message: `${field}: no longer asked: ${names(removed)}` },
        ]),
    ...(added.length === 0
      ? []
      : [{ direction: 'stronger' as const, message: `${field}: now asked: ${names(added)}` }]),
  ] satisfies readonly Pick<Draft, 'direction' | 'message'>[]
}
