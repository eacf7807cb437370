import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/digest.ts'
import { encodeBundle } from '../../../src/trust/receipt/tiles.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import type { LogFiles } from '../../../src/trust/verify/log-tiles.ts'
import {
  filesOf,
  genesis,
  hold,
  logSigner,
  note,
  ORIGIN,
  resolution,
  smallLog,
  trustOf,
  verdict,
} from './log-case.ts'

const small = smallLog()
const smallFiles = filesOf(small)
const trust = trustOf()
/** 300 receipts: a full tile, partial ones, and a second level. */
const big = [genesis(), ...Array.from({ length: 299 }, (_, i) => verdict(`n${i}`))]
const bigFiles = filesOf(big)

function filesNamed(
  files: LogFiles,
  options: Parameters<typeof verifyLog>[1] = { trust },
): string[] {
  const report = verifyLog(files, options)
  expect(report.status).toBe('refused')
  expect(report.proven).toEqual([])
  return report.problems.map(({ file }) => file)
}

function codes(files: LogFiles, options: Parameters<typeof verifyLog>[1] = { trust }): string[] {
  expect(verifyLog(files, options).status).toBe('refused')
  return verifyLog(files, options).problems.map(({ code }) => code)
}

function changed(files: LogFiles, path: string, bytes: Uint8Array | null): Map<string, Uint8Array> {
  const copy = new Map(files)
  if (bytes === null) copy.delete(path)
  else copy.set(path, bytes)
  return copy
}

describe('a whole log', () => {
  test('with pinned keys is verified, and the report counts', () => {
    const report = verifyLog(smallFiles, { trust })
    expect(report).toMatchObject({
      status: 'verified',
      origin: ORIGIN,
      size: 5,
      receipts: { APPROVED: 1, allow: 1, deny: 1, genesis: 1, hold: 1 },
      problems: [],
    })
    expect(report.proven.join('\n')).toContain('1 review signatures hold')
    expect(report.not_proven.join('\n')).toContain('--since')
  })

  test('without pinned keys is self-consistent only, and the report says what is open', () => {
    const report = verifyLog(smallFiles)
    expect(report.status).toBe('self-consistent; key not pinned')
    expect(report.problems).toEqual([])
    for (const word of ['--trust', '--since', 'witness']) {
      expect(report.not_proven.join('\n')).toContain(word)
    }
  })

  test.for([1, 2, 255, 256, 257, 300])('of %i receipts is verified', (size) => {
    expect(verifyLog(filesOf(big.slice(0, size)), { trust }).status).toBe('verified')
  })

  test('made by another key that names the same origin is self-consistent, but refused when pinned', () => {
    const mallory = logSigner(9)
    const files = filesOf([genesis(mallory)], mallory)
    expect(verifyLog(files).status).toBe('self-consistent; key not pinned')
    expect(codes(files)).toEqual(['CHECKPOINT_UNTRUSTED'])
  })

  test('of another origin than the trust file names is refused', () => {
    const other = logSigner(1, 'elsewhere.test')
    expect(codes(filesOf([genesis(other)], other))).toEqual(['CHECKPOINT_UNTRUSTED'])
  })
})

describe('a log with one byte changed is refused and the file named', () => {
  for (const [mode, options] of [
    ['pinned', { trust }],
    ['not pinned', {}],
  ] as const) {
    test.for([...smallFiles.keys()])(`every byte of %s, key ${mode}`, (path) => {
      const bytes = smallFiles.get(path)!
      // Signatures cost most of the time: the rest of the file stands for the checks after them.
      for (let at = 0; at < bytes.length; at++) {
        const copy = bytes.slice()
        copy[at]! ^= 1 << (at % 8)
        expect(filesNamed(changed(smallFiles, path, copy), options), `${path}:${at}`).toEqual([
          path,
        ])
      }
    })
  }

  test.for([...bigFiles.keys()])('some bytes of %s in a log of 300', (path) => {
    const bytes = bigFiles.get(path)!
    const step = Math.max(1, Math.floor(bytes.length / 7))
    for (let at = 0; at < bytes.length; at += step) {
      const copy = bytes.slice()
      copy[at]! ^= 0x80
      expect(filesNamed(changed(bigFiles, path, copy)), `${path}:${at}`).toContain(path)
    }
  })
})

