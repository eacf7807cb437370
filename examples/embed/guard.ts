/** The shortest way: wrap a tool. README.md and docs/how-to/embed.md show parts of this file. */
async function refundPayment(refund: { user_id: string; amount: number }): Promise<string> {
  return `paid ${refund.amount} to ${refund.user_id}`
}

// #region guard
import { open } from 'countersign'

const engine = await open({
  bundle: 'shop.bundle',
  credential: { project: 'shop', agents: ['billing-agent'], role: 'agent' },
})

const refund = engine.guard(refundPayment, {
  agent: 'billing-agent',
  service: 'billing',
  action: 'refund_payment',
})

await refund({ user_id: 'u-17', amount: 25 })
// #endregion

// #region guard-once
const refundOnce = engine.guard(refundPayment, {
  agent: 'billing-agent',
  service: 'billing',
  action: 'refund_payment',
  idempotencyKey: ({ user_id, amount }) => `refund/${user_id}/${amount}`,
  timeoutMs: 30_000,
})
// #endregion

await refundOnce({ user_id: 'u-17', amount: 25 })
await engine.close()
