import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, temporaryFolder } from '../../app/support.ts'
import { witnessOf } from '../../trust/verify/witness-case.ts'
import { runCli } from './run.ts'

// receipts prove and verify FILE, log publish, cosign and monitor, on the log of an engine.

const ann = witnessOf(11)
const template = mkdtempSync(join(tmpdir(), 'countersign-log-cli-'))
afterAll(() => rmSync(template, { recursive: true, force: true }))
let cwd = ''

const run = (line: string, folder = cwd) => runCli(line.split(' '), { cwd: folder })

beforeAll(async () => {
  writeFileSync(join(template, 'shop.bundle'), writeBundle(await bundleOf()))
  const action = '{"agent":"clerk","service":"shop","action":"read_order"}'
  for (let i = 0; i < 2; i++) {
    await runCli(['decide', action, '--bundle', 'shop.bundle'], { cwd: template })
  }
  const genesis = (await run('receipts show 0', template)).stdout
  const key = /"verifierKey": "([^"]+)"/.exec(genesis)?.[1] ?? ''
  const [origin = ''] = key.split('+')
  const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs: [{ origin, keys: [key] }] }
  writeFileSync(join(template, 'trust.json'), canonicalize(trust))
  const witnesses = { keys: [ann.verifierKey], need: 1 }
  writeFileSync(join(template, 'witnessed.json'), canonicalize({ ...trust, witnesses }))
  const { logs: _, ...logless } = trust
  writeFileSync(join(template, 'logless.json'), canonicalize(logless))
})

beforeEach(() => {
  cwd = temporaryFolder()
  cpSync(template, cwd, { recursive: true })
})

test.for([
  'receipts verify .countersign/log',
  'log verify site',
  'log monitor --url site --state seen --once',
])('%s with a trust file that names no log -> CHECKPOINT_UNTRUSTED', async (line) => {
  await run('log publish --to site')
  const ran = await run(`${line} --trust logless.json --format json`)
  expect(ran.code).not.toBe(0)
  expect(JSON.stringify(ran.json)).toContain('CHECKPOINT_UNTRUSTED')
})

describe('receipts prove and verify', () => {
  test('a receipt with its proof verifies anywhere, by either name', async () => {
    expect((await run('receipts prove 1 --out r.json')).stderr).toContain('r.json.tlog-proof')
    const printed = await run('receipts prove 1')
    expect(printed.stdout).toBe(readFileSync(join(cwd, 'r.json.tlog-proof'), 'utf8'))
    for (const files of ['r.json', 'r.json.tlog-proof', 'r.json r.json.tlog-proof']) {
      const ran = await run(`receipts verify ${files} --trust trust.json --format json`)
      expect(ran.code).toBe(0)
      expect(ran.json).toMatchObject({ status: 'verified', receipts: [{ index: 1, size: 3 }] })
    }
    const text = await run('receipts verify r.json --trust trust.json')
    expect(text.stdout).toContain('not proven:')
  })

  test.for([
    { name: 'with a byte changed', file: 'r.json', code: 'PROOF_INVALID' },
    { name: 'with a proof that is changed', file: 'r.json.tlog-proof', code: 'PROOF_INVALID' },
    { name: 'without its proof', file: 'r.json.tlog-proof', gone: true, code: 'FILE_UNREADABLE' },
    { name: 'without a witness', trust: 'witnessed.json', code: 'CHECKPOINT_UNWITNESSED' },
    { name: 'of no trusted log', trust: 'logless.json', code: 'CHECKPOINT_UNTRUSTED' },
  ])('one $name is refused with $code, the others verify', async (broken) => {
    await run('receipts prove 1 --out r.json')
    await run('receipts prove 2 --out s.json')
    const { file, gone, trust = 'trust.json', code } = broken
    if (file !== undefined) {
      const bytes = readFileSync(join(cwd, file))
      bytes[45]! ^= 1
      if (gone === true) rmSync(join(cwd, file))
      else writeFileSync(join(cwd, file), bytes)
    }
    const ran = await run(`receipts verify r.json s.json --trust ${trust} --format json`)
    expect(ran.code).toBe(1)
    const other = trust === 'trust.json' ? { status: 'verified' } : { status: 'refused' }
    expect(ran.json).toMatchObject({
      status: 'refused',
      receipts: [{ status: 'refused', problems: [{ code }] }, other],
    })
  })

  test.for([
    { line: 'receipts verify r.json', code: 'USAGE_INVALID' },
    { line: 'receipts verify r.json --trust trust.json --since r.json', code: 'USAGE_INVALID' },
    { line: 'receipts verify r.json .countersign/log --trust trust.json', code: 'USAGE_INVALID' },
    { line: 'receipts verify r.json --trust r.json', code: 'TRUST_INVALID' },
    { line: 'receipts prove 9', code: 'RECEIPT_UNKNOWN' },
    { line: 'receipts prove 1 --out none/r.json', code: 'FILE_UNREADABLE' },
  ])('$line is $code', async ({ line, code }) => {
    await run('receipts prove 1 --out r.json')
    const ran = await run(line)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(code)
  })
})

