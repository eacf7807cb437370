import { createHash } from 'node:crypto'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { Disclosure } from '../../src/base/commitments.ts'
import { commitAction } from '../../src/base/commitments.ts'
import { fromUtf8, sha256, utf8 } from '../../src/base/digest.ts'
import type { JsonObject } from '../../src/base/json-value.ts'
import type { Receipt } from '../../src/model/generated/types.ts'
import type { ExportHeader, ExportLine, ExportRecord } from '../../src/model/receipt-export.ts'
import { policiesOf } from '../../src/model/receipt-export.ts'
import { createTree, hashLeaf, inclusionProof } from '../../src/trust/receipt/merkle.ts'
import { formatProof } from '../../src/trust/receipt/proof.ts'
import type { DecisionFields } from '../../src/trust/receipt/statement.ts'
import { genesis, hold, note, resolution, verdict } from '../trust/verify/log-case.ts'

// Exports made in memory, by other code than the command's, out of keys and times that are the same in every run.

export type ExportCase = {
  readonly header: ExportHeader
  readonly records: readonly ExportRecord[]
  readonly text: string
}

type Options = {
  readonly disclosures?: ReadonlyMap<number, readonly Disclosure[]>
  readonly header?: Partial<ExportHeader>
  /** Log indexes; default: all. */
  readonly lines?: readonly number[]
  readonly context?: readonly number[]
}

/** An export of a log of these entries. */
export function exportOf(entries: readonly Uint8Array[], options: Options = {}): ExportCase {
  const tree = createTree()
  for (const entry of entries) tree.append(hashLeaf(entry))
  const checkpoint = note(entries)
  const size = entries.length
  const indexes = options.lines ?? entries.map((_, i) => i)
  const context = options.context ?? []
  const asked = indexes.filter((index) => !context.includes(index))
  const records = indexes.map((index): ExportRecord => {
    const entry = fromUtf8(entries[index] ?? new Uint8Array())
    const hashes = inclusionProof(index, size, tree.node)
    const disclosures = options.disclosures?.get(index)
    const line: ExportLine = {
      ...{ index, entry, proof: formatProof({ index, hashes, checkpoint }) },
      ...(context.includes(index) ? { context: true } : {}),
      ...(disclosures === undefined ? {} : { disclosures }),
    }
    return { line, receipt: JSON.parse(entry) as Receipt }
  })
  const policies = [...new Set(records.flatMap(({ receipt }) => policiesOf(receipt)))].sort()
  const header: ExportHeader = {
    ...{ kind: 'ReceiptExport', version: 1, origin: checkpoint.split('\n')[0] ?? '' },
    ...{ period: {}, filters: {}, show: [], checkpoint, size },
    ...{ first: asked[0] ?? 0, last: asked.at(-1) ?? 0 },
    policies: policies.map((digest) => ({ digest })),
    ...options.header,
  }
  return {
    header,
    records,
    text: textOf(
      header,
      records.map(({ line }) => line),
    ),
  }
}

/** The text of an export, whatever its lines say. */
export function textOf(header: object, lines: readonly object[]): string {
  const body = [header, ...lines].map((line) => `${canonicalize(line as JsonObject)}\n`).join('')
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
  return `${body}${canonicalize({ kind: 'ReceiptExportEnd', lines: lines.length, digest })}\n`
}

/** An action with its payload committed to, and what opens the amount. */
export function committedAction(name: string, payload: JsonObject, more: JsonObject = {}) {
  const action = { agent: 'billing-agent', service: 'billing', action: 'refund_card', ...more }
  const seed = sha256(utf8(name))
  const made = commitAction({ ...action, payload, context: {} }, { seed })
  const shown = made.disclosures.filter(
    ({ pointer }) => pointer === '/payload' || pointer === '/payload/amount',
  )
  return { action: made.committed as DecisionFields['action'], shown }
}

const finding = (rule: string, message: string): DecisionFields['findings'][number] => ({
  ...{ rule, kind: 'pattern', verdict: 'deny', mode: 'enforce', message, evidence: {} },
  ...{ file: 'policies/guardrails/a.yaml', line: 3, column: 5 },
})

