import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../../src/base/json-value.ts'
import { applyObligations } from '../../../../src/decide/evaluate/obligations.ts'
import type { JudgedAction } from '../../../../src/model/nouns.ts'
import { cpuMs } from '../../../support/cpu.ts'
import { base64, dataUri, gif, png, SVG, textChunk, zip } from '../../detect/media-files.ts'
import { codes, load, type RuleChanges, rule } from '../fixtures.ts'
import type { Label } from './labels.ts'
import { judgeWith, missingLabels } from './labels.ts'

const kind = 'media'
const pictures = { in: ['payload'], types: ['image/png', 'image/gif'] }
const blobs = { in: ['payload'], blobs: ['payload.files[].data'], declared_in: 'mime_type' }
const PNG = dataUri('image/png', png())
const file = (data: JsonValue, mime?: JsonValue) => ({
  files: [{ data, ...(mime === undefined ? {} : { mime_type: mime }) }],
})
const bomb = gzipSync(Buffer.alloc(3_000_000))

const ACTIVE = SVG.replace('<path', '<script/><path')
const within = (address: string) => SVG.replace('<path', `<image href="${address}"/><path`)

function nested(deep: number): string {
  return dataUri('image/svg+xml', deep === 1 ? SVG : within(nested(deep - 1)))
}

type Case = {
  readonly label: Label
  readonly name: string
  readonly spec: Record<string, unknown>
  readonly payload: Record<string, JsonValue>
  readonly rule?: RuleChanges
  readonly want: string
  readonly faults?: readonly string[]
}

