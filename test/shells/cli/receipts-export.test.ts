import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, temporaryFolder } from '../../app/support.ts'
import { runCli } from './run.ts'

// receipts export, and receipts verify of all that it takes, on the log of an engine.

const template = mkdtempSync(join(tmpdir(), 'countersign-export-cli-'))
afterAll(() => rmSync(template, { recursive: true, force: true }))
let cwd = ''

const run = (line: string, folder = cwd) => runCli(line.split(' '), { cwd: folder })

beforeAll(async () => {
  writeFileSync(join(template, 'shop.bundle'), writeBundle(await bundleOf()))
  const action = '{"agent":"clerk","service":"shop","action":"read_order","payload":{"id":"o-1"}}'
  for (let i = 0; i < 3; i++) {
    await runCli(['decide', action, '--bundle', 'shop.bundle'], { cwd: template })
  }
  const genesis = (await run('receipts show 0', template)).stdout
  const key = /"verifierKey": "([^"]+)"/.exec(genesis)?.[1] ?? ''
  const [origin = ''] = key.split('+')
  const trust = { apiVersion: 'countersign/v1', kind: 'Trust', logs: [{ origin, keys: [key] }] }
  writeFileSync(join(template, 'trust.json'), canonicalize(trust))
})

beforeEach(() => {
  cwd = temporaryFolder()
  cpSync(template, cwd, { recursive: true })
})

describe('receipts export', () => {
  test.for(['jsonl', 'csv', 'html'])('%s verifies, whatever the file is called', async (format) => {
    const made = await run(`receipts export --format ${format} --show payload.id --out e.txt`)
    expect(made).toMatchObject({ code: 0, stdout: '' })
    expect(made.stderr).toBe('e.txt: receipts 0 to 3 of 4; 4 written\n')
    const text = await run('receipts verify e.txt --trust trust.json')
    expect(text.stdout).toMatch(/^verified {2}\S+e\.txt {2}\S+ receipts 0 to 3 of 4\n/)
    expect(text.stdout).toContain('not proven:')
    expect(text.code).toBe(0)
    const { json } = await run('receipts verify e.txt --trust trust.json --format json')
    expect(json).toMatchObject({ status: 'verified', exports: [{ format, first: 0, last: 3 }] })
  })

  test.for(['ocsf', 'cef'])(
    '%s has an event for each decision, and nothing to verify',
    async (format) => {
      await run(`receipts export --format ${format} --out events`)
      const lines = readFileSync(join(cwd, 'events'), 'utf8').trimEnd().split('\n')
      expect(lines).toHaveLength(3)
      const ran = await run('receipts verify events --trust trust.json')
      expect(ran).toMatchObject({ code: 2 })
      expect(ran.stderr).toContain('events for a SIEM hold no proofs')
    },
  )

  test.for([
    { flags: '--from yesterday', code: 'USAGE_INVALID' },
    { flags: '--from 2026-02-30', code: 'USAGE_INVALID' },
    { flags: '--from 2026-11-01T09:00:00', code: 'USAGE_INVALID' },
    { flags: '--from 2026-11-01T25:00:00Z', code: 'USAGE_INVALID' },
    { flags: '--from 2026-11-02 --to 2026-11-01', code: 'USAGE_INVALID' },
    { flags: '--from 2026-11-01 --to 2026-11-01', code: 'USAGE_INVALID' },
    { flags: '--show payload..id', code: 'USAGE_INVALID' },
    { flags: '--show payload.id,payload.id', code: 'USAGE_INVALID' },
    { flags: '--format pdf', code: 'USAGE_INVALID' },
    { flags: '--to 2020-01-01', code: 'EXPORT_EMPTY' },
    { flags: '--agent nobody', code: 'EXPORT_EMPTY' },
    { flags: '--data none', code: 'STORE_FAILED' },
    { flags: '--bundles none', code: 'FILE_UNREADABLE' },
    { flags: '--out none/x', code: 'FILE_UNREADABLE' },
    { flags: '--out trust.json', code: 'FILE_EXISTS' },
  ])('$flags is $code', async ({ flags, code }) => {
    const ran = await run(`receipts export --format jsonl --out e.jsonl ${flags}`)
    expect(ran.code).toBe(code === 'STORE_FAILED' ? 3 : 2)
    expect(ran.stderr).toContain(code)
  })

  test('a time in another zone is the same moment, and --force replaces', async () => {
    const line =
      'receipts export --format jsonl --out e.jsonl --from 2020-01-01T01:00:00+01:00 --force'
    for (let i = 0; i < 2; i++) expect((await run(line)).code).toBe(0)
    expect(readFileSync(join(cwd, 'e.jsonl'), 'utf8')).toContain(
      '"from":"2020-01-01T00:00:00.000Z"',
    )
  })

  test('an edited export is refused with 1, and what stands beside it verifies', async () => {
    await run('receipts export --format csv --out a.csv')
    await run('receipts export --format jsonl --out b.jsonl')
    const text = readFileSync(join(cwd, 'a.csv'), 'utf8')
    writeFileSync(join(cwd, 'a.csv'), text.replace(',allow,', ',deny,'))
    const ran = await run('receipts verify a.csv b.jsonl --trust trust.json')
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(
      /refused {2}\S+a\.csv[\s\S]*a\.csv:3: EXPORT_INVALID: [\s\S]*column decision/,
    )
    expect(ran.stdout).toMatch(/verified {2}\S+b\.jsonl/)
  })

  test.for([
    { line: 'receipts verify b.jsonl', code: 'USAGE_INVALID' },
    { line: 'receipts verify b.jsonl --trust trust.json --since b.jsonl', code: 'USAGE_INVALID' },
    { line: 'receipts verify b.jsonl .countersign/log --trust trust.json', code: 'USAGE_INVALID' },
  ])('$line is $code', async ({ line, code }) => {
    await run('receipts export --format jsonl --out b.jsonl')
    const ran = await run(line)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(code)
  })
})

