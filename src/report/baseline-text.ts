import type {
  AlarmRates,
  BaselineComparison,
  BaselineName,
  BaselineProgress,
  BaselineProposal,
  EdgeChange,
  LeftOut,
  PoisoningWarning,
  SettingChange,
} from '../model/baseline-report.ts'
import { plural } from './check-text.ts'
import { flipSum, flipText } from './diff-text.ts'
import { type Paint, painter, visible } from './paint.ts'

/** What a new version of a baseline means, for people. */
export function proposalText(proposal: BaselineProposal, paint: Paint): string {
  return `${paint.bold(titleOf(proposal))}\n\n${sectionsOf(proposal, paint).join('\n')}\n`
}

/** The same as the message of its commit: a subject, and what changes. */
export function baselineMessage(proposal: BaselineProposal): string {
  return proposalText(proposal, painter(false))
}

/** What differs between two versions, for people. */
export function comparisonText(
  names: { readonly before: BaselineName; readonly after: BaselineName },
  { comparison, ...beside }: DiffedBaselines,
  paint: Paint,
): string {
  const { before, after } = names
  const title = `${nameText(after)}: version ${before.version} -> ${after.version}`
  const lines = [...comparisonLines(comparison, paint), ...besideLines(beside, paint)]
  return `${paint.bold(title)}\n\n${lines.join('\n')}\n`
}

/** What differs between two versions, beside who they are. */
export type DiffedBaselines = {
  readonly comparison: BaselineComparison
  readonly settings: readonly SettingChange[]
  readonly alarms: Pick<AlarmRates, 'thresholdMillibits' | 'loosened'>
  readonly rewritten: boolean
}

/** What moves no chance, and yet decides what is found. */
function besideLines(
  { settings, alarms, rewritten }: Omit<DiffedBaselines, 'comparison'>,
  paint: Paint,
): string[] {
  const word = (value: string | number | null): string => String(value ?? 'not set')
  return [
    ...settings.map(({ name, before, after }) => `${name}: ${word(before)} -> ${word(after)}`),
    `threshold ${thresholdText(alarms)}`,
    ...loosenedLines(alarms, paint),
    ...(rewritten
      ? [
          paint.red(
            'WARNING: what earlier versions learned is told otherwise: sessions may be learned twice, or rejections missed',
          ),
        ]
      : []),
  ]
}

/** `Baseline retail-bot: version 4`. */
export function titleOf({ name, rolledBackTo }: BaselineProposal): string {
  const back = rolledBackTo === null ? '' : `, back to version ${rolledBackTo}`
  return `Baseline ${nameText(name)}: version ${name.version}${back}`
}

/** An agent, with its fingerprint where the baseline is that one's. */
export function nameText({
  agent,
  fingerprint,
}: Pick<BaselineName, 'agent' | 'fingerprint'>): string {
  return visible(fingerprint === null ? agent : `${agent} (${fingerprint})`)
}

/** Sessions that were left out, by the reason; empty when none was. */
export function leftOutText(leftOut: LeftOut): string {
  const parts = LEFT_OUT.flatMap(([key, why]) =>
    leftOut[key] === 0 ? [] : [`${plural(leftOut[key], 'session')} ${why}`],
  )
  return parts.length === 0 ? '' : `not learned: ${parts.join(', ')}`
}

/** Transitions because of which sessions were left out, and what would let them in. */
export function leftOutEdgeLines(edges: BaselineProposal['leftOutEdges']): string[] {
  return edges.map(({ from, to, rejections, sessions }) => {
    const why = `${arrow(from, to)} was rejected ${times(rejections)}`
    return `  ${why}: ${plural(sessions, 'session')} not learned; to learn it, set its rejections to 0 in the file`
  })
}

const LEFT_OUT = [
  ['open', 'not ended'],
  ['refused', 'with a denied, rejected or expired call'],
  ['rejected', 'with a rejected transition'],
  ['erased', 'with erased inputs'],
  ['known', 'learned before'],
] as const satisfies readonly (readonly [keyof LeftOut, string])[]

