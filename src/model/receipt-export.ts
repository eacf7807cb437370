import type { Disclosure } from '../base/commitments.ts'
import type { JsonValue } from '../base/json-value.ts'
import type { Receipt } from './generated/types.ts'
import type { LogProblem, ReceiptReport, Witnessed } from './log-report.ts'

/** The forms that an export can have. The last two are for a SIEM and hold no proofs. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'html', 'ocsf', 'cef'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** A policy that receipts of an export name. */
export type ExportedPolicy = { readonly digest: string; readonly name?: string }

/** The first line of an export. */
export type ExportHeader = {
  readonly kind: 'ReceiptExport'
  readonly version: 1
  readonly origin: string
  /** RFC 3339 in UTC; `to` itself is outside. */
  readonly period: { readonly from?: string; readonly to?: string }
  readonly filters: { readonly agent?: string; readonly project?: string }
  /** Fields whose clear values are opened, by their paths. */
  readonly show: readonly string[]
  /** Log indexes of the first and the last receipt that was asked for. */
  readonly first: number
  readonly last: number
  /** Receipts in the log, by the checkpoint. */
  readonly size: number
  /** The signed note, to the byte: each proof leads to it. */
  readonly checkpoint: string
  /** Of all receipts in the export, sorted by digest. */
  readonly policies: readonly ExportedPolicy[]
}

/** A line of an export: a receipt and its proof, in log order. */
export type ExportLine = {
  readonly index: number
  /** The log entry's exact text. */
  readonly entry: string
  /** Its proof (c2sp.org/tlog-proof@v1). */
  readonly proof: string
  /** There where it was not asked for: another receipt refers to it, or it shows where the period begins or ends. */
  readonly context?: true
  /** What opens fields of the action. */
  readonly disclosures?: readonly Disclosure[]
  /** What opens fields of the action as people left it. */
  readonly patched?: readonly Disclosure[]
}

/** The last line of an export: shows a copy that is cut short or damaged, and proves nothing. */
export type ExportEnd = {
  readonly kind: 'ReceiptExportEnd'
  /** Of receipts. */
  readonly lines: number
  /** SHA-256 over all lines before, each with its line feed. */
  readonly digest: string
}

/** A line with its receipt read. */
export type ExportRecord = { readonly line: ExportLine; readonly receipt: Receipt }

/** What the check of an export found. */
export type ExportReport = {
  readonly status: 'verified' | 'refused'
  readonly file: string
  readonly format: 'jsonl' | 'csv' | 'html'
  readonly origin: string | null
  readonly first: number | null
  readonly last: number | null
  readonly size: number | null
  /** How many receipts say what, context included. */
  readonly receipts: Readonly<Record<string, number>>
  readonly witnesses: readonly Witnessed[]
  readonly proven: readonly string[]
  readonly not_proven: readonly string[]
  /** At most PROBLEMS_MAX; `file` names the place in it too, as `refunds.csv:7`. */
  readonly problems: readonly LogProblem[]
}

/** What the check of a receipt that came with some of its fields found. */
export type DisclosedReport = ReceiptReport & {
  /** What is shown, by pointers into the action. */
  readonly fields: readonly { readonly pointer: string; readonly value: JsonValue }[]
  /** How much stays hidden: names of hidden members are hidden too. */
  readonly hidden: readonly { readonly pointer: string; readonly members?: number }[]
}

/** Log indexes of the earlier receipts that a receipt refers to. */
export function referencesOf(receipt: Receipt): number[] {
  const predicate = receipt.predicate as Members
  const step = predicate['step']
  const held = member(step, 'held')
  const places = [
    member(predicate['resolution'], 'heldAt'),
    member(predicate['undoes'], 'index'),
    ...['decidedAt', 'redeemedAt'].map((name) => predicate[name]),
    ...['previousAt', 'decidedAt', 'heldAt', 'resolvedAt'].map((name) => member(step, name)),
    ...(Array.isArray(held) ? held.map((one) => member(one, 'decidedAt')) : []),
  ]
  return places.filter((place): place is number => typeof place === 'number')
}

/** The digests of the policies that a receipt names. */
export function policiesOf(receipt: Receipt): string[] {
  const predicate = receipt.predicate as Members
  const held = member(predicate['resolution'], 'heldPolicyDigest')
  return [predicate['policyDigest'], held].flatMap((digest) => {
    const sha256 = member(digest, 'sha256')
    return typeof sha256 === 'string' ? [`sha256:${sha256}`] : []
  })
}

/** Whether a receipt is of an agent and a project, where they are asked for. */
export function passesFilters(
  receipt: Receipt,
  { agent, project }: ExportHeader['filters'],
): boolean {
  const action = actionOf(receipt)
  return (
    (agent === undefined || action['agent'] === agent) &&
    (project === undefined || action['project'] === project)
  )
}

/** What remains of the action or call that a receipt is about, or the step of a delivery; empty when it is about none. */
export function actionOf({ predicate }: Receipt): Members {
  const { action, call, step } = predicate as Members
  const found = action ?? call ?? step
  return typeof found === 'object' && found !== null ? (found as Members) : {}
}

export type Members = Readonly<Record<string, unknown>>

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Members)[name]
}
