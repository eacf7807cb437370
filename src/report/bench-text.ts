import type { CostReport, RuleCost } from '../model/policy-costs.ts'
import { plural } from './check-text.ts'
import { type Paint, visible } from './paint.ts'

/** What rules cost, for people: the dearest first. */
export function benchText(report: CostReport, paint: Paint): string {
  const { actions, rounds, source, decision, rules, unselected, policy } = report
  const from = source === 'tests' ? 'of the decision tests' : 'recorded'
  const lines = [
    `${plural(actions, 'action')} ${from}, ${plural(rounds, 'round')}: a decision takes ${us(decision.p50_us)} µs p50, ${us(decision.p99_us)} µs p99`,
    paint.dim('   share      calls   p50 µs   p99 µs  rule'),
    ...rules.map((rule) => costLine(rule, paint)),
    ...(unselected.length === 0 ? [] : [`never selected:`]),
    ...unselected.map(
      ({ rule, place }) =>
        `  ${visible(rule)} ${paint.dim(`${visible(place.file)}:${place.line}`)}`,
    ),
    paint.dim(`policy ${policy}`),
  ]
  return `${lines.join('\n')}\n`
}

function costLine({ rule, place, calls, p50_us, p99_us, share }: RuleCost, paint: Paint): string {
  const columns = [
    `${(100 * share).toFixed(1)}%`.padStart(8),
    String(calls).padStart(11),
    us(p50_us).padStart(9),
    us(p99_us).padStart(9),
  ]
  return `${columns.join('')}  ${visible(rule)} ${paint.dim(`${visible(place.file)}:${place.line}`)}`
}

function us(value: number): string {
  return value.toFixed(2)
}
