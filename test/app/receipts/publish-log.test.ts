import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { addCosignatures, publishLogTo } from '../../../src/app/receipts/publish-log.ts'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { readLogFiles } from '../../../src/host/log-folder.ts'
import type { LogSigner } from '../../../src/model/ports.ts'
import { encodeBundle } from '../../../src/trust/receipt/tiles.ts'
import { filesOf, genesis, logSigner, note, trustOf, verdict } from '../../trust/verify/log-case.ts'
import { WITNESSED_AT, witnessOf } from '../../trust/verify/witness-case.ts'

const root = mkdtempSync(join(tmpdir(), 'countersign-publish-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const entries = [genesis(), ...Array.from({ length: 699 }, (_, i) => verdict(`n${i}`))]
let count = 0
let source = ''
let target = ''
beforeEach(() => {
  const folder = join(root, `case-${count++}`)
  source = join(folder, 'engine', 'log')
  target = join(folder, 'site', 'log')
})

/** The engine's folder with these receipts, and nothing else. */
function lay(receipts: readonly Uint8Array[], signer?: LogSigner, folder = source): void {
  rmSync(folder, { recursive: true, force: true })
  for (const [path, bytes] of filesOf(receipts, signer)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
}

const published = () => [...readLogFiles(target)].sort()
const exactly = (size: number) => [...filesOf(entries.slice(0, size))].sort()
const read = (folder: string) => readFileSync(join(folder, 'checkpoint'), 'utf8')

describe('publishing', () => {
  test('leaves exactly the files of each checkpoint, superseded partial tiles gone', async () => {
    for (const size of [1, 2, 255, 256, 257, 600, 700]) {
      lay(entries.slice(0, size))
      await publishLogTo(source, target)
      expect(published()).toEqual(exactly(size))
      expect(existsSync(`${target}.tmp`)).toBe(false)
    }
  })

  test('again changes nothing, and says so', async () => {
    lay(entries)
    expect(await publishLogTo(source, target)).toMatchObject({
      before: null,
      size: 700,
      removed: 0,
    })
    expect(await publishLogTo(source, target)).toMatchObject({
      before: 700,
      written: 0,
      removed: 0,
    })
  })

  test('keeps what else lies there, and removes what a crash left', async () => {
    lay(entries.slice(0, 300))
    await publishLogTo(source, target)
    mkdirSync(join(target, '.git'))
    writeFileSync(join(target, '.git', 'HEAD'), 'ref')
    writeFileSync(join(target, 'tile', 'README'), 'tiles')
    // A crash after the newer tiles were placed, and one before the superseded ones were removed.
    mkdirSync(join(target, 'tile/0/001.p'), { recursive: true })
    writeFileSync(join(target, 'tile/0/001.p/7'), 'old')
    writeFileSync(join(target, 'tile/entries/001'), 'torn')
    lay(entries)
    await publishLogTo(source, target)
    rmSync(join(target, '.git'), { recursive: true })
    rmSync(join(target, 'tile', 'README'))
    expect(published()).toEqual(exactly(700))
  })

  test('puts back an old tile that is missing', async () => {
    lay(entries)
    await publishLogTo(source, target)
    rmSync(join(target, 'tile/entries/000'))
    await publishLogTo(source, target)
    expect(published()).toEqual(exactly(700))
  })

  test.for([
    { name: 'a longer log', there: [...entries, verdict('later')], code: 'LOG_ROLLED_BACK' },
    { name: 'as long a log', there: entries.with(699, verdict('x')), code: 'LOG_FORKED' },
    { name: 'a shorter log', there: [genesis(), verdict('x')], code: 'LOG_REWRITTEN' },
    { name: "another's log", there: entries, seed: 9, code: 'CHECKPOINT_UNTRUSTED' },
    { name: 'a log of another name', there: entries, origin: 'elsewhere', code: 'LOG_FORKED' },
  ])('over $name is refused with $code, and leaves it', async ({ there, seed, origin, code }) => {
    lay(there, logSigner(seed, origin), target)
    const before = published()
    lay(entries)
    await expect(publishLogTo(source, target)).rejects.toMatchObject({ code })
    expect(published()).toEqual(before)
  })

  test.for([
    { name: 'a flipped tile', path: 'tile/0/001', code: 'LOG_CORRUPT' },
    { name: 'a flipped partial tile', path: 'tile/0/002.p/188', code: 'LOG_CORRUPT' },
    { name: 'a flipped entry', path: 'tile/entries/001', code: 'LOG_CORRUPT' },
    { name: 'a missing tile', path: 'tile/0/001', gone: true, code: 'LOG_TRUNCATED' },
    { name: 'a missing bundle', path: 'tile/entries/001', gone: true, code: 'LOG_TRUNCATED' },
    { name: 'no checkpoint', path: 'checkpoint', gone: true, code: 'LOG_MISSING' },
  ])(
    'of a log with $name is refused, and the old checkpoint stands',
    async ({ path, gone, code }) => {
      lay(entries.slice(0, 300))
      await publishLogTo(source, target)
      lay(entries)
      const bytes = readFileSync(join(source, path))
      bytes[60]! ^= 1
      if (gone === true) rmSync(join(source, path))
      else writeFileSync(join(source, path), bytes)
      await expect(publishLogTo(source, target)).rejects.toMatchObject({ code })
      expect(read(target)).toBe(note(entries.slice(0, 300)))
    },
  )

  test('of a log that names another key in entry 0 is refused', async () => {
    lay([genesis(logSigner(9))])
    writeFileSync(join(source, 'tile/entries/000.p/1'), encodeBundle([genesis(logSigner(9))]))
    await expect(publishLogTo(source, target)).rejects.toMatchObject({
      code: 'CHECKPOINT_UNTRUSTED',
    })
  })

  test("into the engine's own folder is refused", async () => {
    lay(entries.slice(0, 3))
    await expect(publishLogTo(source, source)).rejects.toMatchObject({ code: 'USAGE_INVALID' })
  })
})

describe('cosignatures', () => {
  const [ann, bob] = [witnessOf(11), witnessOf(12)]
  const keys = [ann.verifierKey, bob.verifierKey]
  const own = note(entries.slice(0, 300))
  let files = { add: '', trust: '' }
  beforeEach(async () => {
    lay(entries.slice(0, 300))
    await publishLogTo(source, target)
    files = { add: join(target, '..', 'add'), trust: join(target, '..', 'trust.json') }
    writeFileSync(files.trust, canonicalize(trustOf({ witnesses: { keys, need: 2 } }) as never))
  })

  const add = (text: string) => {
    writeFileSync(files.add, text)
    return addCosignatures(target, files)
  }

  test('are added one after another, as lines or as a whole checkpoint, and stay', async () => {
    expect(await add(ann.line(own))).toMatchObject([{ witness: ann.name }])
    expect(await add(own + bob.line(own))).toHaveLength(2)
    expect(read(target)).toBe(own + ann.line(own) + bob.line(own))
    await publishLogTo(source, target)
    expect(read(target)).toBe(own + ann.line(own) + bob.line(own))
    lay(entries)
    await publishLogTo(source, target)
    expect(read(target)).toBe(note(entries))
  })

  test('of one witness stand there once, with the later time', async () => {
    await add(ann.line(own))
    expect(await add(ann.line(own, WITNESSED_AT + 60n))).toMatchObject([
      { at: '2026-11-21T10:01:00.000Z' },
    ])
    await add(ann.line(own))
    expect(read(target)).toBe(own + ann.line(own, WITNESSED_AT + 60n))
  })

  test.for([
    { name: 'by somebody unlisted', text: witnessOf(13).line(own), code: 'CHECKPOINT_UNTRUSTED' },
    { name: 'of another checkpoint', text: ann.line(note(entries)), code: 'SIGNATURE_WRONG' },
    {
      name: 'under another checkpoint',
      text: note(entries) + ann.line(note(entries)),
      code: 'CHECKPOINT_INVALID',
    },
    {
      name: 'beside one that is wrong',
      text: ann.line(own) + bob.line(note(entries)),
      code: 'SIGNATURE_WRONG',
    },
    { name: 'that are no lines', text: 'hello\n', code: 'CHECKPOINT_INVALID' },
    { name: 'without an end', text: ann.line(own).trimEnd(), code: 'CHECKPOINT_INVALID' },
  ])('$name are refused with $code, and the checkpoint stands', async ({ text, code }) => {
    await expect(add(text)).rejects.toMatchObject({ code })
    expect(read(target)).toBe(own)
  })

  test("for the engine's own folder, or for none, are refused", async () => {
    writeFileSync(files.add, ann.line(own))
    writeFileSync(join(source, '..', 'store.sqlite'), '')
    await expect(addCosignatures(source, files)).rejects.toMatchObject({ code: 'USAGE_INVALID' })
    cpSync(target, `${target}-2`, { recursive: true })
    rmSync(join(`${target}-2`, 'checkpoint'))
    await expect(addCosignatures(`${target}-2`, files)).rejects.toMatchObject({
      code: 'LOG_MISSING',
    })
  })
})
