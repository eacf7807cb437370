import { join } from 'node:path'
import { expect } from 'vitest'
import type { Engine } from '../../../src/app/engine/engine.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { rederive } from '../../../src/app/receipts/rederive.ts'
import { generateSshKey, type SshKeyPair, writeSshKey } from '../../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../../src/host/ssh-signer.ts'
import type { ReviewSigner } from '../../../src/model/ports.ts'
import { bundleOf, type Opened, openTest, temporaryFolder } from '../support.ts'

// Three agents that hand things on: `carrier` signs with a key of its own, for the others the engine vouches.

const HEAD = 'apiVersion: countersign/v1\nkind: '

export const CARRIER: SshKeyPair = generateSshKey('carrier')
export const STRANGER: SshKeyPair = generateSshKey('stranger')

const agent = (name: string, more = '') =>
  `${HEAD}Agent\nagent: ${name}\n${more}scopes: [{ tools: ['handoff.*', 'shop.*'] }]\n`

export const FILES: Readonly<Record<string, string>> = {
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\ngrants: { lifetime: 60s }\n`,
  'policies/agents/clerk.yaml': agent('clerk'),
  'policies/agents/carrier.yaml': agent('carrier', `keys: ['${CARRIER.fingerprint}']\n`),
  'policies/agents/payer.yaml': agent('payer'),
  'policies/tools/handoff.yaml': `${HEAD}Tools\nservice: handoff\ntools:\n  payment: { effect: write }\n  review: { effect: write, priority: high }\n  secret: { effect: write, priority: critical }\n`,
}

export const BUNDLE = await bundleOf(FILES)
export const START = Date.parse('2026-03-01T10:00:00Z')
export const DELIVERY = '3f2b8a10-5c7d-4e9f-8a1b-2c3d4e5f6071'
export const OTHER = '3f2b8a10-5c7d-4e9f-8a1b-2c3d4e5f6072'
export const HOUR = 3_600_000

export type Scene = Opened & {
  readonly wait: (ms: number) => void
  readonly as: (...agents: string[]) => Engine
}

/** An engine for every agent of the project, on a clock that stands still. */
export async function openScene(options: Parameters<typeof openTest>[0] = {}): Promise<Scene> {
  let now = START
  const clock = () => now
  const credential = { project: 'shop', agents: ['*'], role: 'agent' }
  const opened = await openTest({ bundle: BUNDLE, clock, credential, ...options })
  return {
    ...opened,
    wait: (ms) => {
      now += ms
    },
    as: () => opened.engine,
  }
}

export async function keySigner(key: SshKeyPair = CARRIER): Promise<ReviewSigner> {
  const file = join(temporaryFolder(), 'key')
  await writeSshKey(file, key)
  return openReviewSigner({ keyFile: file })
}

/** A decision that allows `from` to hand on to `to`. */
export async function allowed(
  { engine }: Pick<Opened, 'engine'>,
  from = 'clerk',
  to = 'carrier',
  more: Record<string, unknown> = {},
): Promise<string> {
  const payload = { to, parcel: 'p-1', ...more }
  const outcome = await engine.decide({
    agent: from,
    service: 'handoff',
    action: 'payment',
    payload,
  } as never)
  expect(outcome.verdict).toBe('allow')
  return outcome.decision
}

/** A payment by the clerk that is held in escrow. */
export async function escrowed({ engine }: Pick<Opened, 'engine'>, amount = 5): Promise<string> {
  const payload = { text: 'pay', amount }
  const action = { agent: 'clerk', service: 'shop', action: 'mail', payload }
  const outcome = await engine.decide(action, { escrow: true })
  expect(outcome).toMatchObject({ verdict: 'allow', escrow: 'held' })
  expect(outcome).not.toHaveProperty('payload')
  expect(outcome).not.toHaveProperty('grant')
  return outcome.decision
}

/** A delivery that the carrier has accepted. */
export async function accepted(
  scene: Scene,
  more: {
    readonly escrow?: readonly string[]
    readonly outcomeBy?: 'giver'
    deadlineMs?: number
  } = {},
): Promise<void> {
  const decision = await allowed(scene)
  await scene.engine.handoff({ decision, to: 'carrier', delivery: DELIVERY, ...more })
  const signer = await keySigner()
  await scene.engine.acceptHandoff({ delivery: DELIVERY, agent: 'carrier', signer })
}

/** The log verifies, and every decision in it derives again. */
export async function checkLog({ folder, parts }: Scene) {
  const report = verifyLogFolder(join(folder, 'log'))
  expect(report.problems).toEqual([])
  const again = await rederive({
    store: parts.store,
    evidenceKey: parts.evidenceKey,
    shelf: { judge: async () => parts.judge, close: async () => undefined } as never,
  })
  expect([...again.differing, ...again.underived]).toEqual([])
  return report
}

export const code = (code: string) => expect.objectContaining({ code })
