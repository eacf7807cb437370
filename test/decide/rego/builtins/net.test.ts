import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BuiltinError } from '../../../../src/decide/rego/builtins/builtin.ts'
import { NET } from '../../../../src/decide/rego/builtins/net.ts'
import { SEMVER } from '../../../../src/decide/rego/builtins/semver.ts'
import { UUID } from '../../../../src/decide/rego/builtins/uuid.ts'
import type { RegoSet, Value } from '../../../../src/decide/rego/values/value.ts'
import { setOf } from '../../../../src/decide/rego/values/value.ts'
import { testOracleAnswers } from './oracle-answers.ts'
import { caller, readOracleCases } from './tagged-values.ts'

// The old name of net.cidr_contains, which topdown still answers to.
const { 'net.cidr_overlap': overlap, ...current } = NET
const FAMILY = { ...current, ...UUID, ...SEMVER }
const call = caller(FAMILY)

testOracleAnswers('net.json', FAMILY)

test('net.cidr_overlap is net.cidr_contains', () => {
  expect(overlap).toBe(NET['net.cidr_contains'])
  expect(readOracleCases('net.json').length).toBeGreaterThan(500)
})

describe('net.cidr_merge', () => {
  const block = fc
    .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 }))
    .map(([last, prefix]) => `10.0.0.${last}/${prefix}`)

  test('the merged blocks hold the same addresses, and no two of them touch', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), (blocks) => {
        const merged = (call('net.cidr_merge', blocks) as RegoSet).values() as string[]
        expect(addressesOf(merged)).toEqual(addressesOf(blocks))
        expect(call('net.cidr_merge', merged)).toEqual(setOf(merged))
      }),
    )
  })

  function addressesOf(blocks: readonly string[]): string[] {
    const sets = blocks.map((cidr) => call('net.cidr_expand', cidr) as RegoSet)
    return [...new Set(sets.flatMap((set) => set.values() as string[]))].sort()
  }

  test.for([
    { name: 'an IPv6 address without a prefix', list: ['::1'] },
    { name: 'IPv4 within IPv6 among others', list: ['::ffff:10.0.0.0/104', '10.0.0.0/8'] },
    { name: 'IPv6 that ends among IPv4', list: ['::fffe:0:0/95', '10.0.0.0/8'] },
    { name: 'what is no address', list: ['10.0.0.0/8', 'x'] },
    { name: 'what is no text', list: [1] },
  ])('$name -> refused', ({ list }) => {
    expect(() => call('net.cidr_merge', list)).toThrow(BuiltinError)
  })

  test('a bare IPv4 address stands for its class, as in OPA', () => {
    expect(call('net.cidr_merge', ['10.1.2.3', '10.200.0.0/16'])).toEqual(setOf(['10.0.0.0/8']))
  })
})

describe('what would take too long', () => {
  test.for(['0.0.0.0/0', '::/0', '10.0.0.0/13', '2001:db8::/64'])(
    '%s expands -> refused',
    (cidr) => {
      expect(() => call('net.cidr_expand', cidr)).toThrow()
    },
  )

  test('a product of lists -> refused', () => {
    const list = Array.from({ length: 1_000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`)
    expect(() => call('net.cidr_contains_matches', list, list)).toThrow('no steps left')
  })
})

test.for([
  ['010.0.0.0/8', 'a leading zero'],
  ['10.0.0/8', 'three parts'],
  ['10.0.0.256/32', 'a part beyond 255'],
  ['10.0.0.0/33', 'a prefix beyond 32'],
  ['10.0.0.0/-1', 'a prefix below 0'],
  ['10.0.0.0/', 'no prefix'],
  ['fe80::1%eth0/64', 'a zone'],
  ['1::2::3/64', 'two gaps'],
  ['1:2:3:4:5:6:7:8::/64', 'a gap of nothing'],
  ['::1.2.3/64', 'IPv4 of three parts'],
  ['12345::/64', 'five digits'],
])('%s is no CIDR: %s', ([cidr = '']) => {
  expect(call('net.cidr_is_valid', cidr)).toBe(false)
})

test('an order of versions, after semver.org', () => {
  const versions = ['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta']
  versions.push('1.0.0-beta.2', '1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '2.0.0', '2.1.0', '2.1.1')
  for (const [at, a] of versions.entries()) {
    for (const [to, b] of versions.entries()) {
      expect(call('semver.compare', a, b)).toBe(Math.sign(at - to) + 0)
    }
  }
})

test('identifiers beyond 64 bits are equal; OPA never ends on them', () => {
  const [a, b] = ['1.0.0-9223372036854775808', '1.0.0-9223372036854775809']
  expect(call('semver.compare', a as Value, b as Value)).toBe(0)
})