/** How far a baseline is on its way out of shadow mode. */
export function progressText(progress: BaselineProgress): string {
  const { enforced, settled, sessions, sessionsNeeded, entropyRangePpm, noveltyPpm } = progress
  const state = enforced ? 'enforced' : 'in shadow'
  const needs = sessionsNeeded === 0 ? 'enough' : `${sessionsNeeded} more needed`
  const range =
    entropyRangePpm === null ? 'too few to tell' : `${percent(entropyRangePpm)} (below 5%)`
  const novelty = noveltyPpm === null ? 'too few to tell' : `${percent(noveltyPpm)} (below 2%)`
  const word = settled ? 'settled' : 'not settled'
  return [
    `${state}, ${word}: ${plural(sessions, 'session')}, ${needs}`,
    `entropy ${bits(progress.entropyMillibits)} bits, range over 20 sessions ${range}`,
    `new transitions over 30 sessions ${novelty}`,
  ].join('; ')
}

/** `0.35%` of millionths. */
export function percent(ppm: number): string {
  return `${(ppm / 10_000).toFixed(2)}%`
}

/** What changes between two versions, line by line. */
export function comparisonLines(comparison: BaselineComparison, paint: Paint): string[] {
  const { sessions, calls, entropyMillibits, movementPpm, nodes } = comparison
  return [
    `sessions ${sessions.before} -> ${sessions.after}, calls ${calls.before} -> ${calls.after}`,
    `entropy ${bits(entropyMillibits.before)} -> ${bits(entropyMillibits.after)} bits, chances moved by ${percent(movementPpm)} (${movementPpm} ppm)`,
    ...nodes.added.slice(0, LISTED_MAX).map((node) => paint.yellow(`+ action ${visible(node)}`)),
    ...more(nodes.added, 'new action'),
    ...nodes.gone.slice(0, LISTED_MAX).map((node) => `- action ${visible(node)}`),
    ...more(nodes.gone, 'action'),
    ...edgeLines(comparison.added, '+', paint),
    ...edgeLines(comparison.gone, '-', paint),
    ...edgeLines(comparison.moved, '~', paint),
    ...judgedLines(comparison.judged, paint),
  ]
}

const LISTED_MAX = 40 // A reader of a pull request; all of them stand in the file's own diff.

function sectionsOf(proposal: BaselineProposal, paint: Paint): string[] {
  const { learned, leftOut, leftOutEdges, previous, progress, alarms, poisoning } = proposal
  const from = previous === null ? 'a first version' : `out of version ${previous}`
  const left = leftOutText(leftOut)
  return [
    `${plural(learned, 'session')} learned, ${from}`,
    ...(left === '' ? [] : [left]),
    ...leftOutEdgeLines(leftOutEdges),
    '',
    ...comparisonLines(proposal.comparison, paint),
    '',
    ...(progress.before === null ? [] : [`before: ${progressText(progress.before)}`]),
    `after: ${progressText(progress.after)}`,
    ...(progress.before?.enforced === true && !progress.after.enforced
      ? [paint.red('WARNING: this version goes back into shadow: its findings will decide nothing')]
      : []),
    ...alarmLines(alarms, paint),
    ...poisoning.map((one) => paint.red(warningText(one))),
    ...flipLines(proposal, paint),
  ]
}

function thresholdText({
  thresholdMillibits: { before, after },
}: Pick<AlarmRates, 'thresholdMillibits'>): string {
  const [old, now] = [before, after].map((one) => (one === null ? 'none yet' : bits(one)))
  return `${old} -> ${now} bits`
}

function loosenedLines({ loosened }: Pick<AlarmRates, 'loosened'>, paint: Paint): string[] {
  if (loosened.length === 0) return []
  return [paint.yellow(`what is odd is taken for normal more easily in: ${loosened.join(', ')}`)]
}

