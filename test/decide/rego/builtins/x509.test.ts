import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { X509 } from '../../../../src/decide/rego/builtins/x509.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectGet, setOf } from '../../../../src/decide/rego/values/value.ts'
import { caller, newCall } from './tagged-values.ts'

const call = caller(X509)
const VERIFY = 'crypto.x509.parse_and_verify_certificates_with_options'
const { texts, cases } = JSON.parse(
  readFileSync(new URL('../../../vectors/rego/x509.json', import.meta.url), 'utf8'),
) as { texts: string[]; cases: [string, string, ({ $: number[] } | string)[], unknown?][] }

/** Root, intermediate and leaf for `a.example`, valid from 2020 to 2040. */
const CHAIN = certificates('plain')
const IN_2030_NS = 1_900_000_000_000_000_000n

describe('the moment of verification', () => {
  const source = CHAIN.join('')

  test.for([
    {
      name: 'no options at all',
      run: () => call('crypto.x509.parse_and_verify_certificates', source),
    },
    { name: 'options without a time', run: () => call(VERIFY, source, { DNSName: 'a.example' }) },
  ])('$name -> an error that says what to pass', ({ run }) => {
    expect(run).toThrow(/with_options and pass .* as "CurrentTime"/)
  })

  test.for([
    { name: 'no certificate', source: 'x!' },
    { name: 'one certificate', source: CHAIN[0] ?? '' },
    { name: 'another PEM block', source: '-----BEGIN X-----\n-----END X-----\n' },
  ])('$name needs no time -> not valid', ({ source }) => {
    expect(call('crypto.x509.parse_and_verify_certificates', source)).toEqual([false, []])
    expect(call(VERIFY, source, {})).toEqual([false, []])
  })

  test('at a time within and beyond its life -> valid, not valid', () => {
    expect(isValid(CHAIN, { CurrentTime: IN_2030_NS })).toBe(true)
    expect(isValid(CHAIN, { CurrentTime: 0 })).toBe(false)
    expect(isValid(CHAIN, { CurrentTime: 9_000_000_000_000_000_000n })).toBe(false)
  })
})

describe('verification', () => {
  const [root = '', intermediate = '', leaf = ''] = CHAIN

  test.for([
    { name: 'without the intermediate', chain: [root, leaf] },
    { name: 'under another root', chain: [leaf, intermediate, leaf].toSpliced(0, 1, other()) },
    { name: 'with the leaf as root', chain: [leaf, intermediate] },
    { name: 'with an altered leaf', chain: [root, intermediate, altered(leaf)] },
  ])('$name -> not valid', ({ chain }) => {
    expect(isValid(chain, { CurrentTime: IN_2030_NS })).toBe(false)
  })

  test('usages as a set -> as an array', () => {
    const usages = ['KeyUsageClientAuth', 'KeyUsageServerAuth']
    expect(isValid(CHAIN, { CurrentTime: IN_2030_NS, KeyUsages: setOf(usages) })).toBe(true)
    expect(isValid(CHAIN, { CurrentTime: IN_2030_NS, KeyUsages: setOf(usages.slice(0, 1)) })).toBe(
      false,
    )
  })

  test('signatures are charged before they are checked', () => {
    const poor = {
      ...newCall(),
      work(units: number) {
        if (units > 50_000) throw new RangeError('spent')
      },
    }
    const options = { CurrentTime: IN_2030_NS }
    expect(() => X509[VERIFY]?.(poor, CHAIN.join(''), options)).toThrow(RangeError)
  })
})

describe('malformed certificates', () => {
  const pem = CHAIN[2] ?? ''
  const der = Buffer.from(pem.replace(/-----[^-]*-----|\s/g, ''), 'base64')

  test('whatever is altered, it ends in an error or an answer', () => {
    fc.assert(
      fc.property(
        fc.nat(der.length - 1),
        fc.nat(255),
        fc.constantFrom('set', 'cut', 'insert'),
        (at, byte, how) => {
          const bytes = [...der]
          if (how === 'set') bytes[at] = byte
          else bytes.splice(at, how === 'cut' ? 1 : 0, ...(how === 'cut' ? [] : [byte]))
          const source = Buffer.from(bytes).toString('base64')
          for (const name of [
            'crypto.x509.parse_certificates',
            'crypto.x509.parse_certificate_request',
          ]) {
            try {
              call(name, source)
            } catch (error) {
              expect(error).toMatchObject({ name: 'BuiltinError' })
            }
          }
        },
      ),
    )
  })

  test.for([
    { name: 'a length beyond the end', bytes: [0x30, 0x84, 0xff, 0xff, 0xff, 0xff] },
    { name: 'an indefinite length', bytes: [0x30, 0x80, 0, 0] },
    { name: 'a length longer than it need be', bytes: [0x30, 0x81, 0x01, 0] },
    { name: 'a tag of many octets', bytes: [0x3f, 0x81, 0x01, 0] },
    { name: 'something behind it', bytes: [...der, 0] },
  ])('$name -> an error', ({ bytes }) => {
    const source = Buffer.from(bytes).toString('base64')
    expect(() => call('crypto.x509.parse_certificates', source)).toThrow(/x509: malformed/)
  })

  test('a negative serial number -> an error', () => {
    const bytes = Buffer.from(der)
    const version = bytes.indexOf(Buffer.from('a003020102', 'hex'))
    bytes[version + 7] = 0x80 | (bytes[version + 7] ?? 0)
    const source = bytes.toString('base64')
    expect(() => call('crypto.x509.parse_certificates', source)).toThrow('negative serial number')
  })

  test('depth costs no stack', () => {
    let nested = Buffer.alloc(0)
    for (let depth = 0; depth < 1_500; depth++) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(nested.length)
      const head = nested.length < 128 ? [nested.length] : [0x84, ...length]
      nested = Buffer.concat([Buffer.from([0x30, ...head]), nested])
    }
    const source = nested.toString('base64')
    expect(() => call('crypto.x509.parse_certificates', source)).toThrow(/x509/)
  })
})

test('a certificate is charged for its text, a long list of them ends', () => {
  const source = (CHAIN[0] ?? '').repeat(2_000)
  expect(() => call('crypto.x509.parse_certificates', source)).toThrow('no steps left')
})

test('the texts of URIs are there where OPA adds them, and nowhere else', () => {
  const [certificate] = call('crypto.x509.parse_certificates', CHAIN[2] ?? '') as readonly Value[]
  expect(objectGet(certificate as never, 'URIStrings')).toBeNull()
  const [, chain] = call(VERIFY, CHAIN.join(''), { CurrentTime: IN_2030_NS }) as [boolean, Value[]]
  expect(objectGet(chain[0] as never, 'URIStrings')).toBeUndefined()
})

function isValid(chain: readonly string[], options: Readonly<Record<string, Value>>): boolean {
  return (call(VERIFY, chain.join(''), options) as readonly [boolean])[0]
}

function certificates(note: string): readonly string[] {
  const [, , operands] = cases.find(([name]) => name === note) ?? []
  const source = operands?.[0]
  if (typeof source !== 'object') throw new Error(`no certificates of ${note}`)
  const joined = [source.$]
    .flat()
    .map((at) => texts[at] as string)
    .join('')
  return joined.split(/(?<=-----END CERTIFICATE-----\n)/).filter((text) => text !== '')
}

function other(): string {
  return certificates('ca ok')[1] ?? ''
}

function altered(pem: string): string {
  const lines = pem.split('\n')
  const at = lines.length - 4
  lines[at] = (lines[at] ?? '').replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))
  return lines.join('\n')
}
