import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import type { Trust } from '../../../src/model/generated/types.ts'
import {
  accepted,
  DELIVERY,
  escrowed,
  HOUR,
  keySigner,
  openScene,
  START,
} from '../engine/custody-support.ts'
import { exported, verified } from './export-scene.ts'

// The steps of a delivery refer to each other and to decisions; an export of the last of them has them all.

test.for([
  { name: 'the whole log', change: {}, context: 0 },
  {
    name: 'the outcome alone',
    change: { period: { from: new Date(START + HOUR).toISOString() } },
    context: 4,
  },
  { name: 'what the carrier did', change: { filters: { agent: 'carrier' } }, context: 3 },
])('$name of a delivery with escrow verifies', async ({ change, context }) => {
  const scene = await openScene()
  await accepted(scene, { escrow: [await escrowed(scene)] })
  scene.wait(HOUR)
  const outcome = { delivery: DELIVERY, agent: 'carrier', outcome: 'fulfilled' } as const
  await scene.engine.recordOutcome({ ...outcome, signer: await keySigner() })
  const { signer } = scene.parts
  const trust: Trust = {
    ...{ apiVersion: 'countersign/v1', kind: 'Trust' },
    logs: [{ origin: signer.origin, keys: [signer.verifierKey] }],
  }
  for (const format of ['jsonl', 'csv', 'html'] as const) {
    const text = readFileSync(await exported(scene, { ...change, format }))
    const report = await verified({ trust }, text, format)
    expect(report.problems).toEqual([])
    expect(report.receipts).toMatchObject({ 'custody outcome': 1 })
    // An execution of what is held may be among those that are not here.
    const isClaimed = report.proven.some((claim) =>
      claim.startsWith('nothing that a delivery held'),
    )
    expect(isClaimed).toBe(context === 0)
    if (format !== 'jsonl') continue
    const lines = text.toString('utf8').split('\n').slice(1, -2)
    expect(lines.filter((line) => line.includes('"context":true'))).toHaveLength(context)
  }
})

test.for([{ agent: 'clerk' }, { agent: 'carrier' }, { project: 'shop' }])(
  'what an agent did with what a delivery let go verifies by itself: %o',
  async (filters) => {
    const scene = await openScene()
    const held = await escrowed(scene)
    await accepted(scene, { escrow: [held] })
    const outcome = { delivery: DELIVERY, agent: 'carrier', outcome: 'fulfilled' } as const
    await scene.engine.recordOutcome({ ...outcome, signer: await keySigner() })
    const { grant = '' } = await scene.engine.claim(held)
    await scene.engine.redeem(grant)
    const { signer } = scene.parts
    const trust: Trust = {
      ...{ apiVersion: 'countersign/v1', kind: 'Trust' },
      logs: [{ origin: signer.origin, keys: [signer.verifierKey] }],
    }
    const text = readFileSync(await exported(scene, { filters, format: 'jsonl' }))
    expect((await verified({ trust }, text, 'jsonl')).problems).toEqual([])
  },
)

test('a SIEM is told of every step, also of those that are the engine’s own', async () => {
  const scene = await openScene()
  await accepted(scene, { escrow: [await escrowed(scene)] })
  const outcome = { delivery: DELIVERY, agent: 'carrier', outcome: 'failed' } as const
  await scene.engine.recordOutcome({ ...outcome, signer: await keySigner() })
  const eventsOf = async (format: 'ocsf' | 'cef') =>
    readFileSync(await exported(scene, { format }), 'utf8')
      .trimEnd()
      .split('\n')
  const events = (await eventsOf('ocsf')).map((line) => JSON.parse(line))
  const steps = events.filter((event) => event.activity_name === 'custody')
  expect(steps.map((event) => [event.api.operation, event.actor.app_name])).toEqual([
    ['handoff', 'clerk'],
    ['accept', 'carrier'],
    ['outcome failed', 'carrier'],
    ['refund', 'Countersign'],
  ])
  const vector = join(import.meta.dirname, '../../vectors/ocsf-api-activity-1.4.0.json')
  const valid = new Ajv2020({ strict: false, logger: false }).compile(
    JSON.parse(readFileSync(vector, 'utf8')),
  )
  for (const event of steps) expect(valid(event), JSON.stringify(valid.errors)).toBe(true)
  const lines = (await eventsOf('cef')).filter((line) => line.includes(' cat=custody '))
  expect(lines.map((line) => line.split('|')[5])).toEqual([
    ...['handoff', 'accept', 'outcome failed', 'refund'],
  ])
  expect(lines[3]).toMatch(/msg=custody refund: Countersign$/)
})
