import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { lookAtLog } from '../../../src/app/receipts/follow-log.ts'
import { utf8 } from '../../../src/base/digest.ts'
import type { LogReader } from '../../../src/host/log-reader.ts'
import { openLogReader } from '../../../src/host/log-reader.ts'
import { decodeBundle, encodeBundle } from '../../../src/trust/receipt/tiles.ts'
import {
  filesOf,
  genesis,
  logSigner,
  note,
  ORIGIN,
  trustOf,
  verdict,
} from '../../trust/verify/log-case.ts'
import { witnessOf } from '../../trust/verify/witness-case.ts'

const trust = trustOf()
/** 700 receipts: two full bundles and a partial one, three levels of hashes short of one. */
const entries = [genesis(), ...Array.from({ length: 699 }, (_, i) => verdict(`n${i}`))]
const files = filesOf(entries)
const EARLIER = 300
const seen = note(entries.slice(0, EARLIER))

type Files = ReadonlyMap<string, Uint8Array>

function readerOf(published: Files): LogReader & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    read: async (path) => {
      asked.push(path)
      return published.get(path) ?? null
    },
  }
}

async function look(published: Files, last: string | null = seen, all = false) {
  return lookAtLog(readerOf(published), { trust, seen: last, all })
}

function changed(path: string, change: (bytes: Uint8Array) => Uint8Array | null): Files {
  const copy = new Map(files)
  const bytes = change(files.get(path)!.slice())
  if (bytes === null) copy.delete(path)
  else copy.set(path, bytes)
  return copy
}

function flipped(path: string, at: number): Files {
  return changed(path, (bytes) => {
    bytes[at]! ^= 1
    return bytes
  })
}

/** Two entries of a bundle in each other's place. */
function swapped(path: string, width: number): Files {
  return changed(path, (bytes) => {
    const bundle = decodeBundle(bytes, width)
    const [a, b] = [bundle[3]!, bundle[7]!]
    return encodeBundle(bundle.with(3, b).with(7, a))
  })
}

/** The whole log anew, by its own key, with these entries. */
function resigned(change: (copy: Uint8Array[]) => Uint8Array[]): Files {
  return filesOf(change([...entries]))
}

describe('a log that only grew', () => {
  test.for([
    { name: 'at the first look', last: null, before: null },
    { name: 'after a look at 1', last: note(entries.slice(0, 1)), before: 1 },
    { name: 'after a look at 256', last: note(entries.slice(0, 256)), before: 256 },
    { name: 'after a look at 300', last: seen, before: 300 },
    { name: 'after a look at as much', last: note(entries), before: 700 },
  ])('is consistent $name', async ({ last, before }) => {
    const { report, note: kept } = await look(files, last)
    expect(report).toMatchObject({ status: 'consistent', origin: ORIGIN, size: 700, before })
    expect(kept).toBe(note(entries))
  })

  test('is read from where the last look ended', async () => {
    const reader = readerOf(files)
    await lookAtLog(reader, { trust, seen, all: false })
    expect(reader.asked).not.toContain('tile/entries/000')
    expect(reader.asked).toContain('tile/entries/001')
    await lookAtLog(reader, { trust, seen, all: true })
    expect(reader.asked).toContain('tile/entries/000')
  })

  test('is consistent though it is published while it is read', async () => {
    const now = { files: filesOf(entries.slice(0, 600)) as Files }
    const reader: LogReader = {
      read: async (path) => {
        const bytes = now.files.get(path) ?? null
        if (path === 'checkpoint') now.files = files
        return bytes
      },
    }
    const { report } = await lookAtLog(reader, { trust, seen, all: false })
    expect(report).toMatchObject({ status: 'consistent', size: 700 })
  })

  test('of 66,000 receipts, three levels high, is consistent', async () => {
    const many = Array.from({ length: 66_000 }, (_, i) => utf8(`receipt ${i}`))
    const { report } = await look(filesOf(many), note(many.slice(0, 65_700)))
    expect(report).toMatchObject({ status: 'consistent', size: 66_000 })
  })
})