const CASES: readonly Case[] = [
  {
    label: 'allow',
    name: 'no media',
    spec: pictures,
    payload: { text: 'hello', n: 5, list: [null, true] },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'an allowed picture',
    spec: pictures,
    payload: { image: PNG },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a picture within a text',
    spec: pictures,
    payload: { text: `see ![x](${PNG}) there` },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a blob of its declared type',
    spec: blobs,
    payload: file(base64(png()), 'image/png'),
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a text as what it is',
    spec: { ...blobs, types: ['text/csv'] },
    payload: file(base64('a,b\n1,2'), 'text/csv'),
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'an address at an allowed host',
    spec: { in: ['payload'], hosts: ['*.example.com'] },
    payload: { text: 'https://cdn.example.com/a.png' },
    want: 'allow',
  },
  {
    label: 'allow',
    name: 'a document as its own type',
    spec: { ...blobs, types: ['application/vnd.openxmlformats-officedocument.*'] },
    payload: file(
      base64(
        zip([
          { name: '[Content_Types].xml', data: Buffer.alloc(1) },
          { name: 'word/a.xml', data: Buffer.alloc(1) },
        ]),
      ),
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    ),
    want: 'allow',
  },
  {
    label: 'hold',
    name: 'another type',
    rule: { verdict: 'hold' },
    spec: pictures,
    payload: { image: dataUri('application/pdf', '%PDF-1.7\n') },
    want: 'hold',
    faults: ['type_not_allowed'],
  },
  {
    label: 'deny',
    name: 'a type that does not match',
    spec: { in: ['payload'] },
    payload: { image: dataUri('image/png', gif()) },
    want: 'deny',
    faults: ['type_mismatch'],
  },
  {
    label: 'deny',
    name: 'a page that says it is a picture',
    spec: { in: ['payload'] },
    payload: { image: dataUri('image/png', '<html><script>1</script>') },
    want: 'deny',
    faults: ['type_mismatch', 'active_content'],
  },
  {
    label: 'deny',
    name: 'a picture that is a zip as well',
    spec: pictures,
    payload: { image: dataUri('image/gif', Buffer.concat([gif(), zip([])])) },
    want: 'deny',
    faults: ['polyglot'],
  },
  {
    label: 'deny',
    name: 'a drawing that runs',
    spec: { in: ['payload'] },
    payload: { image: dataUri('image/svg+xml', SVG.replace('d=', 'onload="x" d=')) },
    want: 'deny',
    faults: ['active_content'],
  },
  {
    label: 'deny',
    name: 'a bomb',
    spec: { in: ['payload'] },
    payload: { image: dataUri('application/gzip', bomb) },
    want: 'deny',
    faults: ['bomb'],
  },
  {
    label: 'deny',
    name: 'a bomb, though sizes need not be told',
    spec: { in: ['payload'], untold: 'pass' },
    payload: { image: dataUri('image/png', png({ chunks: [textChunk(70_000_000)] })) },
    want: 'deny',
    faults: ['bomb'],
  },
  {
    label: 'deny',
    name: 'a picture of too many pixels',
    spec: { in: ['payload'] },
    payload: { image: dataUri('image/png', png({ width: 60_000, height: 60_000 })) },
    want: 'deny',
    faults: ['too_many_pixels'],
  },
  {
    label: 'deny',
    name: 'an archive whose size nobody can tell',
    spec: { in: ['payload'] },
    payload: { image: dataUri('application/x-xz', '\xfd7zXZ\0rest') },
    want: 'deny',
    faults: ['size_untold'],
  },
  {
    label: 'allow',
    name: 'such an archive, where that may be',
    spec: { in: ['payload'], untold: 'pass' },
    payload: { image: dataUri('application/x-xz', '\xfd7zXZ\0rest') },
    want: 'allow',
  },
  {
    label: 'deny',
    name: 'an address at another host',
    spec: { in: ['payload'], hosts: ['*.example.com'] },
    payload: { text: '![x](https://evil.example/?q=secret)' },
    want: 'deny',
    faults: ['host_not_allowed'],
  },
  {
    label: 'deny',
    name: 'an address whose host hides',
    spec: { in: ['payload'], hosts: ['*.example.com'] },
    payload: { text: 'https://evil.example\\@cdn.example.com/a.png' },
    want: 'deny',
    faults: ['address_unreadable'],
  },
  {
    label: 'deny',
    name: 'the address of another type',
    spec: pictures,
    payload: { text: 'https://a.example/a.zip' },
    want: 'deny',
    faults: ['type_not_allowed'],
  },
  {
    label: 'deny',
    name: 'a named address of another scheme',
    spec: { in: ['payload'], urls: ['payload.url'] },
    payload: { url: 'file://host/etc/passwd' },
    want: 'deny',
    faults: ['scheme_not_allowed'],
  },
  {
    label: 'shadow',
    name: 'another type',
    rule: { mode: 'shadow' },
    spec: pictures,
    payload: { image: dataUri('application/pdf', '%PDF-1.7\n') },
    want: 'allow',
    faults: ['type_not_allowed'],
  },
  {
    label: 'boundary',
    name: 'as many bytes as may be',
    spec: { ...pictures, bytes_max: png().length },
    payload: { image: PNG },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one byte more',
    spec: { ...pictures, bytes_max: png().length - 1 },
    payload: { image: PNG },
    want: 'deny',
    faults: ['too_large'],
  },
  {
    label: 'boundary',
    name: 'as many as may be',
    spec: { ...pictures, count_max: 2 },
    payload: { a: PNG, b: PNG },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one more',
    spec: { ...pictures, count_max: 1 },
    payload: { a: PNG, b: `${'x'} ${PNG}` },
    want: 'deny',
    faults: ['too_many', 'too_many'],
  },
  {
    label: 'boundary',
    name: 'none allowed, one address',
    spec: { in: ['payload'], count_max: 0 },
    payload: { a: 'https://a.example/a.png' },
    want: 'deny',
    faults: ['too_many'],
  },
  {
    label: 'boundary',
    name: 'more than are looked at',
    spec: { in: ['payload'] },
    payload: { a: `x ${'data:,a '.repeat(300)}` },
    want: 'deny',
    faults: ['too_many'],
  },
  {
    label: 'boundary',
    name: 'as many pixels as may be',
    spec: { ...pictures, pixels_max: 6 },
    payload: { image: dataUri('image/gif', gif({ width: 3, height: 1, frames: 2 })) },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'one frame more',
    spec: { ...pictures, pixels_max: 6 },
    payload: { image: dataUri('image/gif', gif({ width: 3, height: 1, frames: 3 })) },
    want: 'deny',
    faults: ['too_many_pixels'],
  },
  {
    label: 'boundary',
    name: 'notes that unpack to as much as may be',
    spec: { ...pictures, unpacked_bytes_max: 600 },
    payload: { image: dataUri('image/png', png({ chunks: [textChunk(300), textChunk(300)] })) },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'notes that unpack to one byte more together',
    spec: { ...pictures, unpacked_bytes_max: 600 },
    payload: { image: dataUri('image/png', png({ chunks: [textChunk(300), textChunk(301)] })) },
    want: 'deny',
    faults: ['bomb'],
  },
  {
    label: 'boundary',
    name: 'a ratio that may be',
    spec: { in: ['payload'], ratio_max: 1100 },
    payload: { image: dataUri('application/gzip', bomb) },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'a field that two paths lead to counts once',
    spec: { in: ['payload', 'payload.a'], count_max: 1 },
    payload: { a: PNG },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'a data URI that is no base64',
    spec: { in: ['payload'] },
    payload: { image: 'data:image/png;base64,a*b' },
    want: 'deny',
    faults: ['undecodable'],
  },
  {
    label: 'bad-input',
    name: 'a data URI without content',
    spec: { in: ['payload'] },
    payload: { image: 'data:image/png' },
    want: 'deny',
    faults: ['undecodable'],
  },
  {
    label: 'bad-input',
    name: 'a blob that is a number',
    spec: blobs,
    payload: file(5, 'image/png'),
    want: 'deny',
    faults: ['undecodable'],
  },
  {
    label: 'bad-input',
    name: 'an empty blob',
    spec: blobs,
    payload: file('', 'image/png'),
    want: 'deny',
    faults: ['undecodable'],
  },
  {
    label: 'bad-input',
    name: 'a blob without a type',
    spec: blobs,
    payload: file(base64(png())),
    want: 'deny',
    faults: ['type_undeclared'],
  },
  {
    label: 'bad-input',
    name: 'a blob whose type is a list',
    spec: blobs,
    payload: file(base64(png()), ['image/png']),
    want: 'deny',
    faults: ['type_undeclared'],
  },
  {
    label: 'bad-input',
    name: 'a blob that is a data URI',
    spec: blobs,
    payload: file(dataUri('image/png', gif()), 'image/gif'),
    want: 'deny',
    faults: ['type_mismatch'],
  },
  {
    label: 'bad-input',
    name: 'content of no known type',
    spec: { ...blobs, types: ['*'] },
    payload: file(base64('\x80\x81\x82'), 'application/octet-stream'),
    want: 'deny',
    faults: ['type_unknown'],
  },
  {
    label: 'bad-input',
    name: 'a picture cut short',
    spec: pictures,
    payload: { image: dataUri('image/png', png().subarray(0, 40)) },
    want: 'deny',
    faults: ['size_untold'],
  },
  {
    label: 'bad-input',
    name: 'a blob under a name that the rule does not know',
    spec: blobs,
    payload: { files: [{ Data: base64(png()), mime_type: 'image/png' }] },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'a blob to be masked that is not there',
    spec: blobs,
    payload: { files: [{ Data: base64(png()), mime_type: 'image/png' }] },
    rule: { verdict: 'redact' },
    want: 'deny',
  },
  {
    label: 'bad-input',
    name: 'an address that is not there',
    spec: { in: ['payload'], urls: ['payload.url'] },
    payload: { Url: 'https://example.com/' },
    want: 'deny',
  },
  {
    label: 'boundary',
    name: 'no files where files may be missing',
    spec: { ...blobs, if_missing: 'pass' },
    payload: { files: [] },
    want: 'allow',
  },
  {
    label: 'bad-input',
    name: 'an address that is an object',
    spec: { in: ['payload'], urls: ['payload.url'] },
    payload: { url: {} },
    want: 'deny',
    faults: ['address_unreadable', 'scheme_not_allowed'],
  },
  {
    label: 'deny',
    name: 'an active drawing within a text that is a data URI',
    spec: { in: ['payload'] },
    payload: { text: `data:, see <img src="${dataUri('image/svg+xml', ACTIVE)}">` },
    want: 'deny',
    faults: ['active_content'],
  },
  {
    label: 'deny',
    name: 'an active drawing within a drawing',
    spec: { in: ['payload'] },
    payload: { image: dataUri('image/svg+xml', within(dataUri('image/svg+xml', ACTIVE))) },
    want: 'deny',
    faults: ['active_content'],
  },
  {
    label: 'deny',
    name: 'an address within a drawing',
    spec: { in: ['payload'], hosts: ['a.example'] },
    payload: { image: dataUri('image/svg+xml', within('https://evil.example/?q=1')) },
    want: 'deny',
    faults: ['host_not_allowed'],
  },
  {
    label: 'deny',
    name: 'an address without slashes as browsers read them',
    spec: { in: ['payload'], hosts: ['a.example'] },
    payload: { text: '![x](https:\\\\evil.example/p)' },
    want: 'deny',
    faults: ['address_unreadable', 'scheme_not_allowed'],
  },
  {
    label: 'boundary',
    name: 'drawings within drawings, four deep',
    spec: { in: ['payload'] },
    payload: { image: nested(4) },
    want: 'allow',
  },
  {
    label: 'boundary',
    name: 'drawings within drawings, five deep',
    spec: { in: ['payload'] },
    payload: { image: nested(5) },
    want: 'deny',
    faults: ['too_deep'],
  },
  {
    label: 'bad-input',
    name: 'a data URI as a name',
    spec: pictures,
    payload: { inner: { [dataUri('image/svg+xml', SVG)]: 1 } },
    want: 'deny',
    faults: ['type_not_allowed'],
  },
]

