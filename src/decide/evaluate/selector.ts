import { compileGlob, isLiteral } from '../../base/glob.ts'
import type { Effect, PhaseWord, Priority } from '../../model/generated/types.ts'
import type { RulePlace } from './settings.ts'
import { invalid, own, ownTexts } from './settings.ts'

/** What selectors look at: the names of an action, its tool's effect (null when unknown) and the raised priority. */
export type Target = {
  readonly service: string
  readonly action: string
  readonly agent: string
  readonly role: string
  readonly effect: Effect | null
  readonly priority: Priority
  readonly phase: PhaseWord
}

export type CompiledSelector = {
  /** The only services, when the selector names no glob; null when any service may match. */
  readonly services: readonly string[] | null
  /** The only actions, likewise. */
  readonly actions: readonly string[] | null
  /** Whether the selector is about certain tools: it names a service or an action, other than by `*` alone. */
  readonly namesTools: boolean
  readonly phases: ReadonlySet<string>
  matches(target: Target): boolean
}

/**
 * Compiles a selector. Every key that is given must match; none given means every action. An effect matches a tool
 * that no Tools file names, since nobody said that it has another.
 *
 * @throws {PolicyError} VALUE_INVALID; also for an unknown key, which would otherwise widen the selector
 */
export function compileSelector(place: RulePlace, selector: object): CompiledSelector {
  for (const key of Object.keys(selector)) {
    if (!KEYS.has(key))
      throw invalid(place, `expected a selector key, found ${JSON.stringify(key)}`)
  }
  const service = namesOf(place, selector, 'service')
  const action = namesOf(place, selector, 'action')
  const agent = namesOf(place, selector, 'agent')
  const role = namesOf(place, selector, 'role')
  const effect = wordsOf(place, selector, 'effect', EFFECTS)
  const priority = wordsOf(place, selector, 'priority', PRIORITIES)
  const phases = wordsOf(place, selector, 'phase', PHASES) ?? CALL_ONLY
  return {
    services: service.literals,
    actions: action.literals,
    namesTools: service.narrow || action.narrow,
    phases,
    matches: (target) =>
      phases.has(target.phase) &&
      service.test(target.service) &&
      action.test(target.action) &&
      agent.test(target.agent) &&
      role.test(target.role) &&
      (effect === null || target.effect === null || effect.has(target.effect)) &&
      (priority === null || priority.has(target.priority)),
  }
}

/** Priorities from the lowest to the highest. */
export const PRIORITIES = ['low', 'medium', 'high', 'critical'] as const satisfies Priority[]

/** What tools may do to the world. */
export const EFFECTS = ['read', 'write', 'irreversible'] as const satisfies Effect[]

/** The higher of two priorities. A word that is no priority counts as the highest. */
export function higherPriority(a: Priority, b: Priority): Priority {
  return rank(a) >= rank(b) ? a : b
}

/** Whether a name matches one of the globs. */
export function compileGlobs(globs: readonly string[]): (name: string) => boolean {
  if (globs.length === 1) return compileGlob(globs[0] ?? '')
  const literals = new Set(globs.filter(isLiteral))
  const patterns = globs.filter((glob) => !isLiteral(glob)).map(compileGlob)
  return (name) => literals.has(name) || patterns.some((matches) => matches(name))
}

const KEYS: ReadonlySet<string> = new Set([
  'service',
  'action',
  'agent',
  'role',
  'effect',
  'priority',
  'phase',
])

const PHASES = ['call', 'result'] as const satisfies PhaseWord[]
const CALL_ONLY: ReadonlySet<string> = new Set(['call'])

type Names = {
  readonly literals: readonly string[] | null
  /** Whether some name is left out. */
  readonly narrow: boolean
  test(name: string): boolean
}

function namesOf(place: RulePlace, selector: object, key: string): Names {
  const globs = ownTexts(place, selector, key)
  if (globs === undefined) return { literals: null, narrow: false, test: () => true }
  return {
    literals: globs.every(isLiteral) ? globs : null,
    narrow: !globs.some((glob) => /^\*+$/.test(glob)),
    test: compileGlobs(globs),
  }
}

function wordsOf(
  place: RulePlace,
  selector: object,
  key: string,
  known: readonly string[],
): ReadonlySet<string> | null {
  if (own(selector, key) === undefined) return null
  const words = ownTexts(place, selector, key) ?? []
  for (const word of words) {
    if (!known.includes(word))
      throw invalid(place, `expected ${key} to be one of ${known.join(', ')}`)
  }
  return new Set(words)
}

function rank(priority: Priority): number {
  const at = PRIORITIES.indexOf(priority)
  return at < 0 ? PRIORITIES.length : at
}
