import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { writeBundle } from '../../src/policy/bundle/index.ts'
import { BUNDLE, openScene } from '../app/engine/custody-support.ts'
import { temporaryFolder } from '../app/support.ts'

// Deliveries whose process is killed between two steps, or that two processes go on with at once.

type Line = {
  readonly delivery?: string
  readonly step?: number
  readonly refused?: string
  readonly done?: true
}

/** Runs a process over the deliveries. @param killAfter - answers after which it is killed. Default: it lives */
function run(
  folder: string,
  deliveries: readonly string[],
  killAfter = Number.POSITIVE_INFINITY,
): Promise<Line[]> {
  const bundle = join(folder, 'policy.bundle')
  writeFileSync(bundle, writeBundle(BUNDLE))
  const orders = JSON.stringify({ bundle, store: join(folder, 'data'), deliveries })
  const child = spawn(process.execPath, [join(import.meta.dirname, 'custody-child.ts'), orders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: Line[] = []
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Line)
    if (lines.length > killAfter) child.kill('SIGKILL')
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(lines)
      else reject(new Error(`the process ended with ${code}`))
    })
  })
}

async function check(folder: string, deliveries: readonly string[], lines: readonly Line[]) {
  const report = verifyLogFolder(join(folder, 'data', 'log'))
  expect(report.problems).toEqual([])
  const { engine } = await openScene({ folder: join(folder, 'data') })
  for (const delivery of deliveries) {
    const { chain, state, escrow } = await engine.delivery(delivery)
    const types = chain.map(({ step }) => step.type)
    expect([types, state]).toEqual([['handoff', 'accept', 'outcome', 'release'], 'ended'])
    expect(escrow[0]?.state).toBe('released')
    const taken = lines.flatMap((line) => (line.delivery === delivery ? (line.step ?? []) : []))
    expect(new Set(taken).size, 'each step is taken once').toBe(taken.length)
  }
  return report
}

test('a delivery whose process is killed goes on where it was', async () => {
  const folder = temporaryFolder()
  const deliveries = [randomUUID(), randomUUID(), randomUUID()]
  const lines: Line[] = []
  for (const killAfter of [1, 2, 3, 5]) {
    const life = await run(folder, deliveries, killAfter)
    expect(life.at(-1)?.done).toBeUndefined()
    const log = join(folder, 'data', 'log')
    expect(verifyLogFolder(log).problems).toEqual([])
    lines.push(...life)
  }
  lines.push(...(await run(folder, deliveries)))
  const { receipts } = await check(folder, deliveries, lines)
  expect(receipts).toMatchObject({ 'custody handoff': 3, 'custody release': 3 })
}, 60_000)

test('of two processes that go on with the same deliveries, one takes each step', async () => {
  const folder = temporaryFolder()
  const deliveries = Array.from({ length: 6 }, () => randomUUID())
  const ended = await Promise.all([run(folder, deliveries), run(folder, deliveries)])
  const lines = ended.flat()
  expect(lines.filter(({ done }) => done === true).length).toBe(2)
  await check(folder, deliveries, lines)
  expect(lines.filter(({ step }) => step !== undefined).length).toBe(deliveries.length * 3)
  const refusals = new Set(lines.flatMap(({ refused }) => refused ?? []))
  const known = [
    'CUSTODY_REPEATED',
    'CUSTODY_FORKED',
    'CUSTODY_ENDED',
    'CUSTODY_OUT_OF_ORDER',
    'ESCROW_INVALID',
  ]
  for (const refused of refusals) expect([...known, 'DELIVERY_UNKNOWN']).toContain(refused)
}, 60_000)
