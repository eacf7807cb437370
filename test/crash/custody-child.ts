// One process that takes the steps of deliveries until it is done, or killed; each answer is on stdout before the next step.
import { writeSync } from 'node:fs'
import { open } from '../../src/app/engine/open-engine.ts'
import { PolicyError } from '../../src/base/errors.ts'

type Orders = { bundle: string; store: string; deliveries: readonly string[] }
const { bundle, store, deliveries } = JSON.parse(process.argv[2] ?? '') as Orders
const engine = await open({
  bundle,
  store,
  credential: { project: 'shop', agents: ['*'], role: 'agent' },
})

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

/** What somebody else was faster with is no failure. */
async function attempt(delivery: string, take: () => Promise<{ step: number }>): Promise<void> {
  try {
    say({ delivery, step: (await take()).step })
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    say({ delivery, refused: error.code })
  }
}

say({ opened: true })
for (const delivery of deliveries) {
  const payload = { to: 'payer', delivery }
  const key = { idempotencyKey: delivery }
  const handed = await engine.decide(
    { agent: 'clerk', service: 'handoff', action: 'payment', payload },
    key,
  )
  const held = await engine.decide(
    { agent: 'clerk', service: 'shop', action: 'mail', payload: { delivery } },
    { idempotencyKey: `${delivery}/held`, escrow: true },
  )
  const { decision } = handed
  const first = { decision, to: 'payer', delivery, escrow: [held.decision] }
  await attempt(delivery, () => engine.handoff(first))
  await attempt(delivery, () => engine.acceptHandoff({ delivery, agent: 'payer' }))
  const outcome = 'fulfilled' as const
  await attempt(delivery, () => engine.recordOutcome({ delivery, agent: 'payer', outcome }))
}
await engine.close()
say({ done: true })
