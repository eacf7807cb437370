import { compareText } from '../../base/position.ts'
import type { CompiledKind } from '../../decide/evaluate/kinds/kind.ts'
import type { LoadedPolicy, Selection } from '../../decide/evaluate/policy.ts'
import type { LoadedPackage } from '../../decide/evaluate/rego-packages.ts'
import type { LoadedRule } from '../../decide/evaluate/rules.ts'
import type { Place } from '../../model/generated/types.ts'
import type { RuleCost } from '../../model/policy-costs.ts'

/** A clock in milliseconds, with fractions. */
export type CostClock = () => number

/** A policy that is judged by as the given one, and remembers how long each of its rules took. */
export type CostedPolicy = {
  readonly policy: LoadedPolicy
  /** Forgets what was measured. */
  reset(): void
  /** The dearest rule first. */
  costs(): RuleCost[]
}

/** Times the rules of a policy. What they say is what they say without it: only the calls into them are wrapped. */
export function costPolicy(policy: LoadedPolicy, clock: CostClock): CostedPolicy {
  const meters = new Map<string, Meter>()
  const meterOf = (rule: string, kind: string, place: Place): Meter => {
    const known = meters.get(rule)
    if (known !== undefined) return known
    const meter = newMeter(clock, rule, kind, place)
    meters.set(rule, meter)
    return meter
  }
  const rules = remembered((loaded: LoadedRule) => timedRule(loaded, meterOf))
  const packages = remembered((loaded: LoadedPackage) => timedPackage(loaded, meterOf))
  const selections = remembered(
    (selection: Selection): Selection => ({
      ...selection,
      rules: selection.rules.map(rules),
      watches: selection.watches.map(rules),
      packages: selection.packages.map(packages),
    }),
  )
  return {
    policy: { ...policy, select: (action) => selections(policy.select(action)) },
    reset: () => {
      for (const meter of meters.values()) meter.reset()
    },
    costs: () => {
      const all = [...meters.values()].filter((meter) => meter.calls() > 0)
      const total = all.reduce((sum, meter) => sum + meter.totalUs(), 0)
      return all
        .map((meter) => meter.cost(total))
        .sort((a, b) => b.total_us - a.total_us || compareText(a.rule, b.rule))
    },
  }
}

/** The nearest-rank percentile of times, in the unit that they are in; 0 of none. */
export function percentileOf(times: readonly number[], share: number): number {
  const sorted = Float64Array.from(times).sort()
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Times kept of one rule; the rest counts towards its total only. */
const SAMPLES_MAX = 100_000
const US_PER_MS = 1000

type Meter = {
  /** Adds the time of a piece of work; the piece that ends a call closes it. */
  time<T>(work: () => T, ends: (result: T) => boolean): T
  calls(): number
  totalUs(): number
  cost(total: number): RuleCost
  reset(): void
}

function newMeter(clock: CostClock, rule: string, kind: string, place: Place): Meter {
  let samples: number[] = []
  let [calls, total, pending] = [0, 0, 0]
  const close = (): void => {
    calls += 1
    total += pending
    if (samples.length < SAMPLES_MAX) samples.push(pending)
    pending = 0
  }
  return {
    time(work, ends) {
      const start = clock()
      let ended = true // What throws ends the call, too.
      try {
        const result = work()
        ended = ends(result)
        return result
      } finally {
        pending += (clock() - start) * US_PER_MS
        if (ended) close()
      }
    },
    calls: () => calls,
    totalUs: () => total,
    cost: (all) => ({
      rule,
      kind,
      place,
      calls,
      p50_us: percentileOf(samples, 0.5),
      p99_us: percentileOf(samples, 0.99),
      total_us: total,
      share: all === 0 ? 0 : total / all,
    }),
    reset: () => {
      samples = []
      calls = total = pending = 0
    },
  }
}

type MeterOf = (rule: string, kind: string, place: Place) => Meter

const always = () => true
const never = () => false

/** State keys, tests and the kind's own work are one call; a test that does not hold ends it. */
function timedRule(loaded: LoadedRule, meterOf: MeterOf): LoadedRule {
  const { rule, kind, when } = loaded
  const { file, line, column } = rule
  const meter = meterOf(rule.id, rule.kind, { file, line, column })
  const timed: CompiledKind = {
    ...kind,
    stateKeys: (facts) => meter.time(() => kind.stateKeys(facts), never),
    judge: (facts, moment) => meter.time(() => kind.judge(facts, moment), always),
    watch: timedWatch(kind.watch, meter),
  }
  const [first] = when
  if (first === undefined) return { ...loaded, kind: timed }
  const holds: typeof first.holds = (facts) =>
    meter.time(
      () => when.every((test) => test.holds(facts)),
      (held) => !held,
    )
  return { ...loaded, kind: timed, when: [{ ...first, holds }] }
}

function timedWatch(watch: CompiledKind['watch'], meter: Meter): CompiledKind['watch'] {
  if (watch === null) return null
  return {
    ...watch,
    stateKeys: (facts) => meter.time(() => watch.stateKeys(facts), never),
    record: (facts, moment) => meter.time(() => watch.record(facts, moment), always),
  }
}

function timedPackage(loaded: LoadedPackage, meterOf: MeterOf): LoadedPackage {
  const { id, program } = loaded
  const { file, line, column } = loaded.package
  const meter = meterOf(id, 'rego', { file, line, column })
  return {
    ...loaded,
    program: {
      entrypoints: program.entrypoints,
      evaluate: (entrypoint, input) =>
        meter.time(() => program.evaluate(entrypoint, input), always),
      evaluateAll: (entrypoints, input) =>
        meter.time(() => program.evaluateAll(entrypoints, input), always),
    },
  }
}

function remembered<A extends object, B>(make: (from: A) => B): (from: A) => B {
  const known = new WeakMap<A, B>()
  return (from) => {
    const found = known.get(from)
    if (found !== undefined) return found
    const made = make(from)
    known.set(from, made)
    return made
  }
}