/** Genesis, an allow with an amount, a hold, a denial with text that means something to CSV, HTML and CEF, an approval. */
export function smallCase(): ExportCase {
  const { action, shown } = committedAction('a', { amount: 25, text: 'x' })
  const strange = finding('a|b=c/"<d>"', 'first\nsecond, <script>alert(1)</script> \\ | = \u202e')
  const entries = [
    genesis(),
    verdict('a', { action }),
    hold('b'),
    verdict('c', {
      decision: 'deny',
      findings: [strange],
      action: { agent: '=1+1', service: 's', action: 't' },
    }),
    resolution('b', 2),
  ]
  return exportOf(entries, {
    disclosures: new Map([[1, shown]]),
    header: {
      show: ['payload.amount'],
      policies: policiesNamed(entries, 'agreed, "2026"'),
    },
  })
}

function policiesNamed(entries: readonly Uint8Array[], name: string): ExportHeader['policies'] {
  return exportOf(entries).header.policies.map(({ digest }) => ({ digest, name }))
}

/** Many receipts over three weeks, by some agents, as people see them. */
export function largeCase(): ExportCase {
  const entries: Uint8Array[] = [genesis()]
  const disclosures = new Map<number, readonly Disclosure[]>()
  const begin = Date.parse('2026-11-02T08:00:00Z')
  const agents = [
    'billing-agent',
    'support-agent',
    'warehouse-agent',
    'a-rather-long-name-of-an-agent-for-returns',
  ]
  let at = begin
  for (let i = 0; i < 320; i++) {
    const roll = sha256(utf8(`roll ${i}`))
    at += ((roll[0] ?? 0) % 96) * 60_000 + 120_000
    const agent = agents[(roll[1] ?? 0) % (i % 3 === 0 ? 4 : 2)] ?? ''
    const amount = 5 + ((roll[2] ?? 0) % 250)
    const { action, shown } = committedAction(
      `n${i}`,
      { amount },
      { agent, action: i % 5 === 0 ? 'refund_card' : 'read_invoice' },
    )
    const issuedAt = new Date(at).toISOString()
    const dice = (roll[3] ?? 0) % 20
    const index = entries.length
    disclosures.set(index, shown)
    if (dice < 13) entries.push(verdict(`n${i}`, { action, issuedAt }))
    else if (dice < 14) entries.push(verdict(`n${i}`, { action, issuedAt, decision: 'redact' }))
    else if (dice < 16) {
      entries.push(
        verdict(`n${i}`, {
          ...{ action, issuedAt, decision: 'deny' },
          findings: [
            finding('refunds/too-many-per-customer', 'payload.amount: more than 5 in 10 min'),
          ],
        }),
      )
    } else {
      const rule = finding('refunds/large', 'payload.amount is above 20')
      entries.push(hold(`n${i}`, { action, issuedAt, findings: [{ ...rule, verdict: 'hold' }] }))
      const ended = new Date(at + ((roll[4] ?? 0) % 200) * ((roll[5] ?? 0) % 60) * 1000 + 20_000)
      disclosures.set(entries.length, shown)
      entries.push(endOf(`n${i}`, index, { action, issuedAt: ended.toISOString() }, dice))
    }
  }
  const header = { show: ['payload.amount'], policies: policiesNamed(entries, 'shop-2026-11') }
  return exportOf(entries, { disclosures, header })
}

function endOf(
  name: string,
  heldAt: number,
  fields: Partial<DecisionFields>,
  dice: number,
): Uint8Array {
  if (dice < 18) return approved(name, heldAt, fields)
  const decision = dice === 18 ? 'REJECTED' : 'EXPIRED'
  const reason = dice === 18 ? 'rejected by ana: not in the terms' : 'nobody answered in time'
  return resolution(name, heldAt, {
    fields: { ...fields, decision },
    resolution: { reason, approvals: [] },
  })
}

function approved(name: string, heldAt: number, fields: Partial<DecisionFields>): Uint8Array {
  const root = createHash('sha256')
    .update(canonicalize(fields.action as JsonObject))
    .digest('hex')
  return resolution(name, heldAt, {
    fields,
    review: {
      statement: (statement) => {
        const [subject] = statement.subject
        if (subject !== undefined) subject.digest.sha256 = root
      },
    },
  })
}
