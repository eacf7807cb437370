import { compileGlob } from '../../base/glob.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { EFFECTS, PRIORITIES } from '../../decide/evaluate/selector.ts'
import type { Selector } from '../../model/generated/types.ts'
import type { Direction } from '../../model/policy-diff.ts'
import type { Draft, Said } from './diff-fields.ts'
import { isSame, listed, membersOf, ownValue } from './diff-fields.ts'

/** How one key of a selector differs: it names more, fewer, or, with one entry for each, others. */
export type SelectorDifference = {
  readonly key: string
  readonly selects: 'more' | 'fewer' | 'unknown'
  readonly message: string
}

/**
 * Compares two selectors key by key. Globs are compared by what they stand for: `refund_*` names more than
 * `refund_payment`, and a key that is left out names everything.
 */
export function compareSelectorKeys(before: object, after: object): SelectorDifference[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return keys.flatMap((key) => {
    const [old, now] = [ownValue(before, key), ownValue(after, key)]
    return isSame(old, now) ? [] : compareKey(key, old, now)
  })
}

/**
 * The differences of a selector as directions.
 *
 * @param more - where selecting more actions leads; `unclear` for what does not simply find more in more actions
 * @param at - JSON pointer of the selector: `/on`
 */
export function compareSelectors(
  before: object,
  after: object,
  more: 'weaker' | 'stronger' | 'unclear',
  at: string,
): Draft[] {
  const directions: Readonly<Record<SelectorDifference['selects'], Direction>> = {
    more,
    fewer: more === 'unclear' ? 'unclear' : more === 'stronger' ? 'weaker' : 'stronger',
    unknown: 'unclear',
  }
  const prefix = at.slice(1).replaceAll('/', '.')
  return compareSelectorKeys(before, after).map(({ key, selects, message }) => ({
    field: `${prefix}.${key}`,
    pointer: `${at}/${key}`,
    direction: directions[selects],
    message,
  }))
}

/**
 * Whether every name that the second glob matches is matched by the first. The second's `*` becomes a character that the
 * first does not have, so only a `*` of the first can take it in.
 */
export function covers(wide: string, narrow: string): boolean {
  if (wide.includes(FRESH)) return wide === narrow
  return compileGlob(wide)(narrow.replaceAll('*', FRESH))
}

/** As `covers`, of tools such as `billing.refund_*`, whose parts are matched apart. */
export function coversTool(wide: string, narrow: string): boolean {
  const [wideService, wideAction] = toolParts(wide)
  const [service, action] = toolParts(narrow)
  return covers(wideService, service) && covers(wideAction, action)
}

/** Whether a selector is about certain tools: then its rule switches their default off. */
export function namesTools({ service, action }: Selector): boolean {
  return [service, action].some(
    (globs) => globs !== undefined && ![globs].flat().some((glob) => /^\*+$/.test(glob)),
  )
}

const FRESH = '\n' // The schema of a glob allows no white space.

const WORDS: Readonly<
  Record<string, { readonly all: readonly string[]; readonly unsaid: string[] }>
> = {
  effect: { all: EFFECTS, unsaid: [...EFFECTS] },
  priority: { all: PRIORITIES, unsaid: [...PRIORITIES] },
  phase: { all: ['call', 'result'], unsaid: ['call'] },
}
const NAMES: readonly string[] = ['service', 'action', 'agent', 'role']

function compareKey(key: string, before: Said, after: Said): SelectorDifference[] {
  const words = Object.hasOwn(WORDS, key) ? WORDS[key] : undefined
  const known = words !== undefined || NAMES.includes(key)
  const unsaid = words === undefined ? ['*'] : words.unsaid
  const [old, now] = [membersOf(before ?? unsaid), membersOf(after ?? unsaid)]
  if (!known || old === null || now === null) {
    return [{ key, selects: 'unknown', message: `${key}: ${side(before)} -> ${side(after)}` }]
  }
  const covered = words === undefined ? covers : (a: string, b: string) => a === b
  const isIn = (one: string, all: ReadonlySet<string>) =>
    [...all].some((wide) => covered(wide, one))
  const added = [...now].filter((one) => !isIn(one, old))
  const removed = [...old].filter((one) => !isIn(one, now))
  const more: SelectorDifference = {
    key,
    selects: 'more',
    message: `${key}: now also ${after === undefined && words === undefined ? 'any other' : listed(added)}`,
  }
  const fewer: SelectorDifference = {
    key,
    selects: 'fewer',
    message: `${key}: ${before === undefined && words === undefined ? `only ${side(after)} now` : `no longer ${listed(removed)}`}`,
  }
  return [...(added.length > 0 ? [more] : []), ...(removed.length > 0 ? [fewer] : [])]
}

function side(value: Said): string {
  if (value === undefined) return 'any'
  return listed([...(membersOf(value as JsonValue) ?? [JSON.stringify(value)])])
}

function toolParts(tool: string): readonly [string, string] {
  const dot = tool.indexOf('.')
  return [tool.slice(0, Math.max(0, dot)), tool.slice(dot + 1)]
}
