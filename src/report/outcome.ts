import type { Finding, Outcome } from '../model/generated/types.ts'
import { type Paint, visible } from './paint.ts'

/** A decision for people: the verdict, why, and what comes next. */
export function outcomeText(outcome: Outcome, paint: Paint): string {
  const lines = [`${verdictText(outcome.verdict, paint)}  ${paint.dim(outcome.decision)}`]
  for (const finding of outcome.findings) lines.push(...findingLines(finding, paint))
  for (const { kind, paths, rule } of outcome.obligations) {
    lines.push(`  ${kind} before it runs: ${paths.join(', ')} (${rule})`)
  }
  if (outcome.escrow !== undefined) lines.push('  held in escrow until a delivery releases it')
  if (outcome.request !== undefined) {
    const { id, expires_at, where } = outcome.request
    lines.push(`  waits for ${outcome.route.join(', ')} as ${id} until ${expires_at}`)
    if (where !== undefined) lines.push(`  ${where}`)
  }
  lines.push(
    paint.dim(
      `  receipt ${outcome.receipt.index} of ${outcome.receipt.log}, policy ${outcome.policy}`,
    ),
  )
  return lines.join('\n')
}

/** One finding: the rule, its word and place, and the evidence. */
export function findingLines(finding: Finding, paint: Paint): string[] {
  const place =
    finding.file === '' ? '' : paint.dim(` ${finding.file}:${finding.line}:${finding.column}`)
  const shadow = finding.mode === 'shadow' ? paint.dim(' (shadow)') : ''
  const word = `${verdictText(finding.verdict, paint)}${shadow}`
  return [`  ${word} ${finding.rule}${place}`, `    ${visible(finding.message)}`]
}

function verdictText(verdict: Outcome['verdict'], paint: Paint): string {
  if (verdict === 'allow') return paint.green(verdict)
  return verdict === 'deny' ? paint.red(verdict) : paint.yellow(verdict)
}
