// One process of the engine, to be killed at any moment: it makes decisions and writes each answer to stdout at once.
import { writeSync } from 'node:fs'
import { open } from '../../src/app/engine/open-engine.ts'
import type { Call, ChildLine, Orders } from './workload.ts'
import { callsOf, groupsOf } from './workload.ts'

const orders = JSON.parse(process.argv[2] ?? '') as Orders

/** The line has left this process when this returns: nothing is buffered that a kill could take back. */
function write(line: ChildLine): void {
  const text = `${JSON.stringify(line)}\n`
  if (writeSync(1, text) !== Buffer.byteLength(text)) throw new Error('stdout took half a line')
}

const engine = await open({
  bundle: orders.bundle,
  store: orders.store,
  credential: { project: 'shop', agents: ['clerk'], role: 'agent' },
})
write({ opened: orders.run })

async function ask({ session, action, amount, key }: Call): Promise<void> {
  const { verdict, decision, receipt, request } = await engine.decide(
    { agent: 'clerk', session, service: 'shop', action, payload: { amount, text: 'thanks' } },
    key === null ? {} : { idempotencyKey: key },
  )
  const { index, leaf_hash: leaf } = receipt
  write({ session, verdict, decision, index, leaf, request: request?.id ?? null })
}

for (const group of groupsOf([...orders.again, ...callsOf(orders.run, orders.calls)])) {
  await Promise.all(group.map(ask))
}
await engine.close()
write({ done: orders.run })
