import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { compareText } from '../../base/position.ts'
import type { LoadedPolicy } from '../../decide/evaluate/index.ts'
import type { Finding, RecordedSession, Verdict, VerdictWord } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Flip, FlipReport, RuleFlips } from '../../model/policy-diff.ts'
import { createBench } from './judging.ts'
import type { ReplayOptions, SessionPlace } from './replay.ts'
import { createStepper } from './replay.ts'

export type FlipOptions = ReplayOptions & {
  /** Flips that are kept of each rule; all are counted. */
  readonly examples: number
}

/** A recorded decision: what it was about, and where its receipt is. */
export type RecordedDecision = {
  readonly action: JudgedAction
  /** Unix milliseconds. */
  readonly now: number
  readonly file: string
  readonly index: number
  readonly decision: string
}

/** Judges the same recorded actions by two policies, each in a state of its own, and keeps what differs. */
export type FlipCount = {
  /** @throws {PolicyError} SESSION_INVALID when a step is no action */
  session(session: RecordedSession, place: SessionPlace): void
  /** Decisions in the order in which they were made. State goes on from one to the next. */
  decision(recorded: RecordedDecision): void
  /** A decision whose action is not there any more. */
  erased(): void
  report(): FlipReport
}

/** A count of flips between two policies. Every action is judged by both; nothing is written anywhere. */
export function createFlipCount(
  before: LoadedPolicy,
  after: LoadedPolicy,
  { carry, examples }: FlipOptions,
): FlipCount {
  const benches = [createBench(before), createBench(after)] as const
  const steps = createStepper(before.policy.project, { carry })
  const counts = { sessions: 0, actions: 0, flips: 0, verdicts: 0, lenient: 0, erased: 0 }
  const rules = new Map<string, RuleCount>()
  const judge = (action: JudgedAction, now: number, where: Where): void => {
    counts.actions += 1
    const [old, next] = [benches[0].judge(action, now), benches[1].judge(action, now)]
    const flip = flipOf(old, next, action, where)
    if (flip === null) return
    const lenient = rank(flip.after.verdict) < rank(flip.before.verdict)
    counts.flips += 1
    if (flip.differs.includes('verdict')) counts.verdicts += 1
    if (lenient) counts.lenient += 1
    for (const rule of flip.rules) countRule(rules, rule, { flip, lenient, examples })
  }
  return {
    session(session, place) {
      if (!carry) for (const bench of benches) bench.reset()
      for (const { action, now, index } of steps(session, place)) {
        judge(action, now, { ...place, session: session.session, step: index + 1, decision: null })
      }
      counts.sessions += 1
    },
    decision({ action, now, file, index, decision }) {
      judge(action, now, { file, line: index, session: action.session, step: 1, decision })
    },
    erased: () => {
      counts.erased += 1
    },
    report: () => ({ ...counts, rules: sorted(rules) }),
  }
}

type Where = Pick<Flip, 'file' | 'line' | 'session' | 'step' | 'decision'>

type RuleCount = {
  count: number
  lenient: number
  readonly verdicts: Map<string, number>
  readonly examples: Flip[]
}

const VERDICTS: readonly VerdictWord[] = ['allow', 'redact', 'hold', 'deny']
const rank = (verdict: VerdictWord): number => VERDICTS.indexOf(verdict)

function flipOf(before: Verdict, after: Verdict, action: JudgedAction, where: Where): Flip | null {
  const differs = (['verdict', 'route', 'obligations'] as const).filter(
    (part) => !isSame(before[part], after[part]),
  )
  if (differs.length === 0) return null
  return {
    ...where,
    agent: action.agent,
    tool: `${action.service}.${action.action}`,
    before: { verdict: before.verdict, route: before.route },
    after: { verdict: after.verdict, route: after.route },
    differs,
    rules: responsible(before, after),
  }
}

/** Rules whose enforced word, or what they ask to change, stands on one side only. */
function responsible(before: Verdict, after: Verdict): string[] {
  const [old, now] = [wordsOf(before), wordsOf(after)]
  const names = [...old, ...now].flatMap(([text, rule]) =>
    old.has(text) && now.has(text) ? [] : [rule],
  )
  return [...new Set(names)].sort(compareText)
}

function wordsOf({ findings, obligations }: Verdict): ReadonlyMap<string, string> {
  const enforced = findings.filter(({ mode }) => mode === 'enforce')
  return new Map([
    ...enforced.map((finding) => [wordOf(finding), finding.rule] as const),
    ...obligations.map((one) => [canonicalize(one as unknown as JsonValue), one.rule] as const),
  ])
}

function wordOf({ rule, verdict, route }: Finding): string {
  return canonicalize([rule, verdict, route ?? ''])
}

function isSame(before: unknown, after: unknown): boolean {
  return before === after || canonicalize(before as JsonValue) === canonicalize(after as JsonValue)
}

function countRule(
  rules: Map<string, RuleCount>,
  rule: string,
  { flip, lenient, examples }: { readonly flip: Flip; lenient: boolean; examples: number },
): void {
  const found: RuleCount = rules.get(rule) ?? {
    count: 0,
    lenient: 0,
    verdicts: new Map(),
    examples: [],
  }
  rules.set(rule, found)
  found.count += 1
  if (lenient) found.lenient += 1
  const word = `${flip.before.verdict} -> ${flip.after.verdict}`
  found.verdicts.set(word, (found.verdicts.get(word) ?? 0) + 1)
  if (found.examples.length < examples) found.examples.push(flip)
}

function sorted(rules: ReadonlyMap<string, RuleCount>): RuleFlips[] {
  return [...rules]
    .map(([rule, { count, lenient, verdicts, examples }]) => ({
      rule,
      count,
      lenient,
      verdicts: Object.fromEntries([...verdicts].sort(([a], [b]) => compareText(a, b))),
      examples,
    }))
    .sort((a, b) => b.count - a.count || compareText(a.rule, b.rule))
}