describe('a log whose files are not those of the checkpoint is refused', () => {
  test.for([...bigFiles.keys()])('%s deleted, emptied, cut or lengthened', (path) => {
    const bytes = bigFiles.get(path)!
    const variants = [
      null,
      new Uint8Array(),
      bytes.slice(0, -1),
      new Uint8Array(Buffer.concat([bytes, Buffer.of(0)])),
    ]
    for (const variant of variants) {
      expect(filesNamed(changed(bigFiles, path, variant))).toEqual([path])
    }
  })

  test.for([
    'tile/0/001.p/43',
    'tile/entries/001.p/45',
    'tile/0/002',
    'tile/2/000.p/1',
    'README.md',
    'tile/0/x000/001',
    '',
  ])("an added file '%s'", (path) => {
    expect(filesNamed(changed(bigFiles, path, Uint8Array.of(1)))).toEqual([path])
    expect(filesNamed(changed(bigFiles, path, new Uint8Array()))).toEqual([path])
  })

  test('no files at all', () => {
    expect(codes(new Map())).toEqual(['LOG_MISSING'])
  })

  test('an older checkpoint put back', () => {
    expect(codes(changed(bigFiles, 'checkpoint', utf8(note(big.slice(0, 299)))))).toContain(
      'LOG_CORRUPT',
    )
  })

  test("another log's checkpoint over the same size", () => {
    const fork = [...small.slice(0, 4), verdict('z')]
    expect(
      verifyLog(changed(smallFiles, 'checkpoint', utf8(note(fork))), { trust }).problems,
    ).toMatchObject([{ code: 'LOG_FORKED', file: 'checkpoint' }])
  })

  test('a signed size that no disk holds', () => {
    const signer = logSigner()
    const text = `${ORIGIN}\n9007199254740991\n${Buffer.alloc(32).toString('base64')}\n`
    const line = Buffer.concat([
      Buffer.from(signer.verifierKey.split('+')[1]!, 'hex'),
      signer.sign(utf8(text)),
    ])
    const bytes = utf8(`${text}\n\u2014 ${ORIGIN} ${line.toString('base64')}\n`)
    const found = verifyLog(changed(smallFiles, 'checkpoint', bytes), { trust }).problems
    expect(found.length).toBe(100)
    expect(found[0]).toMatchObject({ code: 'LOG_TRUNCATED' })
  })

  test('entries and their hash tile changed alike', () => {
    const forged = filesOf([...small.slice(0, 4), verdict('z')])
    forged.set('checkpoint', smallFiles.get('checkpoint')!)
    expect(filesNamed(forged)).toEqual(['checkpoint'])
  })

  test('a signature line by a key that nobody knows', () => {
    const own = note(small)
    const stranger = note(small, logSigner(9)).split('\n').at(-2)
    const twice = own.split('\n').at(-2)
    expect(codes(changed(smallFiles, 'checkpoint', utf8(`${own}${stranger}\n`)))).toEqual([
      'CHECKPOINT_UNTRUSTED',
    ])
    expect(codes(changed(smallFiles, 'checkpoint', utf8(`${own}${twice}\n`)))).toEqual([
      'CHECKPOINT_UNTRUSTED',
    ])
  })

  test('a bundle of other entries than it should have', () => {
    const path = 'tile/entries/000.p/5'
    expect(filesNamed(changed(smallFiles, path, encodeBundle(small.slice(0, 4))))).toEqual([path])
    expect(filesNamed(changed(smallFiles, path, encodeBundle([...small, small[1]!])))).toEqual([
      path,
    ])
  })
})

describe('an earlier checkpoint', () => {
  test.for([1, 2, 100, 256, 299, 300])('of %i receipts of the same log is proven', (size) => {
    const report = verifyLog(bigFiles, { trust, since: note(big.slice(0, size)) })
    expect(report.status).toBe('verified')
    expect(report.proven.join('\n')).toContain('grew out of the earlier checkpoint')
  })

  test.for([
    {
      name: 'of a longer log',
      since: note([...big, verdict('later')]),
      code: 'LOG_ROLLED_BACK',
      file: 'checkpoint',
    },
    {
      name: 'of another history',
      since: note([genesis(), verdict('x')]),
      code: 'LOG_REWRITTEN',
      file: 'checkpoint',
    },
    {
      name: 'of as many other receipts',
      since: note([...big.slice(0, -1), verdict('x')]),
      code: 'LOG_FORKED',
      file: 'checkpoint',
    },
    {
      name: 'by another key',
      since: note(big, logSigner(9)),
      code: 'CHECKPOINT_UNTRUSTED',
      file: 'since',
    },
    {
      name: 'of another log',
      since: note(big, logSigner(1, 'b.test')),
      code: 'CHECKPOINT_INVALID',
      file: 'since',
    },
    { name: 'that is no checkpoint', since: 'hello', code: 'CHECKPOINT_INVALID', file: 'since' },
  ])('$name is refused with $code', ({ since, code, file }) => {
    expect(verifyLog(bigFiles, { trust, since })).toMatchObject({
      status: 'refused',
      problems: [{ code, file }],
    })
  })

  test('without a trust file must be by the key of the genesis', () => {
    expect(verifyLog(bigFiles, { since: note(big.slice(0, 9)) }).status).toBe(
      'self-consistent; key not pinned',
    )
    expect(verifyLog(bigFiles, { since: note(big.slice(0, 9), logSigner(9)) }).status).toBe(
      'refused',
    )
  })
})

test('a log of one approval after another counts each', () => {
  const entries = [genesis(), hold('a'), hold('b'), resolution('b', 2), resolution('a', 1)]
  expect(verifyLog(filesOf(entries), { trust }).receipts).toEqual({
    APPROVED: 2,
    genesis: 1,
    hold: 2,
  })
})
