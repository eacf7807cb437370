// One process of the engine on a small file system of its own, which fills up or turns read-only under it. It runs in a
// mount namespace (see test/integration/disk.test.ts), so that nothing outside sees the mount. Prints one JSON document.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../../src/app/engine/engine.ts'
import { open, openStoreForReading } from '../../src/app/engine/open-engine.ts'
import { PolicyError } from '../../src/base/errors.ts'
import { readLogFiles } from '../../src/host/log-folder.ts'
import { encodeLeafHash } from '../../src/trust/receipt/index.ts'
import { verifyLog } from '../../src/trust/verify/index.ts'
import type { DiskOrders, DiskReport } from './disk.ts'

const orders = JSON.parse(process.argv[2] ?? '') as DiskOrders
const disk = orders.folder
const data = join(disk, 'data')
const ballast = join(disk, 'ballast')

mkdirSync(disk, { recursive: true })
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk])
const report: DiskReport = {
  acknowledged: 0,
  after: 0,
  codes: [],
  allowedWhileBroken: 0,
  lost: [],
  lying: '',
  end: '',
  listed: 0,
}
const heard = new Map<number, string>()
let calls = 0

async function decide(engine: Engine): Promise<void> {
  const asked = Array.from({ length: 16 }, () =>
    engine.decide({
      ...{ agent: 'clerk', service: 'shop', action: 'read_order', session: `call-${calls++}` },
      payload: { text: 'x'.repeat(500) },
    }),
  )
  for (const ended of await Promise.allSettled(asked)) {
    if (ended.status === 'fulfilled') {
      const { index, leaf_hash: leaf } = ended.value.receipt
      heard.set(index, leaf)
    } else if (ended.reason instanceof PolicyError) report.codes.push(ended.reason.code)
    else report.codes.push(`no code: ${String(ended.reason)}`)
  }
}

/** Fills the disk under a running engine, lets calls fail on it, and makes room again. */
async function decideOnFull(engine: Engine): Promise<void> {
  writeFileSync(ballast, Buffer.alloc(13 * 2 ** 20))
  // It fails late: what is left is used up first.
  for (let round = 0; round < 2_000 && report.codes.length < 64; round++) await decide(engine)
  const before = heard.size
  for (let round = 0; round < 4; round++) await decide(engine)
  report.allowedWhileBroken = heard.size - before
  check('lying')
  rmSync(ballast)
}

/** Opens the engine on a disk that takes no writes. The kernel makes one so only while nobody writes. */
async function openOnReadOnly(): Promise<void> {
  execFileSync('mount', ['-o', 'remount,ro', disk])
  for (let tries = 0; tries < 4; tries++) {
    try {
      const opened = await open(options)
      await decide(opened)
      report.allowedWhileBroken += 1
    } catch (error) {
      report.codes.push(error instanceof PolicyError ? error.code : `no code: ${String(error)}`)
    }
  }
  check('lying')
  const store = openStoreForReading(data)
  report.listed = await store.size()
  await store.close()
  execFileSync('mount', ['-o', 'remount,rw', disk])
}

/** Whether the log as it lies verifies and has everything that was acknowledged. */
function check(when: 'lying' | 'end'): void {
  const files = readLogFiles(join(data, 'log'))
  const { status, problems } = verifyLog(files, {})
  report[when] = problems.length === 0 ? status : JSON.stringify(problems)
  const leaves = new Map<number, string>()
  let index = 0
  for (const entry of entriesOf(files)) leaves.set(index++, encodeLeafHash(entry))
  for (const [at, leaf] of heard) if (leaves.get(at) !== leaf) report.lost.push(at)
}

function* entriesOf(files: ReadonlyMap<string, Uint8Array>): Generator<Uint8Array> {
  const bundles = [...files].filter(([path]) => path.startsWith('tile/entries/')).sort()
  for (const [, bytes] of bundles) {
    for (let at = 0; at < bytes.length; ) {
      const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
      yield bytes.subarray(at + 2, at + 2 + length)
      at += 2 + length
    }
  }
}

const options = {
  bundle: orders.bundle,
  store: data,
  credential: { project: 'shop', agents: ['clerk'], role: 'agent' as const },
}
let engine = await open(options)
for (let round = 0; round < 8; round++) await decide(engine)
report.acknowledged = heard.size
if (orders.how === 'full') {
  await decideOnFull(engine)
  const failures = report.codes.length
  // The same engine goes on.
  for (let round = 0; round < 4; round++) await decide(engine)
  report.after = report.codes.length - failures
}
await engine.close()
if (orders.how === 'read-only') await openOnReadOnly()
const failures = report.codes.length
engine = await open(options)
for (let round = 0; round < 4; round++) await decide(engine)
await engine.close()
report.after += report.codes.length - failures
check('end')
process.stdout.write(JSON.stringify({ ...report, heard: heard.size }))
