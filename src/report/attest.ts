import type {
  AttestationReport,
  AttestReport,
  MadeAttestation,
} from '../model/attestation-report.ts'
import { type Paint, visible } from './paint.ts'

/** What a round of attesting did, and what it left. */
export function attestText({ attested, queued, trouble }: AttestReport, paint: Paint): string {
  const lines = attested.map((made) => `${paint.green('attested')}  ${madeText(made)}`)
  const { checkpoint, resolutions } = queued
  const left = [
    ...(checkpoint === null ? [] : [`the checkpoint over ${checkpoint} receipts`]),
    ...resolutions.map((index) => `receipt ${index}`),
  ]
  const shown = left.slice(0, SHOWN_MAX)
  const more = left.length > SHOWN_MAX ? [`${left.length - SHOWN_MAX} more`] : []
  if (left.length > 0) lines.push(`${paint.yellow('queued')}    ${[...shown, ...more].join(', ')}`)
  if (trouble !== null) lines.push(`${paint.red(trouble.code)}: ${visible(trouble.message)}`)
  return lines.length === 0 ? 'nothing is due' : lines.join('\n')
}

const SHOWN_MAX = 10

/** One attestation that was made. */
export function madeText({ of, file, issuer, subject, at }: MadeAttestation): string {
  const what = 'checkpoint' in of ? `${of.checkpoint} receipts` : `receipt ${of.receipt}`
  return `${what}  ${at}  ${visible(subject)} of ${visible(issuer)}  ${visible(file)}`
}

/** The same for programs. */
export function attestDocument({ attested, queued, trouble }: AttestReport): object {
  const why = trouble === null ? null : { code: trouble.code, message: trouble.message }
  return { attested, queued, trouble: why }
}

/** What the check of an attestation has shown, and what it has not. */
export function attestationText(report: AttestationReport, paint: Paint): string {
  const { status, file, kind, proven, not_proven, problems } = report
  const word = status === 'verified' ? paint.green(status) : paint.red(status)
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  - ${visible(line)}`)]
  return [
    `${word}  ${visible(file)}${kind === null ? '' : `  ${kind}`}`,
    ...problems.map(
      ({ code, file: at, message }) => `  ${visible(at)}: ${paint.red(code)}: ${visible(message)}`,
    ),
    ...section('proven', proven),
    ...section('not proven', not_proven),
  ].join('\n')
}
