import { readFileSync } from 'node:fs'
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
    if (format !== 'jsonl') continue
    const lines = text.toString('utf8').split('\n').slice(1, -2)
    expect(lines.filter((line) => line.includes('"context":true'))).toHaveLength(context)
  }
})
