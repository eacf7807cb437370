import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { judgeCall } from '../../src/app/engine/decide.ts'
import { closeParts, openParts } from '../../src/app/engine/open-engine.ts'
import { compilePolicyFolder } from '../../src/app/policy/compile-policy.ts'
import type { RecordedSession } from '../../src/model/generated/types.ts'
import type { RederiveReport } from '../../src/model/rederive-report.ts'
import { createStepper } from '../../src/policy/analyse/replay.ts'
import { type Bundle, writeBundle } from '../../src/policy/bundle/index.ts'
import { runCli } from '../shells/cli/run.ts'
import { RECORDED, REPOSITORY, succeed, temporaryFolder } from './support/host.ts'

// Every decision of the demo, and of recorded sessions that an engine judges under Rego and a learned baseline, is derived
// again from its receipt.

const AGENT = 'retail-tc'
const RULE = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: conduct/unlike-itself
    about: What is odder than 95 of 100 sessions.
    on: { agent: ${AGENT} }
    markov: { min_score: 0.95 }
    then: deny
`

async function rederive(folder: string, ...argv: string[]): Promise<RederiveReport> {
  const { json, stderr } = await runCli(['receipts', 'rederive', ...argv, '--format', 'json'], {
    cwd: folder,
  })
  expect(stderr).toBe('')
  return json as RederiveReport
}

test('every decision of the demo re-derives', async () => {
  const kept = join(temporaryFolder('kept'), 'demo')
  succeed('npm', ['run', 'demo', '--', '--keep', kept], { cwd: REPOSITORY })
  const report = await rederive(kept, '--data', 'data', '--bundle', 'policy.bundle')
  expect(report).toMatchObject({ status: 'rederived', differing: [], underived: [] })
  expect(report.counts).toMatchObject({ rederived: 8, differs: 0, cannot: 0 })
})

test('100,000 receipts re-derive while the heap stays as it is', () => {
  const child = join(REPOSITORY, 'test/integration/support/rederive-child.ts')
  const policy = join(REPOSITORY, 'examples/minimal')
  const argv = ['--expose-gc', child, policy, join(temporaryFolder('many'), 'data'), '100000']
  const printed = succeed(process.execPath, argv, { cwd: REPOSITORY })
  const { counts, heaps, perSecond } = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as {
    counts: RederiveReport['counts']
    heaps: readonly number[]
    perSecond: number
  }
  expect(counts).toEqual({ rederived: 100_000, differs: 0, cannot: 0, not_decisions: 1 })
  console.log(
    `${perSecond} receipts/s; heap ${heaps.map((one) => Math.round(one / 1e6)).join(', ')} MB`,
  )
  expect(heaps).toHaveLength(5)
  expect(Math.max(...heaps) - Math.min(...heaps)).toBeLessThan(8e6)
})

function rowsOf(file: string): readonly RecordedSession[] {
  const lines = readFileSync(join(RECORDED, file), 'utf8').trim().split('\n')
  const rows = lines.map((line) => JSON.parse(line) as RecordedSession)
  return rows
    .filter(({ steps }) => steps.length >= 2)
    .map(({ session, steps }) => ({ session, agent: AGENT, steps }))
}

describe('recorded sessions', () => {
  const shop = join(temporaryFolder('retail'), 'shop')
  const normal = rowsOf('tau_retail_benign.jsonl')
  let bundle: Bundle
  let judged = 0
  let held = 0

  beforeAll(async () => {
    cpSync(join(REPOSITORY, 'examples/retail-agent'), shop, { recursive: true })
    writeFileSync(join(shop, 'policies/guardrails/behaviour.yaml'), RULE)
    const first = normal.filter((_, i) => i % 2 === 0).map((row) => JSON.stringify(row))
    writeFileSync(join(shop, 'first.jsonl'), `${first.join('\n')}\n`)
    const git = (...argv: string[]) => succeed('git', argv, { cwd: shop })
    git('init', '-q', '-b', 'main')
    git('add', '.')
    git('-c', 'user.name=Ana', '-c', 'user.email=ana@example.com', 'commit', '-q', '-m', 'Start')
    const asked = ['baseline', 'propose', AGENT, '--trace', 'first.jsonl', '--rate', '0.05']
    expect(await runCli(asked, { cwd: shop })).toMatchObject({ code: 0 })
    git('merge', '-q', '--ff-only', `baselines/${AGENT}-1`)
    const file = join(shop, 'policies/baselines', `${AGENT}.yaml`)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('version: 1\n', 'version: 1\nmode: enforce\n'),
    )
    bundle = await compilePolicyFolder(shop)
    writeFileSync(join(shop, 'policy.bundle'), writeBundle(bundle))
    await judgeAll()
  })

  /** Judges the other half, and some attacks that were made from it, each step at its recorded time. */
  async function judgeAll(): Promise<void> {
    const { project } = bundle.policy
    let now = 0
    const parts = await openParts({
      ...{ bundle, store: join(shop, 'data'), clock: () => now },
      credential: { project, agents: ['*'], role: 'agent' },
    })
    try {
      const steps = createStepper(project, { carry: true })
      const attacks = rowsOf('tau_retail_attack.jsonl').filter((_, i) => i % 40 === 0)
      const sessions = [...normal.filter((_, i) => i % 2 === 1), ...attacks]
      for (const [i, session] of sessions.entries()) {
        for (const step of steps(session, { file: 'recorded', line: i + 1 })) {
          now = step.now
          const { verdict } = await judgeCall(parts, step.action)
          judged += 1
          if (verdict !== 'allow') held += 1
        }
      }
    } finally {
      await closeParts(parts)
    }
  }

  test('every decision re-derives, under Rego and a baseline', async () => {
    const report = await rederive(shop, '--data', 'data', '--bundles', '.')
    expect(report).toMatchObject({ status: 'rederived', differing: [], underived: [] })
    expect(report.counts).toEqual({ rederived: judged, differs: 0, cannot: 0, not_decisions: 1 })
    expect(held).toBeGreaterThan(20)
    console.log(`${judged} decisions, of which ${held} did not pass`)
  })

  test('one changed rule makes some differ, and says which finding', async () => {
    const text = RULE.replace('min_score: 0.95', 'min_score: 0.5')
    writeFileSync(join(shop, 'policies/guardrails/behaviour.yaml'), text)
    writeFileSync(join(shop, 'other.bundle'), writeBundle(await compilePolicyFolder(shop)))
    const report = await rederive(shop, '1..300', '--data', 'data', '--under', 'other.bundle')
    expect(report.counts).toMatchObject({ rederived: 0, differs: 300 })
    const pointers = report.differing.flatMap(({ changes }) => changes.map((one) => one.pointer))
    expect(pointers).toContain('/policyDigest/sha256')
    expect(pointers.some((pointer) => pointer.startsWith('/findings/'))).toBe(true)
  })
})