const edge = 'tile/entries/002.p/188'
describe('an attack is found and named', () => {
  test.for([
    {
      name: 'a fork: as many receipts, another root',
      published: filesOf([...entries.slice(0, -1), verdict('x')]),
      last: note(entries),
      found: ['LOG_FORKED checkpoint'],
    },
    {
      name: 'a rewrite: an earlier receipt is another, all signed again',
      published: resigned((copy) => copy.with(5, verdict('x'))),
      found: ['LOG_REWRITTEN checkpoint'],
    },
    {
      name: 'two earlier leaves reordered, all signed again',
      published: resigned((copy) => copy.with(5, copy[6]!).with(6, copy[5]!)),
      found: ['LOG_REWRITTEN checkpoint'],
    },
    {
      name: 'an earlier receipt left out, all signed again',
      published: resigned((copy) => copy.toSpliced(5, 1)),
      found: ['LOG_REWRITTEN checkpoint'],
    },
    {
      name: 'a rolled-back checkpoint',
      published: filesOf(entries.slice(0, 200)),
      found: ['LOG_ROLLED_BACK checkpoint'],
    },
    {
      name: 'a rolled-back checkpoint over the newer tiles',
      published: changed('checkpoint', () => utf8(note(entries.slice(0, 299)))),
      found: ['LOG_ROLLED_BACK checkpoint'],
    },
    {
      name: 'no checkpoint',
      published: changed('checkpoint', () => null),
      found: ['LOG_MISSING checkpoint'],
    },
    ...[edge, 'tile/entries/001', 'tile/0/001', 'tile/0/002.p/188', 'tile/1/000.p/2'].map(
      (path) => ({
        name: `a truncated log: ${path} is missing`,
        published: changed(path, () => null),
        found: [`LOG_TRUNCATED ${path}`],
      }),
    ),
    {
      name: 'a leaf reordered',
      published: swapped('tile/entries/001', 256),
      found: ['LOG_REORDERED tile/entries/001'],
    },
    {
      name: 'a leaf reordered at the end',
      published: swapped(edge, 188),
      found: [`LOG_REORDERED ${edge}`],
    },
    {
      name: 'an entry altered',
      published: flipped('tile/entries/001', 90),
      found: ['LOG_CORRUPT tile/entries/001'],
    },
    {
      name: 'a bundle cut short',
      published: changed(edge, (bytes) => bytes.slice(0, -1)),
      found: [`LOG_CORRUPT ${edge}`],
    },
    {
      name: 'a replaced tile',
      published: flipped('tile/0/001', 40),
      found: ['LOG_CORRUPT tile/0/001'],
    },
    {
      name: 'a replaced tile at the end',
      published: flipped('tile/0/002.p/188', 40),
      found: ['LOG_CORRUPT tile/0/002.p/188'],
    },
    {
      name: 'a replaced tile above',
      published: flipped('tile/1/000.p/2', 40),
      found: ['LOG_CORRUPT tile/1/000.p/2'],
    },
    {
      name: 'a tile of another length',
      published: changed('tile/0/001', (bytes) => bytes.slice(32)),
      found: ['LOG_CORRUPT tile/0/001'],
    },
    {
      name: 'a checkpoint by another key',
      published: changed('checkpoint', () => utf8(note(entries, logSigner(9)))),
      found: ['CHECKPOINT_UNTRUSTED checkpoint'],
    },
    {
      name: 'a checkpoint that a stranger has signed too',
      published: changed('checkpoint', () =>
        utf8(note(entries) + witnessOf(13).line(note(entries))),
      ),
      found: ['CHECKPOINT_UNTRUSTED checkpoint'],
    },
    {
      name: 'a checkpoint of another log',
      published: changed('checkpoint', () => utf8(note(entries, logSigner(1, 'elsewhere.test')))),
      found: ['CHECKPOINT_INVALID checkpoint'],
    },
    {
      name: 'a checkpoint altered',
      published: flipped('checkpoint', 25),
      found: ['CHECKPOINT_INVALID checkpoint'],
    },
    {
      name: 'a checkpoint over other entries than the files have',
      published: changed('checkpoint', () => utf8(note(entries.with(690, verdict('x'))))),
      found: ['LOG_FORKED checkpoint'],
    },
  ])('$name', async ({ published, last = seen, found }) => {
    const { report, note: kept } = await look(published, last)
    expect(report.status).toBe('alarm')
    expect(report.problems.map(({ code, file }) => `${code} ${file}`)).toEqual(found)
    expect(kept).toBeNull()
  })

  test.for(['tile/0/000', 'tile/entries/000'])(
    'an old %s replaced is found when all is looked at',
    async (path) => {
      expect((await look(flipped(path, 90))).report.status).toBe('consistent')
      for (const last of [seen, note(entries)]) {
        const { report } = await look(flipped(path, 90), last, true)
        expect(report.problems).toMatchObject([{ code: 'LOG_CORRUPT', file: path }])
      }
    },
  )

  test.for([
    {
      name: 'a rewrite',
      other: entries.slice(0, 600).with(5, verdict('x')),
      code: 'LOG_REWRITTEN',
    },
    { name: 'a longer log', other: [...entries, verdict('later')], code: 'LOG_ROLLED_BACK' },
    { name: 'a fork', other: entries.with(699, verdict('x')), code: 'LOG_FORKED' },
  ])('$name that is shown for a moment only, with no files to it', async ({ other, code }) => {
    let asked = 0
    const flash = utf8(note(other))
    const reader: LogReader = {
      read: async (path) => {
        if (path !== 'checkpoint') return asked === 1 ? null : (files.get(path) ?? null)
        asked += 1
        return asked === 1 ? flash : (files.get(path) ?? null)
      },
    }
    const { report } = await lookAtLog(reader, { trust, seen, all: false })
    expect(report.problems).toMatchObject([{ code }])
    expect(report.evidence).toContain(new TextDecoder().decode(flash))
  })

  test('a checkpoint that is too long is refused as one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-long-'))
    writeFileSync(join(folder, 'checkpoint'), 'x'.repeat(100_000))
    const { report } = await lookAtLog(openLogReader(folder), { trust, seen, all: false })
    expect(report.problems).toMatchObject([{ code: 'CHECKPOINT_INVALID', file: 'checkpoint' }])
    rmSync(folder, { recursive: true })
  })

  test('and both signed checkpoints are the evidence', async () => {
    const forked = filesOf([...entries.slice(0, -1), verdict('x')])
    const { report } = await look(forked, note(entries))
    expect(report.evidence).toEqual([
      note(entries),
      new TextDecoder().decode(forked.get('checkpoint')!),
    ])
  })

  test('and a checkpoint that calls for more than any disk holds ends at once', async () => {
    const signer = logSigner()
    const text = `${ORIGIN}\n9007199254740991\n${Buffer.alloc(32).toString('base64')}\n`
    const hash = Buffer.from(signer.verifierKey.split('+')[1]!, 'hex')
    const line = Buffer.concat([hash, signer.sign(utf8(text))]).toString('base64')
    const huge = utf8(`${text}\n\u2014 ${ORIGIN} ${line}\n`)
    const { report } = await look(changed('checkpoint', () => huge))
    expect(report.problems).toMatchObject([{ code: 'LOG_CORRUPT', file: 'checkpoint' }])
  })
})

