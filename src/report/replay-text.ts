import type { ReplaySummary } from '../model/results.ts'
import { plural } from './check-text.ts'
import type { Paint } from './paint.ts'
import { verdictText } from './tests-text.ts'

/** How long a replay took, and under which policy. */
export type ReplayRun = {
  readonly policy: string
  readonly actionsPerSecond: number
}

/** A replay for people. */
export function replayText(summary: ReplaySummary, run: ReplayRun, paint: Paint): string {
  const { sessions, actions, verdicts, rules, shadow } = summary
  const words = ['allow', 'redact', 'hold', 'deny'] as const
  const lines = [
    `${plural(sessions, 'session')}, ${plural(actions, 'action')}, ${run.actionsPerSecond} a second`,
    ...words.map((word) => {
      const share = actions === 0 ? 0 : (100 * verdicts[word]) / actions
      return `  ${verdictText(word, paint)}${' '.repeat(8 - word.length)}${String(verdicts[word]).padStart(8)}  ${share.toFixed(1)}%`
    }),
    ...rulesText('findings by rule', rules),
    ...rulesText('findings of rules in shadow', shadow),
    `${paint.dim('policy  ')} ${run.policy}`,
    `${paint.dim('verdicts')} ${summary.verdictDigest}`,
  ]
  return `${lines.join('\n')}\n`
}

/** A replay for programs. */
export function replayDocument(summary: ReplaySummary, run: ReplayRun): object {
  const { sessions, actions, verdicts, rules, shadow, verdictDigest } = summary
  return {
    sessions,
    actions,
    verdicts,
    rules,
    shadow,
    verdict_digest: verdictDigest,
    actions_per_second: run.actionsPerSecond,
    policy: run.policy,
  }
}

function rulesText(title: string, rules: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(rules).sort(([, a], [, b]) => b - a)
  if (entries.length === 0) return []
  return [`${title}:`, ...entries.map(([rule, count]) => `  ${String(count).padStart(8)}  ${rule}`)]
}
