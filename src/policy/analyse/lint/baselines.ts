import { compileGlob } from '../../../base/glob.ts'
import { highestScore } from '../../../decide/behaviour/calibrate.ts'
import { SAMPLE_MAX } from '../../../decide/behaviour/limits.ts'
import { isEnforced } from '../../../decide/behaviour/published.ts'
import { progressOf, settlingText } from '../../../decide/behaviour/settle.ts'
import type { BaselineDocument } from '../../../decide/behaviour/text.ts'
import type { Rule } from '../../../model/generated/types.ts'
import { RATE } from '../../compile/baselines.ts'
import type { Entry } from '../../compile/documents.ts'
import type { Report } from '../../compile/report.ts'
import type { LintInput } from './lint.ts'
import type { Reach } from './reach.ts'
import { reachTest } from './reach.ts'

/**
 * Rules that demand a score which nobody makes or none of the baseline's sessions allows, and baselines that are in shadow
 * or enforced too soon.
 */
export function lintBaselines(
  { documents, loaded }: LintInput,
  reach: Reach,
  report: Report,
): void {
  const known = new Set(documents.baselines.map(({ value }) => value.agent))
  const bare = loaded.policy.agents.map(({ agent }) => agent).filter((name) => !known.has(name))
  const selects = bare.map((agent) => ({ agent, test: agentTest(agent, reach) }))
  for (const entry of documents.rules) {
    if (!needsScore(entry.value)) continue
    const names = selects.filter(({ test }) => test(entry.value)).map(({ agent }) => agent)
    if (names.length === 0) continue
    const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''
    const message = `no baseline of ${names.slice(0, NAMES_MAX).join(', ')}${more}: each call that rule ${JSON.stringify(entry.value.id)} selects is a finding; learn one, or select other agents`
    report.warn(placeOf(entry), 'BASELINE_MISSING', message)
  }
  const listed = loaded.policy.baselines ?? []
  for (const entry of documents.baselines) {
    const { agent, fingerprint = null, mode, rate = RATE, snapshot } = entry.value
    const one = listed.find((item) => item.agent === agent && item.fingerprint === fingerprint)
    if (one === undefined) continue
    const progress = settlingText(progressOf(snapshot, rate), rate)
    if (!isEnforced(one)) {
      const message = `the baseline of ${JSON.stringify(agent)} is in shadow, so what rules find by it decides nothing; ${progress}`
      report.warn(entry.at(mode === undefined ? '/agent' : '/mode'), 'BASELINE_IN_SHADOW', message)
    } else if (!one.settled) {
      const message = `the baseline of ${JSON.stringify(agent)} is enforced before it has settled; ${progress}`
      report.warn(entry.at('/mode'), 'BASELINE_UNSETTLED', message)
    }
    if (isEnforced(one)) lintScores(documents.rules, entry, agentTest(agent, reach), report)
  }
}

/** A score is a share of the calibration sessions: few of them never give a high one, and the rule finds nothing. */
function lintScores(
  rules: LintInput['documents']['rules'],
  { value: { agent, snapshot } }: Entry<BaselineDocument>,
  selects: (rule: Rule) => boolean,
  report: Report,
): void {
  const sessions = snapshot.sample.length
  for (const entry of rules) {
    const [score, pointer] = scoreAsked(entry.value)
    if (score === undefined || score <= highestScore(sessions) || !selects(entry.value)) continue
    const needed = Math.ceil(score / (1 - score) - SLACK)
    const advice =
      needed <= SAMPLE_MAX
        ? `that takes ${needed}`
        : `no number of sessions gives more than ${Math.floor(highestScore(SAMPLE_MAX) * 1000) / 1000}`
    const message = `the baseline of ${JSON.stringify(agent)} is calibrated on ${sessions} sessions, which never give a score of ${score}: but for rejected steps rule ${JSON.stringify(entry.value.id)} finds nothing; ${advice}`
    report.warn(entry.at(pointer), 'BASELINE_UNSETTLED', message)
  }
}

const SLACK = 1e-9 // 0.98 / 0.02 is 49, not a hair above.

function scoreAsked({ markov, sequence_entropy }: Rule): [number | undefined, string] {
  return markov === undefined
    ? [sequence_entropy?.min_markov_anomaly_score, '/sequence_entropy/min_markov_anomaly_score']
    : [markov.min_score, '/markov/min_score']
}

const NAMES_MAX = 3

function needsScore(rule: Rule): boolean {
  return rule.markov !== undefined || rule.sequence_entropy !== undefined
}

/** Whether a rule is about a call that the agent may make; about the agent, where that is not known. */
function agentTest(agent: string, reach: Reach): (rule: Rule) => boolean {
  if (reach === null) {
    return ({ on }) => on?.agent === undefined || [on.agent].flat().some(matches(agent))
  }
  const own = reach.filter((one) => one.agent.agent === agent)
  const why = reachTest(own)
  return ({ on = {} }) => own.length > 0 && why(on) === null
}

function matches(name: string): (glob: string) => boolean {
  return (glob) => compileGlob(glob)(name)
}

function placeOf(entry: Entry<Rule>) {
  return entry.at(entry.value.markov === undefined ? '/sequence_entropy' : '/markov')
}
