import type { JsonValue } from '../../base/json-value.ts'
import { compareFieldTests } from './diff-field-test.ts'
import type { Draft, FieldComparator, Outcome } from './diff-fields.ts'
import {
  compareFields,
  finerIsWeaker,
  higherIsStronger,
  higherIsWeaker,
  inOrder,
  longerIsStronger,
  unclear,
} from './diff-fields.ts'
import { MONOTONE_TABLES } from './diff-kind-tables.ts'
import { compareSelectors, coversTool } from './diff-selector.ts'

/** How the settings of one guardrail kind compare. */
export type KindComparator = {
  /**
   * Whether a rule of the kind that looks at more actions can only find more. Not so where the order of what it sees
   * counts: another call in between breaks a loop.
   */
  readonly monotone: boolean
  compare(before: object, after: object): Draft[]
}

/**
 * The comparator of a kind. A kind without one here is compared all the same: each of its settings that differs is
 * unclear, and so may be weaker.
 */
export function kindComparator(kind: string): KindComparator {
  return COMPARATORS.get(kind) ?? fields(kind, {}, { monotone: false })
}

const COMPARATORS: ReadonlyMap<string, KindComparator> = new Map([
  ...Object.entries(MONOTONE_TABLES).map(([kind, table]) => [kind, fields(kind, table)] as const),
  ['every', fields('every', {})],
  [
    'pattern',
    { monotone: true, compare: (before, after) => compareFieldTests(before, after, '/pattern') },
  ],
  ['scope', fields('scope', { tools: moreTools })],
  [
    'velocity',
    fields('velocity', { limit: higherIsWeaker, per: longerIsStronger, by: finerIsWeaker }),
  ],
  [
    'loop',
    fields(
      'loop',
      {
        repeats: higherIsWeaker,
        period_max: higherIsStronger,
        compare: inOrder(['arguments', 'tool']),
        by: unclear,
      },
      { monotone: false },
    ),
  ],
  ['flow', { monotone: true, compare: compareFlows }],
])

/** A kind whose settings compare one by one. */
function fields(
  kind: string,
  table: Readonly<Record<string, FieldComparator>>,
  { monotone }: { readonly monotone: boolean } = { monotone: true },
): KindComparator {
  return { monotone, compare: (before, after) => compareFields(before, after, table, `/${kind}`) }
}

function compareFlows(before: object, after: object): Draft[] {
  const table = { within: longerIsStronger, by: finerIsWeaker }
  const isAfter = ({ pointer }: Draft) => pointer === '/flow/after'
  return compareFields(before, after, table, '/flow').flatMap((draft) =>
    isAfter(draft) ? compareAfter(before, after) : [draft],
  )
}

function compareAfter(before: object, after: object): Draft[] {
  const [old, now] = [selectorOf(before), selectorOf(after)]
  return compareSelectors(old, now, 'stronger', '/flow/after')
}

function selectorOf(spec: object): object {
  const value = Object.hasOwn(spec, 'after') ? (spec as { after: unknown }).after : {}
  return typeof value === 'object' && value !== null ? value : {}
}

/** The tools that a `scope` rule lists are those that it lets pass. */
function moreTools(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  field: string,
): readonly Outcome[] {
  if (!Array.isArray(before) || !Array.isArray(after)) return unclear(before, after, field)
  const [old, now] = [textsOf(before), textsOf(after)]
  const added = now.filter((one) => !old.some((wide) => coversTool(wide, one)))
  const removed = old.filter((one) => !now.some((wide) => coversTool(wide, one)))
  return [
    ...(added.length === 0
      ? []
      : [{ direction: 'weaker' as const, message: `tools: + ${added.join(', ')}` }]),
    ...(removed.length === 0
      ? []
      : [{ direction: 'stronger' as const, message: `tools: - ${removed.join(', ')}` }]),
  ]
}

function textsOf(values: readonly unknown[]): readonly string[] {
  return values.filter((one) => typeof one === 'string')
}
