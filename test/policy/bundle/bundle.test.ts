import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { utf8 } from '../../../src/base/digest.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { makeBundle, readBundle, writeBundle } from '../../../src/policy/bundle/index.ts'
import { readTar, writeTar } from '../../../src/policy/bundle/tar.ts'

const POLICY = {
  project: 'p',
  defaults: { low: 'allow', medium: 'hold', high: 'hold', critical: 'deny' },
  unknown_tools: 'deny',
  valid_until: null,
  self_test: [],
  evaluation_ms_max: 1000,
  evaluation_steps_max: 500_000,
  evaluation_bytes_max: 16_777_216,
  rego_packages: [],
  log_origin: 'countersign.local/p',
  forge: { kind: 'local', path: 'forge.git', base: 'main' },
  agents: [],
  tools: [],
  rules: [],
  rego: [] as JsonValue[],
  routes: [],
  people: [],
}
const PLACE = { file: 'policies/x.rego', line: 1, column: 1 }
const REGO = {
  package: 'countersign.x',
  on: {},
  mode: 'enforce',
  route: null,
  counters: [],
  rules: [{ name: 'deny', entrypoint: 'countersign/x/deny', ...PLACE }],
  ...PLACE,
}

function contents(
  more: Record<string, string> = {},
  policy: object = POLICY,
): Map<string, Uint8Array> {
  const files = {
    'countersign/policy.json': canonicalize(policy as JsonValue),
    'data.json': '{"countersign":{}}',
    ...more,
  }
  return new Map(Object.entries(files).map(([path, text]) => [path, utf8(text)]))
}

const WITH_REGO = contents(
  { 'policy.wasm': '\0asm', 'plan.json': '{}', 'policies/x.rego': 'package countersign.x\n' },
  { ...POLICY, rego: [REGO] },
)

function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return error instanceof PolicyError ? error.code : String(error)
  }
  return 'accepted'
}

/** The archive of a bundle with some entries replaced, added (after the others) or, by null, left out. */
function tampered(changes: Record<string, string | null>): Uint8Array {
  const entries = new Map(
    readTar(new Uint8Array(gunzipSync(writeBundle(makeBundle(WITH_REGO, 'p'))))).map((entry) => [
      entry.path,
      entry.bytes,
    ]),
  )
  for (const [path, text] of Object.entries(changes)) {
    if (text === null) entries.delete(path)
    else entries.set(path, utf8(text))
  }
  return gzipSync(writeTar([...entries].map(([path, bytes]) => ({ path, bytes }))))
}

describe('a bundle', () => {
  test.for([
    { name: 'without Rego', files: contents() },
    { name: 'with Rego', files: WITH_REGO },
  ])('$name -> the same after writing and reading', ({ files }) => {
    const bundle = makeBundle(files, 'p')
    expect(readBundle(writeBundle(bundle))).toEqual(bundle)
  })

  test('digest and archive do not depend on the order of the files', () => {
    const bundle = makeBundle(WITH_REGO, 'p')
    const other = makeBundle(new Map([...WITH_REGO].reverse()), 'p')
    expect(other.digest).toBe(bundle.digest)
    expect(writeBundle(other)).toEqual(writeBundle(bundle))
  })

  test('digest is the one that format 1 has always given', () => {
    expect(makeBundle(WITH_REGO, 'p').digest).toBe(
      'sha256:a9f3721b1e6052ee175c28e8f095a348b983a0267a25886933a36bcc97f85f8a',
    )
  })

  test.for([
    { name: 'no policy', files: new Map([['data.json', utf8('{}')]]), want: 'BUNDLE_CORRUPT' },
    { name: 'no data', files: new Map([...contents()].slice(0, 1)), want: 'BUNDLE_CORRUPT' },
    { name: 'a stray file', files: contents({ 'notes.txt': 'x' }), want: 'BUNDLE_CORRUPT' },
    {
      name: 'a module without Rego',
      files: contents({ 'policy.wasm': 'x' }),
      want: 'BUNDLE_CORRUPT',
    },
    { name: 'sources without Rego', files: contents({ 'x.rego': 'x' }), want: 'BUNDLE_CORRUPT' },
    {
      name: 'Rego without a module',
      files: contents({}, { ...POLICY, rego: [REGO] }),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'data that is no object',
      files: contents({ 'data.json': '[]' }),
      want: 'BUNDLE_CORRUPT',
    },
    { name: 'data out of form', files: contents({ 'data.json': '{ }' }), want: 'BUNDLE_CORRUPT' },
    {
      name: 'a policy not to its schema',
      files: contents({}, { ...POLICY, extra: 1 }),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a policy of another project',
      files: contents({}, { ...POLICY, project: 'q' }),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a climbing path',
      files: new Map([...WITH_REGO, ['../x.rego', utf8('')]]),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'an absolute path',
      files: new Map([...WITH_REGO, ['/x.rego', utf8('')]]),
      want: 'BUNDLE_CORRUPT',
    },
  ])('made of $name -> $want', ({ files, want }) => {
    expect(codeOf(() => makeBundle(files, 'p'))).toBe(want)
  })
})

