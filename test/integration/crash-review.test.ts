import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { closeParts, openParts } from '../../src/app/engine/open-engine.ts'
import { settleRequest } from '../../src/app/engine/resolve.ts'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { sha256 } from '../../src/base/digest.ts'
import { writeSshKey } from '../../src/host/ssh-key.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { writeBundle } from '../../src/policy/bundle/index.ts'
import { bundleOf, CREDENTIAL, KEYS, temporaryFolder } from '../app/support.ts'
import { removeLocks } from '../crash/locks.ts'
import type { Resolved, ReviewOrders } from '../crash/workload.ts'
import { succeed } from './support/host.ts'

const KILLS = 12
const REQUESTS = 8
const SEED = 12
const program = join(import.meta.dirname, '..', 'crash', 'reviewer-child.ts')

/** Runs the child and kills it some time after so many requests have ended. Null: lets it end. */
function runAndKill(orders: ReviewOrders, when: { ended: number; ms: number } | null) {
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own: a power cut takes the git processes too.
  })
  const lines: Resolved[] = []
  let complaints = ''
  const strike = async () => {
    if (when === null || lines.length !== when.ended) return
    await sleep(when.ms)
    if (child.pid === undefined || child.exitCode !== null) return
    process.kill(orders.run % 2 === 0 ? child.pid : -child.pid, 'SIGKILL')
  }
  void strike()
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Resolved)
    void strike()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  return new Promise<{ lines: readonly Resolved[]; killed: boolean }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve({ lines, killed: signal === 'SIGKILL' })
      else reject(new Error(`the engine ended with ${code ?? signal}: ${complaints}`))
    })
  })
}

test('12 kills while people review: no request ends twice, none is lost, the forge is whole', async () => {
  const folder = temporaryFolder()
  const compiled = await bundleOf()
  const orders = {
    store: join(folder, 'data'),
    bundle: join(folder, 'policy.bundle'),
    key: join(folder, 'key'),
    requests: REQUESTS,
  }
  writeFileSync(orders.bundle, writeBundle(compiled))
  await writeSshKey(orders.key, KEYS.ana)
  const told = new Map<string, Resolved>()
  let killed = 0
  let settled = 0
  let locks = 0
  for (let run = 0; run <= KILLS; run++) {
    const draw = Buffer.from(sha256(Buffer.from(`${SEED}/${run}`)))
    const when = { ended: draw[0]! % (REQUESTS - 4), ms: 1 + draw[1]! }
    const life = await runAndKill({ ...orders, run }, run === KILLS ? null : when)
    if (life.killed) killed += 1
    if (run % 2 === 1) locks += removeLocks(join(orders.store, 'forge.git'))
    for (const line of life.lines) {
      expect(told.has(line.request), `${line.request} was told its end twice`).toBe(false)
      told.set(line.request, line)
    }
    settled += await check(orders.store, compiled, told, run % 3 === 0)
  }
  console.log(JSON.stringify({ killed, told: told.size, settled, locks }))
  expect(killed).toBeGreaterThanOrEqual(KILLS - 2) // A quick machine is done before a late kill.
  expect(told.size).toBeGreaterThan(KILLS)
})

/**
 * Opens the store after a kill and compares log, store and forge.
 *
 * @param settle - also looks at the requests that wait, as an agent would that asks again
 * @returns how many of these had their review, though the kill came before its count
 */
async function check(
  store: string,
  bundle: Bundle,
  told: ReadonlyMap<string, Resolved>,
  settle: boolean,
): Promise<number> {
  const parts = await openParts({ bundle, store, credential: CREDENTIAL })
  let settled = 0
  try {
    for (const { request } of await parts.store.requests({ state: 'waiting' })) {
      if (settle && (await settleRequest(parts, request.id)).resolution !== null) settled += 1
    }
    const report = verifyLogFolder(join(store, 'log'))
    expect(report.problems).toEqual([])
    const all = await parts.store.requests({ state: 'all' })
    const resolved = all.filter(({ resolution }) => resolution !== null)
    const { APPROVED = 0, APPROVED_WITH_MODIFICATIONS = 0, REJECTED = 0, hold } = report.receipts
    expect(hold).toBe(all.length)
    expect(APPROVED + APPROVED_WITH_MODIFICATIONS + REJECTED).toBe(resolved.length)
    const states = { APPROVED: 'merged', APPROVED_WITH_MODIFICATIONS: 'merged' } as const
    for (const { request, resolution, pull, published } of all) {
      const line = told.get(request.id)
      if (line !== undefined) {
        expect(resolution).toMatchObject({ decision: line.ended, receiptIndex: line.index })
      }
      // Opening has told the forge what a kill kept from it.
      expect(published).toBe(resolution !== null)
      const ended = resolution?.decision as keyof typeof states | undefined
      const want = ended === undefined ? 'open' : (states[ended] ?? 'closed')
      expect((await parts.forge.pull(Number(pull))).state).toBe(want)
    }
    succeed('git', ['fsck', '--strict', '--full'], { cwd: join(store, 'forge.git') })
    return settled
  } finally {
    await closeParts(parts)
  }
}
