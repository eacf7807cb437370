import { deflateRawSync, deflateSync, gzipSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { filetypemime } from 'magic-bytes.js'
import { describe, expect, test } from 'vitest'
import {
  decodeBlob,
  examineMedia,
  findAddresses,
  findDataUris,
  isSameType,
  readAddress,
} from '../../../src/decide/detect/media.ts'
import { inflatedLength } from '../../../src/decide/detect/media-inflate.ts'
import { sniffType } from '../../../src/decide/detect/media-type.ts'
import { cpuMs } from '../../support/cpu.ts'
import { bytes, gif, jpeg, png, pngChunk, SVG, textChunk, zip } from './media-files.ts'

const limits = () => ({ lengthMax: 1_000_000, budget: { bits: 8_000_000 } })
const look = (content: Uint8Array) => examineMedia(content, limits())
const zeros = (length: number) => Buffer.alloc(length)

/** A GIF whose first frame says that it is of another size. */
function framed(content: Uint8Array, width: number, height: number): Uint8Array {
  const copy = Uint8Array.from(content)
  const at = copy.indexOf(0x2c)
  copy.set([width & 255, width >> 8, height & 255, height >> 8], at + 5)
  return copy
}

/** A zip whose directory says that its first entry is stored. */
function relabelled(content: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(content)
  copy[Buffer.from(copy).indexOf('PK\x01\x02', 0, 'latin1') + 10] = 0
  return copy
}

describe('the length that DEFLATE unpacks to', () => {
  test('is what zlib gives, at every level, for any data', () => {
    const data = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(900))
        .map(([piece, times]) => Buffer.concat(Array.from({ length: times }, () => piece))),
    )
    fc.assert(
      fc.property(data, fc.integer({ min: 0, max: 9 }), (content, level) => {
        const packed = bytes('x', deflateRawSync(content, { level }), 'tail')
        const found = inflatedLength(packed, 1, limits())
        expect(found).toEqual({ length: content.length, end: packed.length - 4 })
      }),
      { numRuns: 150 },
    )
  })

  test('of a damaged stream is told only where zlib unpacks it too', () => {
    const damage = fc.tuple(fc.uint8Array({ minLength: 20, maxLength: 300 }), fc.nat(), fc.nat(255))
    fc.assert(
      fc.property(damage, ([content, where, byte]) => {
        const packed = Uint8Array.from(deflateRawSync(content))
        packed[where % packed.length] = byte
        const found = inflatedLength(packed, 0, limits())
        let want: number | null = null
        try {
          want = inflateRawSync(packed).length
        } catch {
          // zlib refuses it.
        }
        expect(found?.length ?? null).toBe(want)
      }),
      { numRuns: 400 },
    )
  })

  test.for([
    { name: 'a stream cut short', cut: -3, max: 5000, bits: 80_000, want: null },
    { name: 'exactly the bound', cut: undefined, max: 5000, bits: 80_000, want: 5000 },
    { name: 'one byte beyond the bound', cut: undefined, max: 4999, bits: 80_000, want: Infinity },
    { name: 'too little budget', cut: undefined, max: 5000, bits: 100, want: Infinity },
  ])('$name -> $want', ({ cut, max, bits, want }) => {
    const packed = deflateRawSync(zeros(5000)).subarray(0, cut)
    const found = inflatedLength(packed, 0, { lengthMax: max, budget: { bits } })
    expect(found?.length ?? null).toBe(want)
  })
})

