// An engine whose held actions are reviewed in the same process, to be killed at any moment: each request that has
// been told its end is written to stdout at once.
import { writeSync } from 'node:fs'
import { reviewRequest } from '../../src/app/approvals/review.ts'
import { engineOf } from '../../src/app/engine/engine.ts'
import { closeParts, openParts } from '../../src/app/engine/open-engine.ts'
import { openReviewSigner } from '../../src/host/ssh-signer.ts'
import type { Resolved, ReviewOrders } from './workload.ts'
import { reviewOf } from './workload.ts'

const orders = JSON.parse(process.argv[2] ?? '') as ReviewOrders

function write(line: Resolved): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const parts = await openParts({
  bundle: orders.bundle,
  store: orders.store,
  credential: { project: 'shop', agents: ['clerk'], role: 'agent' },
})
const engine = engineOf(parts, () => closeParts(parts))
const signer = await openReviewSigner({ keyFile: orders.key })

async function review(id: string): Promise<void> {
  const { resolution } = await reviewRequest(parts, id, reviewOf(id), signer)
  if (resolution === null) throw new Error(`${id} still waits after its one review`)
  write({ request: id, ended: resolution.decision, index: resolution.receiptIndex })
}

// First those that a kill left waiting; some have their review already.
for (const { request } of await parts.store.requests({ state: 'waiting' })) await review(request.id)
for (let i = 0; i < orders.requests; i++) {
  const session = `run-${orders.run}-request-${i}`
  const action = { agent: 'clerk', session, service: 'shop', action: 'refund' }
  const { request } = await engine.decide({ ...action, payload: { amount: 50 + i } })
  if (request === undefined) throw new Error('the refund was not held')
  await review(request.id)
}
await engine.close()
