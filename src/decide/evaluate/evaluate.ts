import type { HmacKey } from '../../base/digest.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Evaluation, JudgedAction, Reservation, StateSlice } from '../../model/nouns.ts'
import { behaviourKeys, judgeBehaviour } from './behaviour.ts'
import { engineFindings } from './engine-findings.ts'
import type { Facts } from './facts.ts'
import { factsOf } from './facts.ts'
import type { Added, Said } from './fold.ts'
import { engineFinding, fold, namedRoute, routeOf } from './fold.ts'
import type { LoadedPolicy, Selection } from './policy.ts'
import { judgePackage } from './rego-packages.ts'
import { recentKey, recordRecent } from './rego-state.ts'
import { addedRoutes } from './routes.ts'
import { clipMessage, judgeRule, recordRule } from './rules.ts'
import { secretFindings } from './secret-uses.ts'
import type { Moment, Write } from './state.ts'
import { isTime, isUnchanged } from './state.ts'

export type EvaluationInput = {
  readonly action: JudgedAction
  /** At least the entries that the store has under `stateKeys`; others are not looked at. */
  readonly state: StateSlice
  /** The time of the action, in Unix milliseconds. */
  readonly now: number
  /** Keys the HMACs in state and evidence. Fixed in replay. */
  readonly key: HmacKey
  /** The `now` of an earlier attempt that must not count: a request's own, when it resolves. Default: none. */
  readonly leaveOut?: number
}

/**
 * Judges one action: the verdict, all findings, what must be redacted, who must review, and the state entries that
 * changed. A pure function: no clock, no randomness, no I/O; the same input gives the same bytes.
 *
 * What fails inside becomes a finding that denies. With no enforced rule about an action, the project's default for
 * its priority applies. A rule speaks about an action when its mode is enforce and its `on` selects it by naming the
 * service or the action, whether or not it then has a finding; a Rego package likewise. A rule for everything, such
 * as a loop rule without `on`, speaks about nothing: it would switch every default off. Nor does the `after` of a
 * flow rule.
 *
 * @throws {PolicyError} ENGINE_FAILED when `now` is no time: a host without a clock cannot judge
 */
export function evaluate(loaded: LoadedPolicy, input: EvaluationInput): Evaluation {
  const { action, state, now, key } = input
  if (!isTime(now)) {
    throw new PolicyError('ENGINE_FAILED', 'expected the time as whole Unix milliseconds')
  }
  const moment: Moment = { state, now, leaveOut: input.leaveOut ?? null }
  const selection = loaded.select(action)
  const unscored = factsOf(action, selection, key)
  const { behaviour, writes: remembered } = judgeBehaviour(loaded, selection, unscored, moment)
  const facts = { ...unscored, behaviour }
  const said = engineFindings(loaded, selection, action, now)
  said.push(...secretFindings(loaded, selection, facts))
  const writes: Write[] = [...remembered]
  const unlessDenied: Write[] = []
  const reserved: Reservation[] = []
  for (const rule of selection.rules) {
    const judged = judgeRule(rule, facts, moment)
    take(judged, said, writes)
    if (judged.reserved === undefined) continue
    unlessDenied.push(judged.reserved.write)
    reserved.push(judged.reserved.reservation)
  }
  for (const one of selection.packages) {
    const judged = judgePackage(one, facts, moment)
    said.push(...judged.said)
    writes.push(...judged.writes)
  }
  for (const rule of selection.watches) take(recordRule(rule, facts, moment), said, unlessDenied)
  const tracksRecent = loaded.policy.rego.length > 0
  // What this action adds is asked for before its verdict is known, since damaged state must still deny it.
  if (tracksRecent) checkRecent(facts, moment, said)
  const added = addedRoutes(isHeld(said) ? loaded.added : [], facts, said)
  const verdict = fold(
    said.map((one) => withRoute(loaded, selection, one, added)),
    added,
  )
  if (verdict.verdict !== 'deny') writes.push(...unlessDenied)
  if (tracksRecent && !said.some(isRecentDamaged)) {
    writes.push(recordRecent(facts, moment, verdict.verdict))
  }
  const after = { ...verdict, state: changed(state, writes) }
  return reserved.length === 0 || verdict.verdict === 'deny' ? after : { ...after, reserved }
}

/**
 * Every state key that `evaluate` reads or writes for this action, sorted: what a store must read, and lock, before.
 */
export function stateKeys(
  loaded: LoadedPolicy,
  action: JudgedAction,
  key: HmacKey,
): readonly string[] {
  const selection: Selection = loaded.select(action)
  const facts = factsOf(action, selection, key)
  const keys = new Set<string>(behaviourKeys(loaded, facts))
  for (const { kind } of selection.rules) for (const one of kind.stateKeys(facts)) keys.add(one)
  for (const { kind } of selection.watches) {
    for (const one of kind.watch?.stateKeys(facts) ?? []) keys.add(one)
  }
  for (const { counters } of selection.packages) {
    for (const counter of counters) keys.add(counter.key(facts))
  }
  if (loaded.policy.rego.length > 0) keys.add(recentKey(facts))
  return [...keys].sort()
}

function take(
  judged: { readonly said: Said | null; readonly writes: readonly Write[] },
  said: Said[],
  writes: Write[],
): void {
  if (judged.said !== null) said.push(judged.said)
  for (const write of judged.writes) writes.push(write)
}

function checkRecent(facts: Facts, moment: Moment, said: Said[]): void {
  try {
    recordRecent(facts, moment, 'deny')
  } catch {
    // The one cause is state of another shape; what Rego packages would be told is not known.
    said.push(
      engineFinding(RECENT_DAMAGED, {
        verdict: 'deny',
        code: 'STATE_INVALID',
        message: "The agent's earlier actions are damaged.",
        evidence: {},
      }),
    )
  }
}

const RECENT_DAMAGED = 'recent-actions-damaged'

function isRecentDamaged({ finding }: Said): boolean {
  return finding.rule === `engine/${RECENT_DAMAGED}`
}

// A hold on a route that does not exist would wait for nobody. `check` asks for the route `default`; a bundle that
// lacks it nevertheless denies what it would hold.
//
// A result waits for nobody either: what an unknown tool or fingerprint would hold, or a package, is kept back.
function withRoute(loaded: LoadedPolicy, { target }: Selection, said: Said, added: Added): Said {
  const { finding } = said
  if (finding.verdict !== 'hold') return said
  if (target.phase === 'result') return deniedHold(said, 'RESULT_HELD', 'A result is not held.')
  if (loaded.routes.has(routeOf(finding))) return said
  if (namedRoute(finding) === null && added.forDefault) return said
  const why = `Nobody can review it: the policy lacks the route ${routeOf(finding)}.`
  return deniedHold(said, 'ROUTE_MISSING', why)
}

function isHeld(said: readonly Said[]): boolean {
  return said.some(({ finding }) => finding.verdict === 'hold' && finding.mode === 'enforce')
}

function deniedHold({ finding, obligations }: Said, code: ErrorCode, why: string): Said {
  const { route: _, ...rest } = finding
  const message = clipMessage(`${finding.message} ${why}`)
  return { finding: { ...rest, verdict: 'deny', code, message }, obligations }
}

function changed(state: StateSlice, writes: readonly Write[]): StateSlice {
  return Object.fromEntries(
    writes.filter((write) => !isUnchanged(state, write)).map(({ key, entry }) => [key, entry]),
  )
}