describe('the type of content', () => {
  const files: readonly (readonly [string | null, Uint8Array])[] = [
    ['image/png', png()],
    ['image/gif', gif()],
    ['image/jpeg', jpeg()],
    ['image/webp', bytes('RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\0')],
    ['image/bmp', bytes('BM', [70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0], zeros(52))],
    ['image/tiff', bytes('II*\0', zeros(8))],
    ['image/avif', bytes([0, 0, 0, 28], 'ftypavif', zeros(16))],
    ['image/heic', bytes([0, 0, 0, 28], 'ftypheic', zeros(16))],
    ['video/mp4', bytes([0, 0, 0, 28], 'ftypisom', zeros(16))],
    ['video/quicktime', bytes([0, 0, 0, 20], 'ftypqt  ', zeros(16))],
    ['video/webm', bytes('\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webmB\x87')],
    ['audio/mpeg', bytes('ID3\x04', zeros(16))],
    ['audio/mpeg', bytes([0xff, 0xfb, 0x90, 0x64], zeros(16))],
    ['audio/aac', bytes([0xff, 0xf1, 0x50, 0x80], zeros(16))],
    ['audio/wav', bytes('RIFF\x24\0\0\0WAVEfmt ', zeros(16))],
    ['audio/flac', bytes('fLaC', zeros(16))],
    ['application/pdf', bytes('%PDF-1.7\n%\xe2\xe3')],
    ['application/zip', zip([{ name: 'a.txt', data: bytes('hello') }])],
    ['application/gzip', gzipSync('hello')],
    ['application/x-7z-compressed', bytes('7z\xbc\xaf\x27\x1c', zeros(26))],
    ['application/vnd.rar', bytes('Rar!\x1a\x07\x01\0', zeros(8))],
    ['application/x-elf', bytes('\x7fELF\x02', zeros(16))],
    ['application/x-msdownload', bytes('MZ\x90\0', zeros(60))],
    ['image/svg+xml', bytes(SVG)],
    [
      'image/svg+xml',
      bytes(
        '\xef\xbb\xbf<?xml version="1.0"?><!-- a --> <!DOCTYPE svg [ <!ENTITY a "b"> ]>\n<s:svg/>',
      ),
    ],
    ['image/svg+xml', Buffer.from(`\uFEFF${SVG}`, 'utf16le')],
    ['text/html', bytes('  <!doctype HTML><p>')],
    ['text/html', bytes('<!-- x --><script>1</script>')],
    ['application/xml', bytes('<?xml version="1.0"?><order/>')],
    ['text/plain', bytes('MZ is the mark of a program')],
    ['text/plain', bytes('BM, and more text that is no bitmap')],
    ['text/plain', bytes('{"a":1}')],
    ['text/plain', bytes('')],
    [null, bytes([0, 1, 2, 3, 0xfe])],
    [null, bytes([0x80, 0x81, 0x82])],
  ]
  test.for(files)('is %s', ([want, content]) => {
    expect(sniffType(content).type).toBe(want)
    expect(sniffType(content).also).toEqual([])
  })

  // magic-bytes.js names more than one type for most files, so it can only confirm.
  const known = files.filter(([type]) =>
    /^(?!text|image.(?:svg|avif|heic|tiff)|video.(?:webm|q)|audio.(?:wav|flac)|application.(?:x|xml|vnd))/.test(
      type ?? 'text',
    ),
  )
  test.for(known)('%s: magic-bytes.js says so too', ([type, content]) => {
    const said = filetypemime([...content]).map((one) => one.replace('x-gzip', 'gzip'))
    expect(said.some((one) => isSameType(one, type ?? ''))).toBe(true)
  })

  test.for([
    {
      name: 'a zip behind a picture',
      content: bytes(gif(), zip([{ name: 'a', data: zeros(1) }])),
      also: ['application/zip', 'application/octet-stream'],
    },
    {
      name: 'a script behind a picture',
      content: png({ after: '<sCript>alert(1)</script>' }),
      also: ['text/html', 'application/octet-stream'],
    },
    {
      name: 'a page within a picture',
      content: png({ chunks: [pngChunk('tEXt', bytes('Comment\0<!DOCTYPE html>'))] }),
      also: ['text/html'],
    },
    {
      name: 'a PDF at the start of a picture',
      content: png({ chunks: [pngChunk('tEXt', bytes('Comment\0%PDF-1.4'))] }),
      also: ['application/pdf'],
    },
    {
      name: 'zeros behind a picture',
      content: png({ after: '\0\0' }),
      also: ['application/octet-stream'],
    },
    { name: 'a zip behind a text', content: bytes('hello ', zip([])), also: ['application/zip'] },
    {
      name: 'something behind gzip',
      content: bytes(gzipSync('a'), 'more'),
      also: ['application/octet-stream'],
    },
    { name: 'padding behind gzip', content: bytes(gzipSync('a'), '\0\0\0'), also: [] },
  ])('$name is also $also', ({ content, also }) => {
    expect(look(content).also).toEqual(also)
  })

  test.for([
    ['image/jpg', 'image/jpeg', true],
    ['IMAGE/PNG; charset=x', 'image/png', true],
    ['text/csv', 'text/plain', true],
    ['application/json', 'text/plain', true],
    ['application/vnd.oasis.opendocument.text', 'application/zip', true],
    ['application/octet-stream', 'application/x-elf', true],
    ['text/html', 'text/plain', false],
    ['image/svg+xml', 'text/plain', false],
    ['image/svg+xml', 'application/xml', false],
    ['text/plain', 'text/html', false],
    ['image/png', 'image/jpeg', false],
    ['image/png', 'application/zip', false],
    ['audio/mpeg', 'video/mp4', false],
  ] as const)('%s for %s: %s', ([declared, type, want]) => {
    expect(isSameType(declared, type)).toBe(want)
  })
})

