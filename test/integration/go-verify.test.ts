import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addCosignatures, publishLogTo } from '../../src/app/receipts/publish-log.ts'
import { publishLog, readLogFiles, readProof } from '../../src/host/log-folder.ts'
import { openLogSigner } from '../../src/host/log-key.ts'
import type { LogSigner } from '../../src/model/ports.ts'
import { parseTrust, verifyLog } from '../../src/trust/verify/index.ts'
import { genesis, hold, ORIGIN, resolution, verdict } from '../trust/verify/log-case.ts'

const SIZE = 600
const OLDER = 300
const tools = process.env['COUNTERSIGN_TOOLS'] ?? join(homedir(), '.cache', 'countersign-tools')
const program = join(tools, 'go-verify')
const root = mkdtempSync(join(tmpdir(), 'countersign-go-'))
const folder = join(root, 'log')
const proofs = join(root, 'proofs')
const older = join(root, 'older')
let signer: LogSigner

beforeAll(async () => {
  mkdirSync(tools, { recursive: true })
  const source = new URL('./go-verify/', import.meta.url).pathname
  // The Go build cache makes this a second when nothing changed.
  execFileSync('go', ['build', '-trimpath', '-buildvcs=false', '-o', program, '.'], {
    cwd: source,
    stdio: 'inherit',
  })
  signer = openLogSigner(join(root, 'log_key.pem'), ORIGIN)
  const entries = [
    genesis(signer),
    hold('b'),
    resolution('b', 1),
    ...Array.from({ length: SIZE - 3 }, (_, i) => verdict(`n${i}`)),
  ]
  for (const size of [1, 255, OLDER, SIZE]) {
    const held = entries.slice(0, size)
    const store = {
      size: async () => held.length,
      receipts: async (from: number, limit: number) => held.slice(from, from + limit),
    }
    await publishLog({ folder, store, signer })
    if (size === OLDER) writeFileSync(older, readFileSync(join(folder, 'checkpoint')))
  }
  mkdirSync(proofs)
  for (const index of [0, 1, 2, 255, 256, 511, SIZE - 1]) {
    writeFileSync(join(proofs, `${index}.tlog-proof`), readProof(folder, index))
    writeFileSync(join(proofs, `${index}.entry`), entries[index]!)
  }
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

function run(key = signer.verifierKey) {
  return spawnSync(program, [folder, key, proofs, older], { encoding: 'utf8' })
}

/** Changes a byte of a file, runs, and puts it back. */
function runChanged(file: string, at: number) {
  const bytes = readFileSync(file)
  const copy = Uint8Array.from(bytes)
  copy[at]! ^= 1
  writeFileSync(file, copy)
  const result = run()
  writeFileSync(file, bytes)
  return result
}

test("the Go ecosystem's own libraries verify a log of 600 receipts, its tiles, proofs and growth", () => {
  const { status, stdout, stderr } = run()
  expect(stderr).toBe('')
  expect(stdout).toBe(`size ${SIZE} ok\n`)
  expect(status).toBe(0)
})

test.for([
  'checkpoint',
  'tile/0/000',
  'tile/1/000.p/2',
  'tile/entries/001',
  'tile/entries/002.p/88',
])('they refuse it with a byte of %s changed', (path) => {
  expect(runChanged(join(folder, path), 40).status).toBe(1)
})

test('they refuse another key, a changed proof and a changed receipt', () => {
  const other = openLogSigner(join(root, 'other.pem'), ORIGIN)
  expect(run(other.verifierKey).status).toBe(1)
  expect(runChanged(join(proofs, '511.tlog-proof'), 40).status).toBe(1)
  expect(runChanged(join(proofs, '511.entry'), 40).status).toBe(1)
  expect(run().status).toBe(0)
})

describe('witnesses', () => {
  const published = join(root, 'site', 'log')
  const checkpoint = join(published, 'checkpoint')
  const trustFile = join(root, 'trust.json')
  let witnessKey = ''
  let line = ''

  beforeAll(async () => {
    await publishLogTo(folder, published)
    const made = spawnSync(program, ['cosign', 'witness.example', checkpoint], { encoding: 'utf8' })
    expect(made.stderr).toBe('')
    ;[witnessKey = '', line = ''] = made.stdout.split('\n')
    const witnesses = { keys: [witnessKey], need: 1 }
    const logs = [{ origin: ORIGIN, keys: [signer.verifierKey] }]
    const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs, witnesses }
    writeFileSync(trustFile, JSON.stringify(trust))
  })

  test("a Go witness's cosignature is taken, and Go finds both signatures and the time in the result", async () => {
    const add = join(root, 'cosignature')
    writeFileSync(add, `${line}\n`)
    const [seen] = await addCosignatures(published, { add, trust: trustFile })
    const { stdout, stderr } = witnessed()
    expect(stderr).toBe('')
    expect(stdout).toBe(`${seen?.at}\n`)
    const trust = parseTrust(readFileSync(trustFile, 'utf8'))
    const report = verifyLog(readLogFiles(published), { trust })
    expect(report).toMatchObject({
      status: 'verified',
      witnesses: [{ witness: 'witness.example' }],
    })
  })

  test('both refuse it with a bit of the time or of the signature changed', () => {
    const good = readFileSync(checkpoint, 'utf8')
    const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64')
    for (const at of [0, 11, 12, 75]) {
      const copy = Buffer.from(bytes)
      copy[at]! ^= 1
      writeFileSync(checkpoint, good.replace(bytes.toString('base64'), copy.toString('base64')))
      expect(witnessed().status, `byte ${at}`).toBe(1)
      const trust = parseTrust(readFileSync(trustFile, 'utf8'))
      expect(verifyLog(readLogFiles(published), { trust }).status).toBe('refused')
    }
    writeFileSync(checkpoint, good)
    expect(witnessed().status).toBe(0)
  })

  function witnessed() {
    const argv = ['witnessed', signer.verifierKey, witnessKey, checkpoint]
    return spawnSync(program, argv, { encoding: 'utf8' })
  }
})