test.for(CASES)('$label: $name -> $want', ({ spec, payload, want, faults, ...one }) => {
  const { verdict, findings } = judgeWith(rule({ kind, spec, ...one.rule }), { payload })
  expect(verdict).toBe(want)
  const shown = (findings[0]?.evidence['faults'] ?? []) as { fault: string }[]
  expect(shown.map(({ fault }) => fault)).toEqual(faults ?? [])
})

test('the table has every label', () => {
  expect(missingLabels(CASES)).toEqual([])
})

test('a finding holds nothing of the content, its host or its name', () => {
  const made = rule({ kind, spec: { in: ['payload'], hosts: ['a.example'] } })
  const { findings } = judgeWith(made, { payload: { text: 'https://evil.example/q.png' } })
  expect(JSON.stringify(findings)).not.toMatch(/evil|q\.png/)
  expect(findings[0]?.evidence).toEqual({
    count: 1,
    faults: [{ fault: 'host_not_allowed', at: '/payload/text' }],
  })
})

describe('what a finding changes', () => {
  const changing = (
    change: 'redact' | 'drop' | 'tokenise',
    spec: Record<string, unknown>,
    more: RuleChanges = {},
  ) => rule({ kind, spec, verdict: 'redact', change, ...more })
  const apply = (made: ReturnType<typeof rule>, action: Partial<JudgedAction>) => {
    const { verdict, obligations } = judgeWith(made, action)
    const { payload = {}, result } = action
    const parts = { payload, ...(result === undefined ? {} : { result }) }
    return { verdict, ...applyObligations(parts, obligations, () => 'token') }
  }
  const GIF = dataUri('image/gif', gif())
  const onlyPng = { in: ['payload'], types: ['image/png'] }

  test('redact masks the fields at fault and no other', () => {
    const payload = { a: GIF, list: [PNG, GIF, { 'odd name': GIF }], b: 'text' }
    expect(apply(changing('redact', onlyPng), { payload })).toEqual({
      verdict: 'redact',
      payload: {
        a: '[redacted]',
        list: [PNG, '[redacted]', { 'odd name': '[redacted]' }],
        b: 'text',
      },
    })
  })

  test('drop leaves out the elements at fault and no other', () => {
    const payload = { a: GIF, b: PNG, list: [GIF, PNG, GIF] }
    expect(apply(changing('drop', onlyPng), { payload }).payload).toEqual({ b: PNG, list: [PNG] })
  })

  test('tokenise puts tokens in the place of the fields', () => {
    expect(apply(changing('tokenise', onlyPng), { payload: { a: GIF } }).payload).toEqual({
      a: 'token',
    })
  })

  test('a result as a whole may be masked', () => {
    const made = changing('redact', { ...onlyPng, in: ['result'] }, { on: { phase: 'result' } })
    expect(apply(made, { phase: 'result', result: GIF }).result).toBe('[redacted]')
  })

  test('more fields than a finding can name are named by their list', () => {
    const payload = { list: new Array(100).fill({ image: GIF }) }
    const { payload: left } = apply(changing('redact', onlyPng), { payload })
    expect(JSON.stringify(left)).not.toContain('data:')
  })

  test.for<{ name: string; payload: Record<string, JsonValue> }>([
    { name: 'a name of the payload itself', payload: { [GIF]: 1 } },
    { name: 'a field whose path no receipt holds', payload: { ['x'.repeat(300)]: GIF } },
    {
      name: 'too many fields of different names',
      payload: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, GIF])),
    },
  ])('$name cannot be changed -> deny', ({ payload }) => {
    const result = judgeWith(changing('redact', onlyPng), { payload })
    expect(result.verdict).toBe('deny')
    expect(codes(result)).toEqual(['RULE_FAILED'])
  })
})

