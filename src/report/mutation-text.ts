import type { MutantResult, MutationReport } from '../model/results.ts'
import { plural } from './check-text.ts'
import { type Paint, visible } from './paint.ts'

/** Mutants for people: what no test notices, what none can, and the sums. */
export function mutationText(report: MutationReport, paint: Paint): string {
  const { mutants, notes, noticed, survived, equivalent } = report
  const of = (outcome: MutantResult['outcome']) =>
    mutants.filter((mutant) => mutant.outcome === outcome)
  const lines = [
    ...of('survived').map(
      (mutant) => `${paint.red('SURVIVED')} ${lineOf(mutant)} ${paint.dim(placeOf(mutant))}`,
    ),
    ...of('equivalent').map(
      (mutant) =>
        `${paint.yellow('EQUIVALENT')} ${lineOf(mutant)} ${paint.dim(placeOf(mutant))}\n` +
        `  ${visible(mutant.reason ?? '')}`,
    ),
    ...notes.map((note) => paint.yellow(visible(note))),
  ]
  const sums = [
    `${noticed} noticed`,
    survived > 0 ? paint.red(`${survived} survived`) : paint.green('0 survived'),
    ...(equivalent > 0 ? [`${equivalent} equivalent`] : []),
  ].join(', ')
  return `${lines.map((line) => `${line}\n`).join('')}${sums} (${plural(mutants.length, 'mutant')})\n`
}

function lineOf({ rule, change }: MutantResult): string {
  return `${rule}: ${visible(change)}`
}

function placeOf({ file, line, column }: MutantResult): string {
  return `${file}:${line}:${column}`
}
