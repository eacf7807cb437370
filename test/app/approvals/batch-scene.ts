import { join } from 'node:path'
import { expect } from 'vitest'
import { type Review, reviewRequest } from '../../../src/app/approvals/review.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import type { Forge, NoticeEvent, RequestRecord } from '../../../src/model/ports.ts'
import { openMemoryForge } from '../../fakes/memory-forge.ts'
import {
  bundleOf,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder,
} from '../support.ts'

const PROJECT = String(policyFiles().get('countersign.yaml'))
const HEAD = 'apiVersion: countersign/v1\nkind: '

/** Refunds on the route `payments`, of which five within 30 seconds share a pull request; above 1,000 on `board` too. */
export function batchPolicy(options: { payments?: string; board?: string; rules?: string } = {}) {
  const { payments = ', batch: { max: 5, within: 30s }', board = '', rules = '' } = options
  return {
    'countersign.yaml': `${PROJECT}forge: { kind: local, poll: 100ms }\n`,
    'policies/routes/routes.yaml': `${HEAD}Routes\nroutes:
  - { id: default, reviewers: [ana, bo], time_out: 1h }
  - { id: payments, reviewers: [ana, bo], time_out: 1h, show: [payload.amount]${payments} }
  - { id: board, reviewers: [bo], time_out: 1h${board} }
`,
    ...(rules === '' ? {} : { 'policies/guardrails/refunds.yaml': rules }),
  }
}

export const refund = (amount: number, more: object = {}) => ({
  ...{ agent: 'clerk', service: 'shop', action: 'refund', payload: { amount } },
  ...more,
})

export async function openBatchScene(options: Parameters<typeof batchPolicy>[0] = {}) {
  const forge = openMemoryForge()
  const folder = temporaryFolder()
  const bundle = await bundleOf(batchPolicy(options))
  const told: NoticeEvent[] = []
  let ahead = 0
  const again = (changed: { forge?: Forge; bundle?: typeof bundle } = {}) =>
    openTest({
      ...{ folder, bundle, forge, clock: () => Date.now() + ahead, ...changed },
      notifier: { notify: async (event) => void told.push(event) },
    })
  const opened = await again()
  return {
    ...opened,
    ...{ forge, told, bundle, again },
    /** Lets seconds go by. */
    pass: (seconds: number) => {
      ahead += seconds * 1000
    },
    /** The batches of the store, oldest first. */
    batches: async (): Promise<readonly RequestRecord[]> =>
      (await opened.parts.store.requests({ state: 'all' })).filter(
        ({ request }) => request.members !== undefined,
      ),
    /** What an auditor counts. */
    audit: () => {
      const report = verifyLogFolder(join(folder, 'log'))
      expect(report.problems).toEqual([])
      return report.receipts
    },
  }
}

/** Asks for refunds of these amounts. @returns their requests */
export async function ask({ engine }: Opened, amounts: readonly number[]): Promise<string[]> {
  const ids: string[] = []
  for (const amount of amounts) ids.push(String((await engine.defer(refund(amount))).request))
  return ids
}

/** A person reviews on the command line; the engine settles. */
export async function review(
  { parts }: Opened,
  id: string,
  what: Review = { verdict: 'approve' },
  who: 'ana' | 'bo' = 'ana',
): Promise<RequestRecord> {
  return reviewRequest(parts, id, what, await signerOf(who))
}

/** As {@link review}, by a person whose engine is elsewhere: this one has to notice. */
export async function postReview(
  opened: Opened,
  id: string,
  what: Review = { verdict: 'approve' },
  who: 'ana' | 'bo' = 'ana',
): Promise<void> {
  const { parts } = opened
  const blind = { ...parts, forge: { ...parts.forge, reviews: async () => [] } }
  await reviewRequest(blind, id, what, await signerOf(who))
}

/** How requests stand. */
export async function states({ parts }: Opened, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => parts.store.request(id)))
  return found.map((one) => one?.resolution?.decision ?? 'PENDING')
}
