import { fork } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import {
  publishLog,
  readLogFiles,
  readNote,
  readProof,
  repairLog,
} from '../../src/host/log-folder.ts'
import { openLogSigner } from '../../src/host/log-key.ts'
import { parseCheckpoint } from '../../src/trust/receipt/checkpoint.ts'
import { growth, tilePath, tilesOf } from '../../src/trust/receipt/tiles.ts'
import { verifyLog } from '../../src/trust/verify/log.ts'
import { verifyReceipt } from '../../src/trust/verify/receipt.ts'
import { filesOf, genesis, logSigner, ORIGIN, trustOf, verdict } from '../trust/verify/log-case.ts'

const root = mkdtempSync(join(tmpdir(), 'countersign-log-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const signer = logSigner()
const entries = [genesis(), ...Array.from({ length: 799 }, (_, i) => verdict(`n${i}`))]
const trust = trustOf()

/** A store of the first `size` receipts. */
function storeOf(size: number, receipts: readonly Uint8Array[] = entries) {
  const held = receipts.slice(0, size)
  return {
    size: async () => held.length,
    receipts: async (from: number, limit: number) => held.slice(from, from + limit),
  }
}

let count = 0
function newPlace(size: number) {
  const folder = join(root, `case-${count++}`, 'log')
  mkdirSync(join(folder, '..'), { recursive: true })
  return { folder, store: storeOf(size), signer }
}

function expectExactly(folder: string, size: number): void {
  const files = readLogFiles(folder)
  expect([...files].sort()).toEqual([...filesOf(entries.slice(0, size))].sort())
}

test.for([
  [1],
  [1, 2, 3],
  [5, 256],
  [255, 256, 257],
  [256, 512],
  [1, 300, 301, 511, 512, 513, 800],
  [800],
])('publishing %j in turn leaves exactly the files of the last', async (sizes) => {
  const place = newPlace(0)
  for (const size of sizes) {
    const published = await publishLog({ ...place, store: storeOf(size) })
    expect(published.size).toBe(size)
    expect(published.note).toBe(readNote(place.folder))
    expectExactly(place.folder, size)
  }
  expect(verifyLog(readLogFiles(place.folder), { trust }).status).toBe('verified')
})

test('publishing again changes nothing', async () => {
  const place = newPlace(300)
  const first = await publishLog(place)
  const before = statSync(join(place.folder, 'checkpoint')).mtimeMs
  expect(await publishLog(place)).toEqual(first)
  expect(await repairLog(place)).toEqual({ removed: [], restored: [] })
  expect(statSync(join(place.folder, 'checkpoint')).mtimeMs).toBe(before)
  expectExactly(place.folder, 300)
})

test('an empty store publishes nothing', async () => {
  const place = newPlace(0)
  expect(await publishLog(place)).toEqual({ size: 0, note: null })
  expect(await repairLog(place)).toEqual({ removed: [], restored: [] })
  expect(existsSync(place.folder)).toBe(false)
})

test.for([
  { name: 'is behind the folder', store: storeOf(299) },
  {
    name: 'has another last receipt',
    store: storeOf(300, [...entries.slice(0, 299), verdict('z')]),
  },
  {
    name: 'went another way earlier',
    store: storeOf(400, [...entries.slice(0, 270), ...entries.slice(280)]),
  },
  { name: 'is empty', store: storeOf(0) },
])('a store that $name is refused as a fork, and the folder stays', async ({ store }) => {
  const place = newPlace(300)
  await publishLog(place)
  await expect(publishLog({ ...place, store })).rejects.toMatchObject({ code: 'LOG_FORKED' })
  expectExactly(place.folder, 300)
})

test('a store that differs within the last full tile is refused as a fork', async () => {
  const place = newPlace(512)
  await publishLog(place)
  const other = [...entries.slice(0, 400), verdict('z'), ...entries.slice(401)]
  await expect(publishLog({ ...place, store: storeOf(600, other) })).rejects.toMatchObject({
    code: 'LOG_FORKED',
  })
})

test('a folder signed by another key is refused', async () => {
  const place = newPlace(3)
  await publishLog(place)
  for (const other of [logSigner(9), logSigner(1, 'b.test')]) {
    await expect(publishLog({ ...place, signer: other })).rejects.toMatchObject({
      code: 'CHECKPOINT_UNTRUSTED',
    })
    await expect(repairLog({ ...place, signer: other })).rejects.toMatchObject({
      code: 'CHECKPOINT_UNTRUSTED',
    })
  }
})

test.for(['tile/0/001.p/44', 'tile/1/000.p/1'])(
  'a changed last tile %s is not built upon',
  async (path) => {
    const place = newPlace(300)
    await publishLog(place)
    const file = join(place.folder, path)
    const bytes = readFileSync(file)
    bytes[3]! ^= 1
    writeFileSync(file, bytes)
    await expect(publishLog({ ...place, store: storeOf(301) })).rejects.toMatchObject({
      code: 'LOG_CORRUPT',
    })
  },
)

test.for(['hello', ''])('a checkpoint of %j is refused', async (text) => {
  const place = newPlace(3)
  await publishLog(place)
  writeFileSync(join(place.folder, 'checkpoint'), text)
  await expect(publishLog(place)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
  await expect(repairLog(place)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
})

test('a crash before the checkpoint leaves a log that repair brings to the older one', async () => {
  const newer = newPlace(520)
  await publishLog(newer)
  for (const kept of [1, 2, 3, 4, 5, 6]) {
    const place = newPlace(520)
    await publishLog({ ...place, store: storeOf(250) })
    const written = growth(250, 520).written.map(tilePath).slice(0, kept)
    for (const path of written) cpSync(join(newer.folder, path), join(place.folder, path))
    mkdirSync(`${place.folder}.tmp`, { recursive: true })
    writeFileSync(join(`${place.folder}.tmp`, 'checkpoint'), 'half a')
    expect(verifyLog(readLogFiles(place.folder), { trust }).status).toBe('refused')
    expect((await repairLog(place)).removed).toEqual([...written].sort())
    expectExactly(place.folder, 250)
    expect(existsSync(`${place.folder}.tmp`)).toBe(false)
    await publishLog(place)
    expectExactly(place.folder, 520)
  }
})

test('a crash after the checkpoint leaves a log that repair brings to the newer one', async () => {
  const place = newPlace(520)
  const older = newPlace(250)
  await publishLog(older)
  await publishLog(place)
  for (const path of growth(250, 520).superseded.map(tilePath)) {
    cpSync(join(older.folder, path), join(place.folder, path))
  }
  expect(verifyLog(readLogFiles(place.folder), { trust }).problems).toHaveLength(2)
  expect((await repairLog(place)).removed).toEqual(['tile/0/000.p/250', 'tile/entries/000.p/250'])
  expectExactly(place.folder, 520)
})

test('tiles that are missing or cut short are written again', async () => {
  const place = newPlace(520)
  await publishLog(place)
  rmSync(join(place.folder, 'tile/0/001'))
  rmSync(join(place.folder, 'tile/1'), { recursive: true })
  truncateSync(join(place.folder, 'tile/entries/002.p/8'), 3)
  truncateSync(join(place.folder, 'tile/0/002.p/8'), 0)
  expect((await repairLog(place)).restored).toEqual([
    'tile/0/001',
    'tile/0/002.p/8',
    'tile/1/000.p/2',
    'tile/entries/002.p/8',
  ])
  expectExactly(place.folder, 520)
})

test('a store of other receipts restores nothing', async () => {
  const place = newPlace(520)
  await publishLog(place)
  rmSync(join(place.folder, 'tile/0/001'))
  const other = [...entries.slice(0, 400), verdict('z'), ...entries.slice(401)]
  await expect(repairLog({ ...place, store: storeOf(520, other) })).rejects.toMatchObject({
    code: 'LOG_FORKED',
  })
  expect(existsSync(join(place.folder, 'tile/0/001'))).toBe(false)
})

test('a file that is no part of a log is neither removed nor read past', async () => {
  const place = newPlace(3)
  await publishLog(place)
  appendFileSync(join(place.folder, 'notes.txt'), 'mine')
  await expect(repairLog(place)).rejects.toMatchObject({ code: 'LOG_CORRUPT', file: 'notes.txt' })
  expect(existsSync(join(place.folder, 'notes.txt'))).toBe(true)
  rmSync(join(place.folder, 'notes.txt'))
  symlinkSync('/etc/hostname', join(place.folder, 'link'))
  expect(() => readLogFiles(place.folder)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
  expect(() => readLogFiles(join(root, 'nowhere'))).toThrow(
    expect.objectContaining({ code: 'LOG_MISSING' }),
  )
})

test('the folder proves each of its receipts', async () => {
  const place = newPlace(520)
  await publishLog(place)
  for (const index of [0, 255, 256, 511, 512, 519]) {
    const proof = readProof(place.folder, index)
    expect(verifyReceipt(entries[index]!, proof, trust)).toMatchObject({
      index,
      size: 520,
      origin: ORIGIN,
    })
  }
  for (const index of [520, -1, 0.5, Number.NaN]) {
    expect(() => readProof(place.folder, index)).toThrow(
      expect.objectContaining({ code: 'RECEIPT_UNKNOWN' }),
    )
  }
  expect(() => readProof(join(root, 'nowhere'), 0)).toThrow(
    expect.objectContaining({ code: 'LOG_MISSING' }),
  )
})

test('a publisher killed at any moment leaves a log that holds before and after repair', async () => {
  const place = newPlace(800)
  let size = 0
  for (const delay of [4, 11, 19, 28]) {
    await killedAfter(delay, place.folder)
    const found = readNote(place.folder)
    if (found === null) continue
    expect(verifyLog(calledFor(place.folder, found), { trust }).status).toBe('verified')
    await repairLog(place)
    expect(verifyLog(readLogFiles(place.folder), { trust }).status).toBe('verified')
    expect(parseCheckpoint(found).size).toBeGreaterThanOrEqual(size)
    size = parseCheckpoint(found).size
  }
  expect(size).toBeGreaterThan(0)
})

async function killedAfter(delay: number, folder: string): Promise<void> {
  const child = fork(new URL('./log-publisher.ts', import.meta.url), [folder], { stdio: 'ignore' })
  const closed = new Promise((done) => child.once('exit', done))
  await new Promise((done) => child.once('message', done))
  await sleep(delay)
  child.kill('SIGKILL')
  await closed
}

/** The folder without what its checkpoint does not call for. */
function calledFor(folder: string, text: string): ReadonlyMap<string, Uint8Array> {
  const paths = new Set(['checkpoint', ...[...tilesOf(parseCheckpoint(text).size)].map(tilePath)])
  return new Map([...readLogFiles(folder)].filter(([path]) => paths.has(path)))
}

test('a log key is made once, private, and signs as the same key after', () => {
  const file = join(root, 'log_key.pem')
  const made = openLogSigner(file, ORIGIN)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  const again = openLogSigner(file, ORIGIN)
  expect(again.verifierKey).toBe(made.verifierKey)
  expect(again.sign(Uint8Array.of(1))).toEqual(made.sign(Uint8Array.of(1)))
  expect(made.sign(Uint8Array.of(1))).toHaveLength(64)
  chmodSync(file, 0o640)
  expect(() => openLogSigner(file, ORIGIN)).toThrow('chmod 600')
  writeFileSync(join(root, 'bad.pem'), 'hello', { mode: 0o600 })
  expect(() => openLogSigner(join(root, 'bad.pem'), ORIGIN)).toThrow('no private key')
  expect(() => openLogSigner(join(root, 'no', 'folder.pem'), ORIGIN)).toThrow('cannot be made')
})
