import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import type { ExportRequest } from '../../../src/app/receipts/export.ts'
import { exportReceipts } from '../../../src/app/receipts/export.ts'
import { verifyExportFile } from '../../../src/app/receipts/export-verify.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import { parsePath } from '../../../src/base/path.ts'
import type { Trust } from '../../../src/model/generated/types.ts'
import type { ExportReport } from '../../../src/model/receipt-export.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import { KEYS, type Opened, openTest, signerOf } from '../support.ts'

export const ALICE = 'alice@example.com'
const MINUTE = 60_000

/** An engine with a clock of its own. */
export async function openScene() {
  let now = Date.parse('2026-11-01T09:00:00Z')
  const opened = await openTest({ forge: openMemoryForge(), clock: () => now })
  const trust: Trust = {
    apiVersion: 'countersign/v1',
    kind: 'Trust',
    logs: [{ origin: opened.parts.signer.origin, keys: [opened.parts.signer.verifierKey] }],
    policies: [opened.parts.judge.bundle.digest],
    reviewers: Object.entries(KEYS).map(([id, { fingerprint }]) => ({
      id,
      fingerprints: [fingerprint],
    })),
  }
  const pass = (minutes: number) => {
    now += minutes * MINUTE
  }
  return { ...opened, trust, pass, now: () => now }
}

export type Scene = Awaited<ReturnType<typeof openScene>>

const call = (action: string, payload: JsonObject, more: object = {}) => ({
  ...{ agent: 'clerk', service: 'shop', action, payload },
  ...more,
})

/**
 * Two days: 0 genesis; 1 a read, 2 a mail that is redacted, for a principal that is private, 3 a refund that is held, 4 its
 * approval, 5 another, 6 its end with a patch, 7 one more, 8 its rejection, 9 a deletion that is denied; then a day later 10
 * a read, 11 a refund and 12 its approval.
 */
export async function twoDays(scene: Scene): Promise<void> {
  const { engine, pass } = scene
  await engine.decide(call('read_order', { id: 'o-1' }))
  pass(1)
  await engine.decide(call('mail', { text: 'card 4111111111111111' }, { principal: ALICE }))
  pass(1)
  await refund(scene, 25, 3, { verdict: 'approve' })
  await refund(scene, 90, 12, { verdict: 'patch', payload: { amount: 45 } })
  await refund(scene, 700, 40, { verdict: 'reject' })
  await engine.decide(call('delete', { id: 'o-1' }))
  pass(24 * 60)
  await engine.decide(call('read_order', { id: '=cmd|x' }))
  pass(1)
  await refund(scene, 10, 2, { verdict: 'approve' })
}

async function refund(
  { engine, parts, pass }: Pick<Scene, 'engine' | 'parts' | 'pass'>,
  amount: number,
  minutes: number,
  review: Parameters<typeof reviewRequest>[2],
): Promise<void> {
  const { request } = await engine.defer(call('refund', { amount, currency: 'EUR' }))
  pass(minutes)
  await reviewRequest(parts, String(request), review, await signerOf('ana'))
  pass(1)
}

/** Exports from a scene, to a file of its own. */
export async function exported(
  scene: Pick<Opened, 'folder'>,
  change: Partial<Omit<ExportRequest, 'show'>> & { readonly show?: readonly string[] } = {},
): Promise<string> {
  const { show = [], format = 'jsonl', ...rest } = change
  const out = join(mkdtempSync(join(tmpdir(), 'countersign-test-')), `export.${format}`)
  await exportReceipts({
    ...{ data: scene.folder, period: {}, filters: {}, force: false, version: '1.2.3', format, out },
    show: show.map(parsePath),
    ...rest,
  })
  return out
}

/** Verifies what somebody has made of an export. */
export async function verified(
  scene: Pick<Scene, 'trust'>,
  text: string | Uint8Array,
  format: ExportReport['format'] = 'jsonl',
): Promise<ExportReport> {
  const file = join(mkdtempSync(join(tmpdir(), 'countersign-test-')), `changed.${format}`)
  writeFileSync(file, text)
  return verifyExportFile(file, format, scene.trust)
}