describe('a disclosed receipt', () => {
  test('shows its fields, and is refused when one is changed', async () => {
    await run('receipts disclose 1 --show payload.id --out d.json')
    const text = await run('receipts verify d.json --trust trust.json')
    expect(text.stdout).toMatch(/verified[\s\S]*shown:\n {2}\/payload\/id: "o-1"\nhidden:/)
    const { json } = await run('receipts verify d.json --trust trust.json --format json')
    expect(json).toMatchObject({
      receipts: [{ fields: [{ pointer: '/payload/id', value: 'o-1' }] }],
    })
    const file = join(cwd, 'd.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('/payload/id', '/payload/ix'))
    const ran = await run('receipts verify d.json --trust trust.json')
    expect(ran).toMatchObject({ code: 1 })
    expect(ran.stdout).toContain('COMMITMENT_INVALID')
  })
})

describe('a published log, by its address', () => {
  let server: Server
  let address = ''
  let answer: (path: string) => Buffer | number = () => 404

  beforeAll(async () => {
    server = createServer(({ url = '' }, response) => {
      const found = answer(url.slice(1))
      response.writeHead(typeof found === 'number' ? found : 200)
      response.end(typeof found === 'number' ? '' : found)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => void server.close())

  const fromFolder = (path: string): Buffer | number => {
    try {
      return readFileSync(join(cwd, '.countersign/log', path))
    } catch {
      return 404
    }
  }

  test('verifies as its folder does', async () => {
    answer = fromFolder
    const { code, json } = await run(`receipts verify ${address} --trust trust.json --format json`)
    expect(code).toBe(0)
    const folder = await run('receipts verify .countersign/log --trust trust.json --format json')
    expect(json).toEqual(folder.json)
    expect((await run(`receipts verify ${address}`)).stdout).toMatch(
      /^self-consistent; key not pinned/,
    )
  })

  test.for([
    { name: 'a missing tile', path: 'tile/0/000.p/4', as: 404, code: 'LOG_TRUNCATED', exit: 1 },
    {
      name: 'a replaced tile',
      path: 'tile/0/000.p/4',
      as: Buffer.alloc(128),
      code: 'LOG_CORRUPT',
      exit: 1,
    },
    { name: 'no checkpoint', path: 'checkpoint', as: 404, code: 'LOG_MISSING', exit: 1 },
    {
      name: 'a checkpoint that is none',
      path: 'checkpoint',
      as: Buffer.from('<html>'),
      code: 'CHECKPOINT_INVALID',
      exit: 1,
    },
    {
      name: 'more than a tile has',
      path: 'tile/0/000.p/4',
      as: Buffer.alloc(1e5),
      code: 'LOG_CORRUPT',
      exit: 1,
    },
    { name: 'a server that fails', path: 'checkpoint', as: 500, code: 'LOG_UNREACHABLE', exit: 3 },
    {
      name: 'a checkpoint that calls for more than anybody fetches',
      path: 'checkpoint',
      as: Buffer.from(
        'countersign.local/shop\n9007199254740991\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 a AAAAAAA=\n',
      ),
      code: 'EXPORT_TOO_LARGE',
      exit: 2,
    },
  ])('$name is $code', async ({ path, as, code, exit }) => {
    answer = (asked) => (asked === path ? as : fromFolder(asked))
    const ran = await run(`receipts verify ${address} --trust trust.json`)
    expect(`${ran.stdout}${ran.stderr}`).toContain(code)
    expect(ran.code).toBe(exit)
  })

  test('a tile that is not there is asked for once', async () => {
    let count = 0
    answer = (asked) => {
      if (asked !== 'tile/0/000.p/4') return fromFolder(asked)
      count += 1
      return 404
    }
    expect((await run(`receipts verify ${address} --trust trust.json`)).code).toBe(1)
    expect(count).toBe(1)
  })

  test.for([
    { name: 'a shorter log, while the first look lacked a tile', isShorter: true, exit: 1 },
    { name: 'a longer one', isShorter: false, exit: 0 },
  ])('$name', async ({ isShorter, exit }) => {
    const log = join(cwd, '.countersign/log')
    const [before, after] = [temporaryFolder(), temporaryFolder()]
    cpSync(log, before, { recursive: true })
    const action = '{"agent":"clerk","service":"shop","action":"read_order","payload":{"id":"2"}}'
    await runCli(['decide', action, '--bundle', 'shop.bundle'], { cwd })
    cpSync(log, after, { recursive: true })
    const [first, later] = isShorter ? [after, before] : [before, after]
    let looks = 0
    answer = (asked) => {
      if (asked === 'checkpoint') looks += 1
      if (looks === 1 && asked.startsWith('tile/0/')) return 404
      try {
        return readFileSync(join(looks === 1 ? first : later, asked))
      } catch {
        return 404
      }
    }
    const ran = await run(`receipts verify ${address} --trust trust.json`)
    expect(ran.code).toBe(exit)
    expect(ran.stdout).toContain(isShorter ? 'LOG_ROLLED_BACK' : 'give --since')
  })
})