describe('a tampered bundle', () => {
  const manifest = canonicalize(makeBundle(WITH_REGO, 'p').manifest as unknown as JsonValue)

  test.for([
    { name: 'nothing changed', changes: {}, want: 'accepted' },
    {
      name: 'a source changed',
      changes: { 'policies/x.rego': 'package countersign.y\n' },
      want: 'BUNDLE_CORRUPT',
    },
    { name: 'a source missing', changes: { 'policies/x.rego': null }, want: 'BUNDLE_CORRUPT' },
    {
      name: 'a file that the manifest does not name',
      changes: { 'policies/y.rego': 'x' },
      want: 'BUNDLE_CORRUPT',
    },
    { name: 'no manifest', changes: { 'countersign/manifest.json': null }, want: 'BUNDLE_CORRUPT' },
    {
      name: 'a manifest out of form',
      changes: { 'countersign/manifest.json': ` ${manifest}` },
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a manifest that is no JSON',
      changes: { 'countersign/manifest.json': '{' },
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a manifest of null',
      changes: { 'countersign/manifest.json': 'null' },
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'another project in the manifest',
      changes: { 'countersign/manifest.json': manifest.replace('"project":"p"', '"project":"q"') },
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a newer format',
      changes: { 'countersign/manifest.json': manifest.replace('"format":1', '"format":2') },
      want: 'BUNDLE_NEWER_FORMAT',
    },
    {
      name: 'a newer format of another shape',
      changes: { 'countersign/manifest.json': '{"format":2,"new":true}' },
      want: 'BUNDLE_NEWER_FORMAT',
    },
    { name: 'no manifest for OPA', changes: { '.manifest': null }, want: 'BUNDLE_CORRUPT' },
    { name: 'another manifest for OPA', changes: { '.manifest': '{}' }, want: 'BUNDLE_CORRUPT' },
  ])('$name -> $want', ({ changes, want }) => {
    expect(codeOf(() => readBundle(tampered(changes)))).toBe(want)
  })

  test('the message about a newer format says what to do', () => {
    const newer = tampered({ 'countersign/manifest.json': '{"format":2}' })
    expect(() => readBundle(newer)).toThrow(/upgrade countersign/)
  })

  test('any one byte of the compressed archive flipped -> refused, or the same content', () => {
    const bundle = makeBundle(WITH_REGO, 'p')
    const archive = writeBundle(bundle)
    let accepted = 0
    for (let at = 0; at < archive.length; at++) {
      const flipped = Uint8Array.from(archive)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      const code = codeOf(() => expect(readBundle(flipped)).toEqual(bundle))
      if (code === 'accepted') accepted += 1
      else expect(code).toMatch(/^BUNDLE_(CORRUPT|TOO_LARGE)$/)
    }
    // Time, flags and system in the gzip header say nothing about the content (RFC 1952 section 2.3).
    expect(accepted).toBeLessThanOrEqual(8)
  })

  test('any one byte of the archive flipped before compression -> refused', () => {
    const archive = gunzipSync(writeBundle(makeBundle(WITH_REGO, 'p')))
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const flipped = Uint8Array.from(archive)
        flipped[at] = (flipped[at] ?? 0) ^ bits
        expect(codeOf(() => readBundle(gzipSync(flipped, { level: 1 })))).toBe('BUNDLE_CORRUPT')
      }),
      { numRuns: 400 },
    )
  })

  test.for([
    { name: 'nothing', bytes: new Uint8Array() },
    { name: 'text', bytes: utf8('hello') },
    { name: 'an empty archive', bytes: gzipSync(new Uint8Array(1024)) },
    {
      name: 'a truncated archive',
      bytes: writeBundle(makeBundle(contents(), 'p')).subarray(0, 200),
    },
    {
      name: 'bytes after the archive',
      bytes: new Uint8Array([...writeBundle(makeBundle(contents(), 'p')), 0]),
    },
    {
      name: 'a second gzip member',
      bytes: new Uint8Array([...writeBundle(makeBundle(contents(), 'p')), ...gzipSync('x')]),
    },
  ])('$name -> BUNDLE_CORRUPT', ({ bytes }) => {
    expect(codeOf(() => readBundle(bytes))).toBe('BUNDLE_CORRUPT')
  })
})