test('a payload made to cost is bounded', () => {
  const packed = zip(
    Array.from({ length: 40 }, (_, i) => ({ name: `${i}`, data: Buffer.alloc(1_500_000, i) })),
  )
  const payload = { list: Array.from({ length: 20 }, () => dataUri('application/zip', packed)) }
  const start = cpuMs()
  expect(judgeWith(rule({ kind, spec: { in: ['payload'] } }), { payload }).verdict).toBe('deny')
  expect(cpuMs() - start).toBeLessThan(16_000)
})

test.for<{ name: string; spec: Record<string, unknown>; code: string }>([
  { name: 'no place to look', spec: {}, code: 'VALUE_INVALID' },
  { name: 'a place of nothing', spec: { in: ['paylod'] }, code: 'PATH_INVALID' },
  { name: 'no types', spec: { in: ['payload'], types: [] }, code: 'VALUE_INVALID' },
  {
    name: 'a bound that is none',
    spec: { in: ['payload'], ratio_max: '100' },
    code: 'VALUE_INVALID',
  },
  { name: 'another word', spec: { in: ['payload'], untold: 'allow' }, code: 'VALUE_INVALID' },
])('$name -> $code at load', ({ spec, code }) => {
  expect(() => load({ rules: [rule({ kind, spec })] })).toThrow(expect.objectContaining({ code }))
})