function alarmLines(alarms: AlarmRates, paint: Paint): string[] {
  const { expectedPpm, stoppedBeforePpm } = alarms
  return [
    expectedPpm === null
      ? 'false alarms: too few sessions to tell'
      : `false alarms expected: ${percent(expectedPpm)} of normal sessions; threshold ${thresholdText(alarms)}`,
    ...(stoppedBeforePpm === null
      ? []
      : [
          `of the sessions learned the version before would have stopped ${percent(stoppedBeforePpm)}`,
        ]),
    ...loosenedLines(alarms, paint),
  ]
}

function warningText({ from, to, why, kind, versions, chancePpm }: PoisoningWarning): string {
  const what = why === 'rejected' ? 'people rejected it' : 'its tool cannot be undone'
  const how =
    kind === 'steady'
      ? `rose in each of ${plural(versions, 'version')}`
      : `crept up over ${plural(versions, 'version')}`
  const chance = `${percent(chancePpm.before)} -> ${percent(chancePpm.after)}`
  return `WARNING: ${arrow(from, to)} ${how} (${chance}), and ${what}: it may be taught on purpose`
}

function flipLines({ flips }: BaselineProposal, paint: Paint): string[] {
  if (flips === null) return []
  const { actions, flips: count, lenient, erased, rules } = flips
  const gone = erased === 0 ? '' : `; ${erased} were erased and not judged`
  const sum = count === 0 ? 'none flips' : `${count} flip, ${lenient} of them more lenient`
  return [
    '',
    `recorded actions: ${actions}, ${sum}${gone}`,
    ...rules.flatMap((one) => [
      paint.yellow(visible(flipSum(one))),
      ...one.examples.map((flip) => `  ${visible(flipText(flip))}`),
    ]),
  ]
}

function edgeLines(edges: readonly EdgeChange[], mark: '+' | '-' | '~', paint: Paint): string[] {
  // What cannot be undone first: no number of other transitions takes it out of a reader's sight.
  const sorted = edges.toSorted((a, b) => Number(b.irreversible) - Number(a.irreversible))
  const lines = sorted.slice(0, LISTED_MAX).map((edge) => {
    const { from, to, count, chancePpm, irreversible } = edge
    const numbers =
      mark === '~'
        ? `${percent(chancePpm.before)} -> ${percent(chancePpm.after)}, ${count.before} -> ${count.after} times`
        : `${percent(mark === '+' ? chancePpm.after : chancePpm.before)}, ${times(mark === '+' ? count.after : count.before)}`
    const harm = irreversible && mark !== '-' ? ', irreversible' : ''
    const line = `${mark} ${arrow(from, to)}  ${numbers}${harm}`
    return mark === '+' ? paint.yellow(line) : line
  })
  return [...lines, ...more(edges, NAMES[mark])]
}

const NAMES = { '+': 'new transition', '-': 'transition gone', '~': 'transition moved' } as const

function judgedLines(edges: readonly EdgeChange[], paint: Paint): string[] {
  const fall = ({ rejections }: EdgeChange): number => Number(rejections.after < rejections.before)
  const sorted = edges.toSorted((a, b) => fall(b) - fall(a))
  const lines = sorted.slice(0, LISTED_MAX).map(({ from, to, approvals, rejections }) => {
    const changed = [
      ...(approvals.before === approvals.after
        ? []
        : [`approvals ${approvals.before} -> ${approvals.after}`]),
      ...(rejections.before === rejections.after
        ? []
        : [`rejections ${rejections.before} -> ${rejections.after}`]),
    ].join(', ')
    const line = `! ${arrow(from, to)}  ${changed}`
    if (rejections.after < rejections.before) return paint.red(`${line}: may be learned again`)
    return line
  })
  return [...lines, ...more(edges, 'transition judged')]
}

function more(all: readonly unknown[], what: string): string[] {
  const left = all.length - LISTED_MAX
  return left > 0 ? [`  and ${left} more (${what})`] : []
}

function arrow(from: string, to: string): string {
  return `${visible(from)} -> ${visible(to)}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function bits(millibits: number): string {
  return (millibits / 1_000).toFixed(2)
}
