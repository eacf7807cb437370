import { RETENTION_ROUND_MAX } from '../base/limits.ts'
import type { ErasureReport, RetentionReport } from '../model/erasure-report.ts'
import { type Paint, visible } from './paint.ts'

/** What was erased, or would be, and where that is written down. */
export function erasureText(report: ErasureReport, paint: Paint): string {
  const { status, scope, subject, decision, waiting, receipt } = report
  const whose = subject === undefined ? (decision ?? '') : `subject ${subject}`
  return [
    `${wordOf(status, paint)}  ${scope === 'decision' ? 'decision ' : ''}${visible(whose)}`,
    `  ${countsText(report)}`,
    ...(receipt === undefined ? [] : [`  receipt ${receipt.index}  ${receipt.id}`]),
    ...(waiting.length === 0 ? [] : [`  ${paint.yellow('in the way')}: ${waiting.join(', ')}`]),
  ].join('\n')
}

/** What a retention has deleted, or would, round by round. */
export function retentionText(report: RetentionReport, paint: Paint): string {
  const { status, inputs_before, tokens_before, rounds } = report
  return [
    `${wordOf(status, paint)}  inputs before ${inputs_before ?? 'never'}, tokens before ${tokens_before ?? 'never'}`,
    ...rounds.map((round) => {
      const { receipt } = round
      const full = Math.max(round.decisions, round.tokens) === RETENTION_ROUND_MAX
      const rest = full ? ', and perhaps more' : '' // Nobody counts all of a large store for a dry run.
      const where = receipt === null ? rest : `  receipt ${receipt.index}  ${receipt.id}`
      return `  ${countsText(round)}${where}`
    }),
    ...(rounds.length === 0 ? ['  nothing was kept that long'] : []),
  ].join('\n')
}

function wordOf(status: ErasureReport['status'], paint: Paint): string {
  return status === 'erased' ? paint.green('erased') : paint.yellow('would erase')
}

function countsText({
  decisions,
  through,
  tokens,
}: Pick<ErasureReport, 'decisions' | 'through' | 'tokens'>): string {
  const last = through === null ? '' : `, the last of them ${through}`
  return `inputs of ${decisions} ${decisions === 1 ? 'receipt' : 'receipts'}${last}; ${tokens} tokens`
}