describe('what a file takes once it is open', () => {
  const big = { name: 'a', data: zeros(900_000) }
  test.for([
    { name: 'a small zip', content: zip([{ name: 'a', data: zeros(5) }]), want: 5 },
    {
      name: 'a zip of stored files',
      content: zip([{ name: 'a', data: zeros(5), method: 0 }]),
      want: 5,
    },
    { name: 'a zip with a comment', content: zip([{ name: 'a', data: zeros(5) }], 'hi'), want: 5 },
    {
      name: 'a zip that lies about its size',
      content: zip([{ ...big, claim: 10 }]),
      want: 900_000,
    },
    { name: 'a zip beyond the bound', content: zip([big, big]), want: Infinity },
    {
      name: 'an encrypted zip',
      content: zip([{ name: 'a', data: zeros(5), flags: 1 }]),
      want: null,
    },
    {
      name: 'a zip of another packing',
      content: zip([{ name: 'a', data: zeros(5), method: 12 }]),
      want: null,
    },
    {
      name: 'a zip that is packed in one way by its directory and in another by itself',
      content: relabelled(zip([big])),
      want: null,
    },
    { name: 'a zip cut short', content: zip([big]).subarray(0, -10), want: null },
    {
      name: 'a zip whose entry is cut',
      content: bytes(zip([big]).subarray(0, 60), 'PK\x05\x06', zeros(18)),
      want: null,
    },
    { name: 'gzip', content: gzipSync(zeros(7)), want: 7 },
    {
      name: 'gzip of two members',
      content: bytes(gzipSync(zeros(7)), gzipSync(zeros(8))),
      want: 15,
    },
    { name: 'a gzip bomb', content: gzipSync(zeros(2_000_000)), want: Infinity },
    {
      name: 'a gzip bomb in members',
      content: bytes(...Array.from({ length: 4 }, () => gzipSync(zeros(400_000)))),
      want: Infinity,
    },
    {
      name: 'gzip that claims little',
      content: bytes(gzipSync(zeros(500)).subarray(0, -4), '\x01\0\0\0'),
      want: 500,
    },
    { name: 'gzip cut short', content: gzipSync(zeros(7)).subarray(0, -9), want: null },
    { name: 'xz', content: bytes('\xfd7zXZ\0', zeros(20)), want: null },
    { name: 'a picture without packed notes', content: png(), want: 0 },
    { name: 'a picture with a packed note', content: png({ chunks: [textChunk(600)] }), want: 600 },
    {
      name: 'a picture with a packed bomb',
      content: png({ chunks: [textChunk(1_500_000)] }),
      want: Infinity,
    },
    {
      name: 'a picture with a damaged note',
      content: png({ chunks: [pngChunk('zTXt', bytes('no end'))] }),
      want: null,
    },
    {
      name: 'a packed international note',
      content: png({
        chunks: [pngChunk('iTXt', bytes('a\0\x01\0en\0b\0', deflateSync(zeros(9))))],
      }),
      want: 9,
    },
    {
      name: 'a plain international note',
      content: png({ chunks: [pngChunk('iTXt', bytes('a\0\0\0en\0b\0text'))] }),
      want: 0,
    },
  ])('$name unpacks to $want', ({ content, want }) => {
    expect(look(content).unpacked).toBe(want)
  })

  test.for([
    { name: 'PNG', content: png({ width: 300, height: 200 }), want: 60_000 },
    {
      name: 'PNG of three frames',
      content: png({
        width: 10,
        height: 10,
        chunks: [pngChunk('acTL', bytes([0, 0, 0, 3, 0, 0, 0, 0]))],
      }),
      want: 300,
    },
    {
      name: 'PNG of billions',
      content: png({ width: 0xffff_ffff, height: 2 }),
      want: 0xffff_ffff * 2,
    },
    {
      name: 'GIF of two frames',
      content: gif({ width: 300, height: 200, frames: 2 }),
      want: 120_000,
    },
    {
      name: 'GIF whose frame is larger than its screen',
      content: framed(gif({ width: 1, height: 1 }), 300, 200),
      want: 60_000,
    },
    {
      name: 'PNG with a second header',
      content: png({
        width: 300,
        height: 200,
        chunks: [pngChunk('IHDR', bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]))],
      }),
      want: 60_000,
    },
    { name: 'JPEG', content: jpeg({ width: 300, height: 200 }), want: 60_000 },
    {
      name: 'BMP, bottom up',
      content: bytes('BM', zeros(12), [40, 0, 0, 0], [10, 0, 0, 0, 236, 255, 255, 255], zeros(28)),
      want: 200,
    },
    { name: 'PNG cut short', content: png().subarray(0, 30), want: null },
    { name: 'GIF without an end', content: gif().subarray(0, -1), want: null },
    { name: 'JPEG without a frame', content: bytes([0xff, 0xd8, 0xff, 0xd9]), want: null },
    { name: 'AVIF', content: bytes([0, 0, 0, 28], 'ftypavif', zeros(16)), want: null },
  ])('$name has $want pixels', ({ content, want }) => {
    expect(look(content).pixels).toBe(want)
    if (want === null) expect(look(content).unpacked).toBeNull()
  })

  test.for([
    { name: 'a plain drawing', content: SVG, want: false },
    {
      name: 'a drawing with a script',
      content: SVG.replace('<path', '<script/><path'),
      want: true,
    },
    { name: 'a drawing with a handler', content: SVG.replace('d=', 'onload="x()" d='), want: true },
    {
      name: 'a drawing with a script address',
      content: SVG.replace('d=', 'href="javascript:x" d='),
      want: true,
    },
    {
      name: 'a drawing with a script under another prefix',
      content: SVG.replace('<path', '<s-1:script/><path'),
      want: true,
    },
    {
      name: 'a drawing with a long handler',
      content: SVG.replace('d=', 'onwebkitanimationiteration="x()" d='),
      want: true,
    },
    {
      name: 'a drawing with a script address in numbers',
      content: SVG.replace('d=', 'href="&#x6a;ava&#115;cript&colon;x" d='),
      want: true,
    },
    {
      name: 'a drawing with a script address in lines',
      content: SVG.replace('d=', 'href="java\n\tscript:x" d='),
      want: true,
    },
    {
      name: 'a drawing with entities',
      content: `<!DOCTYPE svg [<!ENTITY a "aa">]>${SVG}`,
      want: true,
    },
  ])('$name is active: $want', ({ content, want }) => {
    expect(look(bytes(content))).toMatchObject({ type: 'image/svg+xml', active: want })
  })

  test.for([
    { part: 'word/document.xml', want: 'wordprocessingml.document', active: false },
    { part: 'xl/vbaProject.bin', want: 'spreadsheetml.sheet', active: true },
  ])('an office document with $part', ({ part, want, active }) => {
    const content = zip([
      { name: '[Content_Types].xml', data: zeros(1) },
      { name: part, data: zeros(1) },
    ])
    expect(look(content)).toMatchObject({ type: expect.stringContaining(want), active })
  })

  test('hostile bytes of any kind never throw', () => {
    const heads = [png(), gif(), jpeg(), zip([{ name: 'a', data: zeros(9) }]), gzipSync('abc')]
    const hostile = fc.tuple(
      fc.constantFrom(...heads),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(),
      fc.nat(),
    )
    fc.assert(
      fc.property(hostile, ([head, noise, at, cut]) => {
        const content = Uint8Array.from(head)
        content.set(noise.subarray(0, content.length - (at % content.length)), at % content.length)
        expect(look(content.subarray(0, cut % (content.length + 1))).bytes).toBeGreaterThanOrEqual(
          0,
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('media in a text', () => {
  const types = (text: string) =>
    findDataUris(text, 9).map(({ type, bytes: found }) => [type, found?.length ?? null])
  test.for<{ text: string; want: readonly (readonly [string | null, number | null])[] }>([
    { text: 'data:image/png;base64,AAAA', want: [['image/png', 3]] },
    { text: '  DATA:Image/PNG;charset=x;BASE64, AA AA ', want: [['image/png', 3]] },
    {
      text: 'see ![a](data:image/gif;base64,AAAA) and data:,b',
      want: [
        ['image/gif', 3],
        [null, 1],
      ],
    },
    { text: 'data:image/svg+xml,<svg a="b">', want: [['image/svg+xml', 11]] },
    { text: 'data:text/plain,%41%ff%', want: [['text/plain', 3]] },
    { text: 'data:image/png;base64,AA*A', want: [['image/png', null]] },
    { text: 'data:image/png;base64', want: [[null, null]] },
    { text: 'metadata:,x and data: a, b', want: [] },
    { text: 'the data:set, as it is', want: [['set', 0]] },
    { text: '<i x="data:image/png; charset=u;base64,AAAA">', want: [['image/png', 3]] },
    { text: `<i x='data:image/png;a="b";base64,AAAA'>`, want: [['image/png', 3]] },
    { text: '<i x="data: image/png;base64,AAAA">', want: [['image/png', 3]] },
    { text: '<i x="data:image/png;base64,AAAA AAAA">', want: [['image/png', 6]] },
    { text: '<i x="data:image/svg+xml,<svg a=\'b\'> </svg>">', want: [['image/svg+xml', 18]] },
    { text: '<i x=data:image/png;a="b";base64,AAAA>', want: [['image/png', 3]] },
    { text: '![a](data:text/plain,(b)c)', want: [['text/plain', 4]] },
    { text: '![a](<data:text/plain,b c>)', want: [['text/plain', 3]] },
    { text: `"data:image/png;${'x'.repeat(2000)},b"`, want: [['image/png', 1]] },
    { text: `"data:image/png;${'x'.repeat(2000)}"`, want: [[null, null]] },
    { text: "the 'data: a, b' and (data:text/plain;x) c, d", want: [] },
  ])('$text', ({ text, want }) => {
    expect(types(text)).toEqual(want)
  })

  test.for([
    ['AAAA', 3],
    ['AAA=', 2],
    ['AAA', 2],
    ['A-_/\n+AAA', 6],
    ['', 0],
    ['A', null],
    ['AA=A', null],
    ['é', null],
  ] as const)('base64 %s has %s bytes', ([text, want]) => {
    expect(decodeBlob(text)?.length ?? null).toBe(want)
  })

  test.for([
    { text: 'https://a.example/x.png', want: ['a.example'] },
    { text: 'https://a.example/page', want: [] },
    { text: '[link](https://a.example/page)', want: [] },
    { text: '![a [b] c](https://a.example/page?q=secret)', want: ['a.example'] },
    { text: '[id]: https://a.example/page', want: ['a.example'] },
    { text: '<img alt="" src="//A.example./page">', want: ['a.example'] },
    { text: 'background: url(https://a.example/x)', want: ['a.example'] },
    { text: 'https://a.example@evil.example/x.png', want: [null] },
    { text: 'https://a.example\\@evil.example/x.png', want: [null] },
    { text: 'https://%61.example/x.png', want: [null] },
    { text: 'https://аpple.example/x.png', want: [null] },
    { text: '(https://a.example:8443/x.jpg).', want: ['a.example'] },
    { text: 'a // comment.png', want: [] },
    { text: '![a](\nhttps://a.example/page)', want: ['a.example'] },
    { text: `![a](${' '.repeat(600)}< https://a.example/page>)`, want: ['a.example'] },
    { text: '[id]:\n  https://a.example/page', want: ['a.example'] },
    { text: `<img src =${'\n'.repeat(600)}" https://a.example/page">`, want: ['a.example'] },
    { text: '<img srcset="/a 1x, https://a.example/page 2x">', want: ['a.example'] },
    { text: '<svg><image href="https://a.example/page"/>', want: ['a.example'] },
    { text: '<link rel="stylesheet" href="https://a.example/page">', want: ['a.example'] },
    { text: '<a class="b" href="https://a.example/page">', want: [] },
    { text: '@import "https://a.example/page"', want: ['a.example'] },
    { text: '<img src="ht\ntps://a.example/page">', want: ['a.example'] },
    { text: '<img src="https:/\n/a.example/page">', want: [null] },
    { text: '![a](\\\\a.example/page)', want: [null] },
    { text: '![a](https:/\\a.example/page)', want: [null] },
    { text: '![a](http:a.example/page)', want: [null] },
    { text: 'C:\\\\a\\x.png and http:x.png', want: [] },
  ])('$text -> $want', ({ text, want }) => {
    expect(findAddresses(text, 9).map(({ host }) => host)).toEqual(want)
  })

  test.for([
    { text: 'file:///etc/x.png', host: null, web: false },
    { text: 'ftp://a.example/x', host: 'a.example', web: false },
    { text: 'javascript:alert(1)', host: null, web: false },
    { text: '/x.png', host: null, web: false },
    { text: 'HTTPS://[::1]/x', host: '[::1]', web: true },
  ])('the address $text', ({ text, host, web }) => {
    expect(readAddress(text)).toMatchObject({ host, web })
  })

  test('a text made to cost takes a moment', () => {
    const old = ['data:', '![', '](//', 'a//b', 'url(', '<!--', 'data:;;;;,']
    const quoted = ['<data:,', '(data:,(', '"data:a/b;', ' data:a/b;c"', '\\\\', 'https:', '\n//a']
    const tags = [' href="//a', ' on', '&#1', '<x:', 'java', ', //a', 'srcset,//']
    for (const piece of [...old, ...quoted, ...tags]) {
      const text = piece.repeat(1_000_000 / piece.length)
      const start = cpuMs()
      findDataUris(`x ${text}`, 256)
      findAddresses(text, 256)
      examineMedia(bytes(text), limits())
      expect(cpuMs() - start).toBeLessThan(8_000)
    }
  })
})
