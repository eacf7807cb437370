import { rmSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { signerOf } from '../support.ts'
import { closeWorlds, projectOf, type World, worldOf } from './attest-case.ts'

// With `wait: resolutions` an approval gives nothing away by any door before others have vouched for it.

afterEach(async () => {
  for (const folder of await closeWorlds()) rmSync(folder, { recursive: true, force: true })
})

const HEAD = 'apiVersion: countersign/v1\nkind: '
const WAIT = '{ wait: resolutions }'
const project = projectOf(WAIT)['countersign.yaml'] ?? ''
const FILES = {
  'countersign.yaml': project.replace('grants: { lifetime: 60s }\n', ''),
  'policies/agents/clerk.yaml': `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['handoff.*', 'shop.*'] }]\n`,
  'policies/agents/carrier.yaml': `${HEAD}Agent\nagent: carrier\nscopes: [{ tools: ['handoff.*'] }]\n`,
  'policies/tools/handoff.yaml': `${HEAD}Tools\nservice: handoff\ntools:\n  review: { effect: write, priority: high }\n`,
  'policies/tools/shop.yaml': `${HEAD}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  mail: { effect: write }\n  refund: { effect: write, priority: high, undo: { action: charge, payload: { amount: { from: payload.amount } } } }\n  charge: { effect: write }\n`,
}

/** A call that people approved, and nobody has vouched for. @returns its request */
async function approved(world: World, action: string, service: string): Promise<string> {
  const payload = { to: 'carrier', amount: 5 }
  const call = { agent: 'clerk', service, action, payload }
  const { request } = await world.engine.defer(call as never)
  await reviewRequest(world.parts, String(request), { verdict: 'approve' }, await signerOf('ana'))
  return String(request)
}

test.for([
  {
    name: 'a handoff under it',
    tool: ['handoff', 'review'],
    work: ({ engine }: World, id: string) => engine.handoff({ decision: id, to: 'carrier' }),
    want: { code: 'ACTION_PENDING', retryable: true },
  },
  {
    name: 'a proof of it for a counterparty',
    tool: ['shop', 'refund'],
    work: ({ engine }: World, id: string) => engine.proveDecision(id, { audience: 'bank' }),
    want: { code: 'ACTION_PENDING', retryable: true },
  },
  {
    name: 'a rollback of what has not run',
    tool: ['shop', 'refund'],
    work: ({ engine }: World, id: string) => engine.rollback(id),
    want: { code: 'UNDO_NOT_RUN' },
  },
] as const)('$name -> $want.code until it is attested', async ({ tool, work, want }) => {
  const world = await worldOf(WAIT, { files: FILES })
  const [service, action] = tool
  const request = await approved(world, action, service)
  await expect(work(world, request)).rejects.toMatchObject(want)
  await world.attestor().round()
  await work(world, request)
})
