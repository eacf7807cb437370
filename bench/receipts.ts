/**
 * `npm run bench:receipts`: how fast receipts are written and verified, as one JSON document on stdout. Appending takes
 * what the engine does for each receipt once it has decided: the row and its sealed inputs committed to SQLite, the tiles
 * and the signed checkpoint on disk. Its peer in the same run is the least that a durable append costs: the same bytes at
 * the end of one file, and one `fdatasync` a group.
 *
 * `--receipts N` (default 100000), `--group N` receipts a commit (default 512).
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { commitAction } from '../src/base/commitments.ts'
import { sha256Hex } from '../src/base/digest.ts'
import { publishLog, readLogFiles, readProof } from '../src/host/log-folder.ts'
import { openLogSigner } from '../src/host/log-key.ts'
import { seal } from '../src/host/seal.ts'
import { openSqliteStore } from '../src/host/store-sqlite.ts'
import type { Trust } from '../src/model/generated/types.ts'
import type { LogSigner, NewDecision, Store } from '../src/model/ports.ts'
import { decisionReceipt, genesisReceipt } from '../src/trust/receipt/index.ts'
import { verifyLog, verifyReceipt } from '../src/trust/verify/index.ts'
import { diskOf } from './durable.ts'
import { median, percentile } from './stats.ts'

const ORIGIN = 'bench.countersign.dev/receipts'
const POLICY = sha256Hex('policy')
const SAMPLES = 500
const MIB = 2 ** 20

const { values } = parseArgs({
  options: {
    receipts: { type: 'string', default: '100000' },
    group: { type: 'string', default: '512' },
  },
})
const [count, group] = [Number(values.receipts), Number(values.group)]

/** A verdict on an action of eight fields, and what it was made from, sealed. */
function decisionOf(index: number, key: Uint8Array): NewDecision {
  const id = `dec_${String(index).padStart(26, '0')}`
  const action = {
    ...{ project: 'bench', agent: 'clerk', session: `s-${index % 997}`, service: 'shop' },
    ...{ action: 'read_order', priority: 'low', phase: 'call' },
    payload: { order: index, text: 'thanks' },
    context: {},
  }
  const { root, committed } = commitAction(action, { seed: randomBytes(32) })
  const receipt = decisionReceipt({
    ...{ stage: 'verdict', id, decision: 'allow', policyDigest: { sha256: POLICY } },
    ...{ issuedAt: '2026-11-21T09:00:00.000Z', issuerId: ORIGIN, action: committed },
    ...{ findings: [], obligations: [], route: [] },
  })
  const inputs = Buffer.from(JSON.stringify({ action, state: {}, now: 1_795_000_000_000 }))
  return {
    ...{ id, at: 1_795_000_000_000 + index, agent: 'clerk', root, receipt },
    inputs: { subject: 'agent/clerk', ciphertext: seal(key, inputs, id) },
  }
}

type Appending = {
  readonly per_second: number
  /** Of heap and buffers after a collection, in MiB: after a tenth of the receipts, and after all. */
  readonly memory_mib: readonly [number, number]
}

/** Appends all receipts. Making them (deciding, committing, sealing) is not in the time. */
async function append(
  store: Store,
  place: { readonly folder: string; readonly signer: LogSigner },
): Promise<Appending> {
  const key = randomBytes(32)
  const genesis = genesisReceipt({
    ...{ origin: ORIGIN, verifierKey: place.signer.verifierKey, project: 'bench' },
    issuedAt: '2026-11-21T09:00:00.000Z',
  })
  const first = { ...decisionOf(0, key), id: 'genesis', receipt: genesis }
  await store.transact((tx) => tx.appendDecision(first))
  let spent = 0
  let tenth = 0
  for (let from = 1; from <= count; from += group) {
    const decisions = Array.from({ length: Math.min(group, count + 1 - from) }, (_, i) =>
      decisionOf(from + i, key),
    )
    const began = performance.now()
    await store.transact(async (tx) => {
      for (const decision of decisions) await tx.appendDecision(decision)
    })
    await publishLog({ ...place, store })
    spent += performance.now() - began
    if (tenth === 0 && from > count / 10) tenth = memoryMib()
  }
  return { per_second: Math.round((count / spent) * 1e3), memory_mib: [tenth, memoryMib()] }
}

function memoryMib(): number {
  globalThis.gc?.()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return Math.round(((heapUsed + external + arrayBuffers) / MIB) * 10) / 10
}

/** The same bytes, appended plainly. */
function appendPlainly(file: string): number {
  const decision = decisionOf(1, randomBytes(32))
  const one = Buffer.concat([decision.receipt, decision.inputs.ciphertext])
  const fd = openSync(file, 'a')
  const began = performance.now()
  for (let from = 0; from < count; from += group) {
    writeSync(fd, Buffer.concat(Array.from({ length: Math.min(group, count - from) }, () => one)))
    fdatasyncSync(fd)
  }
  const spent = performance.now() - began
  closeSync(fd)
  return Math.round((count / spent) * 1e3)
}

/** Milliseconds to verify single receipts, each with its proof, under a pinned key. */
async function verifyOne(store: Store, folder: string, trust: Trust): Promise<number[]> {
  const taken: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) {
    const index = 1 + Math.floor((sample * (count - 1)) / SAMPLES)
    const [entry] = await store.receipts(index, 1)
    if (entry === undefined) throw new Error(`receipt ${index} is missing`)
    const proof = readProof(folder, index)
    const began = performance.now()
    verifyReceipt(entry, proof, trust)
    taken.push(performance.now() - began)
  }
  return taken
}

const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
try {
  const folder = join(root, 'log')
  const signer = openLogSigner(join(root, 'log_key.pem'), ORIGIN)
  const store = openSqliteStore(join(root, 'store.sqlite'), randomBytes(32))
  const plainBefore = appendPlainly(join(root, 'plain-1'))
  const appending = await append(store, { folder, signer })
  const plainAfter = appendPlainly(join(root, 'plain-2'))
  const trust: Trust = {
    ...{ apiVersion: 'countersign/v1', kind: 'Trust' },
    logs: [{ origin: ORIGIN, keys: [signer.verifierKey] }],
  }
  const one = Float64Array.from(await verifyOne(store, folder, trust)).sort()
  await store.close()
  const began = performance.now()
  const report = verifyLog(readLogFiles(folder), { trust })
  const whole = performance.now() - began
  if (report.status !== 'verified') throw new Error(JSON.stringify(report.problems))
  const plain = median([plainBefore, plainAfter])
  process.stdout.write(
    `${JSON.stringify(
      {
        receipts: count,
        group,
        disk: diskOf(),
        append: {
          ...appending,
          plain_fdatasync_per_second: plain,
          share_of_plain: Math.round((appending.per_second / plain) * 1000) / 1000,
        },
        verify_one_ms: { p50: round(percentile(one, 0.5)), p99: round(percentile(one, 0.99)) },
        verify_log_ms: Math.round(whole),
        peak_rss_mib: Math.round(process.resourceUsage().maxRSS / 1024),
      },
      null,
      2,
    )}\n`,
  )
} finally {
  rmSync(root, { recursive: true, force: true })
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