describe('an archive', () => {
  const A = { path: 'a', bytes: utf8('alpha') }

  /** A header changed by `edit`, its checksum put right again. */
  function edited(edit: (header: Uint8Array) => void): Uint8Array {
    const archive = writeTar([A])
    const header = archive.subarray(0, 512)
    edit(header)
    header.fill(0x20, 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    return archive
  }

  test('paths up to the bounds of a header survive', () => {
    const paths = [
      'x'.repeat(100),
      `${'d'.repeat(155)}/${'n'.repeat(100)}`,
      `${'ä'.repeat(60)}/b`,
      'a/b/c',
    ]
    const entries = paths.map((path) => ({ path, bytes: utf8(path) }))
    expect(readTar(writeTar(entries))).toEqual(entries)
  })

  test.for([
    {
      name: 'a path beyond the bounds',
      work: () => writeTar([{ ...A, path: 'x'.repeat(101) }]),
      want: 'BUNDLE_TOO_LARGE',
    },
    { name: 'a file twice', work: () => readTar(writeTar([A, A])), want: 'BUNDLE_CORRUPT' },
    {
      name: 'an absolute path',
      work: () => readTar(writeTar([{ ...A, path: '/a' }])),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a climbing path',
      work: () => readTar(writeTar([{ ...A, path: 'a/../../b' }])),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a path with a dot',
      work: () => readTar(writeTar([{ ...A, path: './a' }])),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a path with a backslash',
      work: () => readTar(writeTar([{ ...A, path: 'a\\b' }])),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a symbolic link',
      work: () => readTar(edited((h) => h.set(utf8('2'), 156))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a hard link',
      work: () => readTar(edited((h) => h.set(utf8('1'), 156))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a folder',
      work: () => readTar(edited((h) => h.set(utf8('5'), 156))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a pax header',
      work: () => readTar(edited((h) => h.set(utf8('x'), 156))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'another owner',
      work: () => readTar(edited((h) => h.set(utf8('1'), 108))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'another time',
      work: () => readTar(edited((h) => h.set(utf8('1'), 136))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'another mode',
      work: () => readTar(edited((h) => h.set(utf8('0000755'), 100))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'text after the name',
      work: () => readTar(edited((h) => h.set(utf8('x'), 50))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a size beyond the end',
      work: () => readTar(edited((h) => h.set(utf8('00000777777'), 124))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'a size that is no number',
      work: () => readTar(edited((h) => h.set(utf8('x'), 124))),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'one end block only',
      work: () => readTar(writeTar([A]).subarray(0, -512)),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'no end block',
      work: () => readTar(writeTar([A]).subarray(0, -1024)),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'an entry after the end',
      work: () => readTar(new Uint8Array([...writeTar([A]), ...writeTar([A])])),
      want: 'BUNDLE_CORRUPT',
    },
    {
      name: 'zero blocks after the end',
      work: () => readTar(new Uint8Array([...writeTar([A]), ...new Uint8Array(512)])),
      want: 'accepted',
    },
  ])('$name -> $want', ({ work, want }) => {
    expect(codeOf(work)).toBe(want)
  })
})
