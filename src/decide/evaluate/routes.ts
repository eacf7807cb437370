import type { CompiledRoute } from '../../model/generated/types.ts'
import type { Facts } from './facts.ts'
import type { CompiledTest } from './field-test.ts'
import { compileTest } from './field-test.ts'
import type { Added, Said } from './fold.ts'
import type { CompiledSelector, Target } from './selector.ts'
import { compileGlobs, compileSelector } from './selector.ts'
import { invalid, isObject, own, ownNumber, ownTexts } from './settings.ts'

/** A route that adds itself to holds, ready to ask. */
export type LoadedRoute = {
  readonly route: CompiledRoute
  readonly selector: CompiledSelector
  /** Whether it is for tools of certain effects. */
  readonly byEffect: boolean
  readonly where: readonly CompiledTest[]
  /** Whether a finding's rule is one of those it is for; null where any is. */
  readonly rules: ((rule: string) => boolean) | null
  /** The least behaviour score; null where it does not matter. */
  readonly scoreMin: number | null
}

/**
 * Reads the `on` of a bundle's routes; those without one are left out, since they must be named.
 *
 * @throws {PolicyError} VALUE_INVALID, KEY_MISSING, PATH_INVALID, PATTERN_INVALID; a route that is left out would let
 *   fewer people decide
 */
export function loadRoutes(routes: readonly CompiledRoute[]): readonly LoadedRoute[] {
  return routes.flatMap((route) => {
    const on = own(route, 'on')
    return on === undefined ? [] : [loadRoute(route, on)]
  })
}

/** Which parts of a route's `on` an action meets. */
export type RouteMatch = {
  readonly on: boolean
  readonly where: boolean
  readonly rules: boolean
  readonly behaviour: boolean
}

/**
 * The routes that add themselves to a hold with these findings, as the policy has them. One that is met only because
 * something cannot be decided comes besides, and stands in for nobody: what is left out, or has an odd type, is the
 * agent's choice.
 */
export function addedRoutes(
  routes: readonly LoadedRoute[],
  facts: Facts,
  said: readonly Said[],
): Added {
  const met = routes.filter((loaded) =>
    Object.values(matchRoute(loaded, facts, said)).every(Boolean),
  )
  return {
    routes: met.map(({ route }) => route.id),
    forDefault: met.some((loaded) => isDecided(loaded, facts)),
  }
}

/** How an action meets a route. What cannot be decided is met: then more people look. */
export function matchRoute(
  { selector, where, rules, scoreMin }: LoadedRoute,
  facts: Facts,
  said: readonly Said[],
): RouteMatch {
  return {
    on: selector.matches(facts.target),
    where: where.every((test) => holds(test, facts)),
    rules:
      rules === null ||
      said.some(({ finding }) => finding.mode === 'enforce' && rules(finding.rule)),
    behaviour: scoreMin === null || isOdd(facts, scoreMin),
  }
}

/** Whether a route that is met would be met too if what cannot be decided were not so. */
function isDecided({ byEffect, where, scoreMin }: LoadedRoute, facts: Facts): boolean {
  if (byEffect && facts.target.effect === null) return false
  return where.every((test) => meets(test, facts)) && (scoreMin === null || isScored(facts))
}

/** What a selector of a route has in common with one of rules. */
function selectorPart(on: object): object {
  return Object.fromEntries(Object.entries(on).filter(([key]) => !OWN_KEYS.includes(key)))
}

const OWN_KEYS: readonly string[] = ['where', 'rules', 'behaviour']
const NAMED_KEYS: readonly string[] = [
  'service',
  'action',
  'agent',
  'role',
  'effect',
  'priority',
] satisfies (keyof Target)[]

function loadRoute(route: CompiledRoute, on: unknown): LoadedRoute {
  if (!isObject(on)) throw invalid(route, 'expected on to be a selector')
  for (const key of Object.keys(on)) {
    if (OWN_KEYS.includes(key) || NAMED_KEYS.includes(key)) continue
    throw invalid(route, `expected a selector key, found ${JSON.stringify(key)}`)
  }
  const where = own(on, 'where') ?? []
  if (!Array.isArray(where) || !where.every(isObject)) {
    throw invalid(route, 'expected where to be a list of tests')
  }
  const globs = ownTexts(route, on, 'rules')
  return {
    route,
    selector: compileSelector(route, selectorPart(on)),
    byEffect: own(on, 'effect') !== undefined,
    where: where.map((test) => compileTest(route, test)),
    rules: globs === undefined ? null : compileGlobs(globs),
    scoreMin: scoreMinOf(route, own(on, 'behaviour')),
  }
}

function scoreMinOf(route: CompiledRoute, behaviour: unknown): number | null {
  if (behaviour === undefined) return null
  if (!isObject(behaviour)) throw invalid(route, 'expected behaviour to be an object')
  return ownNumber(route, behaviour, 'score_min', { min: 0, max: 1 })
}

function holds(test: CompiledTest, facts: Facts): boolean {
  try {
    return test.holds(facts)
  } catch {
    return true
  }
}

function meets(test: CompiledTest, facts: Facts): boolean {
  try {
    return test.meets(facts)
  } catch {
    return false
  }
}

function isOdd({ behaviour }: Facts, scoreMin: number): boolean {
  if (behaviour.kind !== 'scored' || !behaviour.published.enforced) return true
  return !(behaviour.score.markov_score < scoreMin)
}

/** Nobody vouches for a session that was not scored, nor for a baseline that only reports. */
function isScored({ behaviour }: Facts): boolean {
  return behaviour.kind === 'scored' && behaviour.published.enforced
}
