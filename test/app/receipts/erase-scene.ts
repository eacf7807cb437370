import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { type EraseQuestion, eraseInputs } from '../../../src/app/receipts/erase.ts'
import { listReceipts } from '../../../src/app/receipts/receipts.ts'
import type { Action } from '../../../src/model/generated/types.ts'
import type { ReceiptRow } from '../../../src/model/log-report.ts'
import type { Store } from '../../../src/model/ports.ts'
import { bundleOf, type Opened, openTest, signerOf } from '../support.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '

/** Every value in an action of this principal begins with this word, and no value elsewhere does. */
export const MARK = 'zebra4711'
export const PRINCIPAL = `${MARK}-person`

const POLICY = {
  'policies/tools/shop.yaml': `${HEAD}Tools
service: shop
tools:
  read_order: { effect: read, private: [principal] }
  refund: { effect: irreversible, priority: high, private: [principal] }
  delete: { effect: irreversible, priority: critical, private: [principal] }
  mail: { effect: write, private: [principal] }
`,
  'policies/guardrails/mail.yaml': `${HEAD}Guardrails
rules:
  - id: mail/address
    on: { action: mail }
    pattern: { path: payload.to, matches: '.+', if_missing: pass }
    then: tokenise
    tokenise: [payload.to]
`,
  'policies/routes/routes.yaml': `${HEAD}Routes
routes:
  - { id: default, reviewers: [ana, bo], time_out: 1h }
  - { id: payments, reviewers: [ana, bo], time_out: 1h }
  - { id: board, reviewers: [bo], time_out: 1h }
`,
}

export async function eraseScene(changes: Readonly<Record<string, string>> = {}) {
  const bundle = await bundleOf({ ...POLICY, ...changes })
  let ahead = 0
  const opened = await openTest({ bundle, clock: () => Date.now() + ahead })
  const pass = (ms: number) => {
    ahead += ms
  }
  return { ...opened, bundle, pass }
}

/** An action of the principal, or of somebody else. */
export function act(action: string, payload: object, principal: string | null = PRINCIPAL): Action {
  const of = principal === null ? {} : { principal }
  return { agent: 'clerk', service: 'shop', action, payload: { ...payload } as never, ...of }
}

export const refund = (principal: string | null = PRINCIPAL, word = MARK) =>
  act('refund', { amount: 50, to: `${word}-account` }, principal)

/** Asks for a refund and has people end it. @returns its request and decision */
export async function ended(
  { engine, parts }: Opened,
  verdict: 'approve' | 'reject' | 'patch' = 'approve',
  action: Action = refund(),
): Promise<{ readonly request: string; readonly decision: string }> {
  const asked = await engine.decide(action)
  const request = String(asked.request?.id)
  const review =
    verdict === 'patch'
      ? { verdict, payload: { amount: 20, to: `${MARK}-patched` } }
      : { verdict, comment: 'seen' }
  await reviewRequest(parts, request, review, await signerOf('ana'))
  return { request, decision: asked.decision }
}

export function erase(
  { folder }: Pick<Opened, 'folder'>,
  changes: Partial<EraseQuestion> = {},
): ReturnType<typeof eraseInputs> {
  return eraseInputs({
    data: folder,
    who: { principal: PRINCIPAL },
    reason: 'asked for it, case 88',
    dryRun: false,
    now: Date.now(),
    ...changes,
  })
}

/** The receipts of a store as `receipts ls` lists them. */
export async function rowsOf(store: Store): Promise<readonly ReceiptRow[]> {
  const rows: ReceiptRow[] = []
  for await (const row of listReceipts(store)) rows.push(row)
  return rows
}

/** Wrapped data keys, and sealed inputs, that the store has now. */
export function secretsIn(folder: string): { readonly keys: Buffer[]; readonly inputs: Buffer[] } {
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  try {
    const blobs = (sql: string) =>
      database
        .prepare(sql)
        .all()
        .map((row) => Buffer.from(row['blob'] as Uint8Array))
    return {
      keys: blobs('SELECT wrapped AS blob FROM subject_keys'),
      inputs: blobs('SELECT inputs AS blob FROM decisions WHERE length(inputs) > 0').concat(
        blobs('SELECT ciphertext AS blob FROM tokens'),
      ),
    }
  } finally {
    database.close()
  }
}

/** All bytes of a data folder: each file as it lies, and each object of a Git repository as it was before compression. */
export function allBytes(folder: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (statSync(path).isFile()) found.set(name, readFileSync(path))
  }
  const forge = join(folder, 'forge.git')
  if (existsSync(forge)) {
    const options = { cwd: forge, maxBuffer: 1 << 28 }
    found.set(
      'objects',
      execFileSync('git', ['cat-file', '--batch-all-objects', '--batch'], options),
    )
  }
  return found
}

/** Files of a folder that hold one of these byte strings. */
export function holders(folder: string, needles: readonly (Buffer | string)[]): string[] {
  return [...allBytes(folder)].flatMap(([name, bytes]) =>
    needles.some((needle) => bytes.includes(needle)) ? name : [],
  )
}