describe('log publish, cosign and monitor', () => {
  const monitor = 'log monitor --url site --trust witnessed.json --state seen --once'

  test('a published, cosigned log is followed; the state serves --since', async () => {
    expect((await run('log publish --to site')).stdout).toContain('3 receipts, published')
    const waiting = await run(`${monitor} --format json`)
    expect(waiting.code).toBe(1)
    expect(waiting.json).toMatchObject({ problems: [{ code: 'CHECKPOINT_UNWITNESSED' }] })

    writeFileSync(join(cwd, 'sig'), ann.line(readFileSync(join(cwd, 'site/checkpoint'), 'utf8')))
    const cosigned = await run('log cosign site --add sig --trust witnessed.json')
    expect(cosigned.stdout).toContain('seen by witness11.example at 2026-11-21T10:00:00.000Z')
    const good = await run(monitor)
    expect(good.code).toBe(0)
    expect(good.stdout).toContain('seen by witness11.example')
    const since = await run('log verify site --trust witnessed.json --since seen --format json')
    expect(since.json).toMatchObject({ status: 'verified', witnesses: [{ witness: ann.name }] })
  })

  test('a rolled-back log is an alarm with the evidence, and the state stays', async () => {
    await run('log publish --to site')
    cpSync(join(cwd, 'site'), join(cwd, 'old'), { recursive: true })
    const action = '{"agent":"clerk","service":"shop","action":"read_order"}'
    await runCli(['decide', action, '--bundle', 'shop.bundle'], { cwd })
    await run('log publish --to site')
    const line = monitor.replace('witnessed.json', 'trust.json')
    expect((await run(line)).code).toBe(0)
    const seen = readFileSync(join(cwd, 'seen'), 'utf8')
    for (const extra of ['', ' --all']) {
      const alarm = await run(`${line.replace('site', 'old')}${extra}`)
      expect(alarm.code).toBe(1)
      expect(alarm.stdout).toContain('LOG_ROLLED_BACK')
      expect(alarm.stdout).toContain('keep as evidence')
    }
    expect(readFileSync(join(cwd, 'seen'), 'utf8')).toBe(seen)
    // Without --once an alarm ends it too.
    expect((await run(line.replace('site', 'old').replace(' --once', ''))).code).toBe(1)
    const back = await run('log publish --to site --data old-data')
    expect(back.code).toBe(2)
  })

  test.for([
    { line: `${monitor} --every 10ms`, code: 2, says: 'USAGE_INVALID' },
    { line: monitor.replace('site', 'http://127.0.0.1:1/'), code: 3, says: 'LOG_UNREACHABLE' },
    { line: monitor.replace('witnessed.json', 'none'), code: 2, says: 'FILE_UNREADABLE' },
  ])('$line ends with $code', async ({ line, code, says }) => {
    const ran = await run(line)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toContain(says)
  })
})
