import type { Finding } from '../model/generated/types.ts'
import type { PolicyDiff } from '../model/policy-diff.ts'
import { diffDocument, diffText } from './diff-text.ts'
import { findingLines } from './outcome.ts'
import { type Paint, visible } from './paint.ts'

type Undoes = { readonly index: number; readonly id: string }

/** What became of a rollback. */
export type RollbackTold = {
  readonly status: string
  readonly decision: string
  readonly reason: string
  readonly request?: string
  readonly where?: string
  readonly note?: string
  readonly payload?: unknown
  readonly undoes: Undoes
}

/** What a rollback would be. */
export type RollbackForeseen = {
  readonly verdict: string
  readonly findings: readonly Finding[]
  readonly route: readonly string[]
  readonly undoes: Undoes
  readonly action: {
    readonly agent: string
    readonly service: string
    readonly action: string
    readonly payload: unknown
  }
}

/** A return to an earlier policy. */
export type PolicyRollbackTold = {
  readonly diff: PolicyDiff
  readonly source: string
  readonly proposed: { readonly ref: string; readonly commit: string } | null
  readonly pull: { readonly number: number; readonly where: string } | null
}

/** What became of a rollback, for people. */
export function rollbackText(told: RollbackTold, paint: Paint): string {
  const { status, decision, reason, request, where, note, payload, undoes } = told
  return [
    `${statusText(status, paint)}  ${paint.dim(decision)}`,
    `  takes back receipt ${undoes.index} (${undoes.id})`,
    ...(reason === '' ? [] : [`  ${visible(reason)}`]),
    ...(request === undefined ? [] : [`  waits for people as ${request}`]),
    ...[where, note].flatMap((line) => (line === undefined ? [] : [`  ${visible(line)}`])),
    ...(payload === undefined ? [] : ['  the payload to run:', indented(payload)]),
  ].join('\n')
}

/** What a rollback would be, for people; nothing was written. */
export function rollbackPreviewText(preview: RollbackForeseen, paint: Paint): string {
  const { verdict, findings, route, undoes, action } = preview
  const { agent, service, action: name, payload } = action
  return [
    `${statusText(verdict, paint)}  ${paint.dim('would be the verdict; nothing was written')}`,
    `  takes back receipt ${undoes.index} (${undoes.id})`,
    `  by ${visible(`${service}.${name}`)} of ${visible(agent)}`,
    ...findings.flatMap((finding) => findingLines(finding, paint)),
    ...(route.length === 0 ? [] : [`  for ${route.join(', ')}`]),
    '  the payload as it would be asked:',
    indented(payload),
  ].join('\n')
}

/** The same for programs. */
export function rollbackPreviewDocument(preview: RollbackForeseen): object {
  const { verdict, findings, route, undoes, action } = preview
  return { dry_run: true, verdict, route, undoes, action, findings }
}

/** A return to an earlier policy, for people. */
export function policyRollbackText({ diff, source }: PolicyRollbackTold, paint: Paint): string {
  return `${diffText(diff, paint)}the files of ${source}\n`
}

/** The same for programs. */
export function policyRollbackDocument(told: PolicyRollbackTold): object {
  const { diff, source, proposed, pull } = told
  const state = proposed === null ? 'preview' : 'proposed'
  return { state, source, ...proposed, pull, ...diffDocument(diff) }
}

function statusText(word: string, paint: Paint): string {
  if (/^(?:ALLOWED|APPROVED|allow|redact)/.test(word)) return paint.green(word)
  return /^(?:DENIED|deny)$/.test(word) ? paint.red(word) : paint.yellow(word)
}

function indented(value: unknown): string {
  const text = JSON.stringify(value, null, 2) ?? 'null'
  return text
    .split('\n')
    .map((line) => `    ${visible(line)}`)
    .join('\n')
}