describe('what is remembered', () => {
  test.for([
    { name: 'no checkpoint', last: 'hello', code: 'CHECKPOINT_INVALID' },
    {
      name: 'a checkpoint by another key',
      last: note(entries, logSigner(9)),
      code: 'CHECKPOINT_UNTRUSTED',
    },
    {
      name: 'a checkpoint with another size',
      last: seen.replace('300', '200'),
      code: 'SIGNATURE_WRONG',
    },
  ])('$name is an error, never a first look', async ({ last, code }) => {
    await expect(look(files, last)).rejects.toMatchObject({ code })
  })
})

describe('over HTTP and in a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-follow-'))
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('a folder is read, and a file that is too long is refused', async () => {
    const reader = openLogReader(folder)
    expect((await lookAtLog(reader, { trust, seen, all: true })).report.status).toBe('consistent')
    await expect(reader.read('tile/0/000', 8191)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(await reader.read('tile/9/000', 10)).toBeNull()
  })

  test.for([
    { name: 'a log that is there', prefix: '/log/', status: 200, expected: 'consistent' },
    { name: 'a log that is gone', prefix: '/log', status: 404, expected: 'alarm' },
    { name: 'a server in trouble', prefix: '/log', status: 500, expected: 'LOG_UNREACHABLE' },
    { name: 'a redirect', prefix: '/log', status: 302, expected: 'LOG_UNREACHABLE' },
  ])('$name: $expected', async ({ prefix, status, expected }) => {
    const server = createServer(({ url = '' }, answer) => {
      const bytes = status === 200 ? files.get(url.replace(/^\/log\//, '')) : undefined
      answer.writeHead(status === 200 && bytes === undefined ? 404 : status, { location: '/other' })
      answer.end(bytes)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    try {
      const reader = openLogReader(`http://127.0.0.1:${port}${prefix}`)
      const found = await lookAtLog(reader, { trust, seen, all: false }).then(
        ({ report }) => report.status,
        ({ code }) => code,
      )
      expect(found).toBe(expected)
    } finally {
      server.close()
    }
  })

  test('a server that is not there is unreachable, and may be asked again', async () => {
    const reader = openLogReader('http://127.0.0.1:1/')
    const failing = lookAtLog(reader, { trust, seen, all: false })
    await expect(failing).rejects.toMatchObject({ code: 'LOG_UNREACHABLE', retryable: true })
  })

  test('a checkpoint without end is cut off', async () => {
    const server = createServer((_, answer) => answer.end('x'.repeat(100_000)))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const reader = openLogReader(`http://127.0.0.1:${port}`)
    await expect(reader.read('checkpoint', 1_000)).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    server.close()
  })
})
