import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { PolicyChange } from '../../model/policy-diff.ts'
import { DEFAULT_WORDS } from './diff-defaults.ts'
import type { Draft, FieldComparator } from './diff-fields.ts'
import {
  compareFields,
  higherIsWeaker,
  inOrder,
  isSame,
  listed,
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
