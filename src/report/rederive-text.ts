import type { JsonChange } from '../base/json-changes.ts'
import type { RederiveReport } from '../model/rederive-report.ts'
import { type Paint, visibleLine } from './paint.ts'

/** What differs and what cannot be derived again, receipt by receipt, then how many of each. */
export function rederiveText(report: RederiveReport, paint: Paint): string {
  const { status, counts, cannot, differing, underived } = report
  const good = status === 'rederived' ? paint.green(status) : paint.yellow(status)
  const reasons = Object.entries(cannot).map(([reason, count]) => `${reason} ${count}`)
  const because = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`
  return [
    ...differing.flatMap(({ index, id, changes }) => [
      `${String(index).padStart(6)}  ${visibleLine(id)}  ${paint.red('differs')}`,
      ...changes.map((change) => `          ${changeText(change)}`),
    ]),
    ...more(counts.differs - differing.length, 'differ'),
    ...underived.map(
      ({ index, id, reason, message }) =>
        `${String(index).padStart(6)}  ${visibleLine(id)}  ${paint.yellow(reason)}: ${visibleLine(message)}`,
    ),
    ...more(counts.cannot - underived.length, 'cannot be derived again'),
    `${status === 'differs' ? paint.red(status) : good}  ${counts.rederived} re-derived, ${counts.differs} ` +
      `${counts.differs === 1 ? 'differs' : 'differ'}, ${counts.cannot} cannot be${because}; ` +
      `${counts.not_decisions} not decisions`,
  ].join('\n')
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`        and ${count} more ${what}`] : []
}

function changeText(change: JsonChange): string {
  const place = change.pointer === '' ? 'the receipt as a whole' : visibleLine(change.pointer)
  if (!Object.hasOwn(change, 'before') && !Object.hasOwn(change, 'after')) return place
  const [before, after] = [change.before, change.after].map((value) =>
    value === undefined ? 'nothing' : visibleLine(JSON.stringify(value)),
  )
  return `${place}: ${before} -> ${after}`
}
