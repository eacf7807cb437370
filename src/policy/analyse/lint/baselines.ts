import { compileGlob } from '../../../base/glob.ts'
import { isEnforced } from '../../../decide/behaviour/published.ts'
import { progressOf, settlingText } from '../../../decide/behaviour/settle.ts'
import type { Rule } from '../../../model/generated/types.ts'
import { RATE } from '../../compile/baselines.ts'
import type { Entry } from '../../compile/documents.ts'
import type { Report } from '../../compile/report.ts'
import type { LintInput } from './lint.ts'
import type { Reach } from './reach.ts'
import { reachTest } from './reach.ts'

/** Rules that demand a score which nobody makes, and baselines that are in shadow or enforced too soon. */
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
  }
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
