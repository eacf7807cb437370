import { createHash, createHmac } from 'node:crypto'
import { createHashMappingSync, unpackSync } from '@sd-jwt/decode'
import { presentableKeysSync } from '@sd-jwt/present'
import { Disclosure as OracleDisclosure } from '@sd-jwt/utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { Disclosure } from '../../src/base/commitments.ts'
import { commitAction, openCommitments, rootOf } from '../../src/base/commitments.ts'
import { sha256Hex } from '../../src/base/digest.ts'
import { disclosureDigest } from '../../src/base/disclosure.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import vectors from '../vectors/commitments.json' with { type: 'json' }

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i)
const codeOf = (code: string) => expect.objectContaining({ code })

/** Actions that show every shape: the vectors hold what each becomes. */
const CASES: { name: string; action: JsonObject; fields?: string[] }[] = [
  { name: 'nothing to commit', action: { agent: 'a', service: 'billing' } },
  { name: 'empty containers', action: { payload: {}, context: [] } },
  { name: 'scalars', action: { agent: 'a', payload: { n: null, t: true, i: -0, f: 0.1, s: 'x' } } },
  {
    name: 'nested',
    action: {
      action: 'refund',
      payload: { items: [{ id: 'i-1', qty: 2 }, [1, [2]], {}], user: { id: 'u-1' } },
      context: { ticket: 'T-1' },
    },
  },
  {
    name: 'a named field',
    action: { principal: 'u-1', session: { id: 's' }, agent: 'a', payload: 1 },
    fields: ['principal', 'session', 'absent'],
  },
  {
    name: 'odd names',
    action: { payload: { '': 1, 'a/b~c': 2, 'é€😀': 'é€😀', constructor: '"\\\n', '1': [0] } },
  },
  { name: 'eleven elements', action: { payload: Array.from({ length: 11 }, (_, i) => i) } },
]

const committedCases = CASES.map(({ name, action, fields = [] }) => {
  return { name, action, fields, ...commitAction(action, { seed: SEED, fields }) }
})

test('the format is the fixed one of test/vectors/commitments.json', () => {
  const document = {
    about:
      'Fixed vectors of the commitment format: they never change, because receipts hold these roots.',
    seed: Buffer.from(SEED).toString('hex'),
    cases: JSON.parse(JSON.stringify(committedCases)),
  }
  expect(document).toEqual(vectors)
})

test('one disclosure, made by hand with node:crypto', () => {
  const { committed, disclosures, root } = commitAction(
    { agent: 'a', payload: [7] },
    { seed: SEED },
  )
  const salt = (pointer: string) =>
    createHmac('sha256', SEED).update(pointer).digest().subarray(0, 16).toString('base64url')
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url')
  const element = Buffer.from(`["${salt('/payload/0')}",7]`).toString('base64url')
  const payload = Buffer.from(
    `["${salt('/payload')}","payload",[{"...":"${hash(element)}"}]]`,
  ).toString('base64url')
  expect(disclosures).toEqual([
    { pointer: '/payload', disclosure: payload },
    { pointer: '/payload/0', disclosure: element },
  ])
  expect(committed).toEqual({ agent: 'a', _sd: [hash(payload)], _sd_alg: 'sha-256' })
  expect(root).toBe(
    `sha256:${sha256Hex(`{"_sd":["${hash(payload)}"],"_sd_alg":"sha-256","agent":"a"}`)}`,
  )
})

/** RFC 9901 section 4.2.1: https://www.rfc-editor.org/rfc/rfc9901#section-4.2.1 */
test('RFC 9901: the digest of its first sample disclosure', () => {
  const sample = 'WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0'
  expect(disclosureDigest(sample)).toBe('X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0')
})

test.for(committedCases)(
  '$name: opens to the action',
  ({ action, committed, disclosures, root }) => {
    expect(canonicalize(openCommitments(committed, disclosures))).toBe(canonicalize(action))
    expect(rootOf(committed)).toBe(root)
    const pointers = disclosures.map(({ pointer }) => pointer)
    expect(pointers).toEqual([...pointers].sort())
  },
)

/** Keys that JSON allows; reserved ones and, for the oracle's sake, the empty one left out. */
const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
  .filter((name) => !['_sd', '_sd_alg', '...', '__proto__'].includes(name))
const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>(null, true, false, 0, -1.5, 1e21),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const anyAction = fc.record(
  {
    agent: fc.string({ unit: 'grapheme' }),
    payload: anyValue,
    context: anyValue,
    principal: anyValue,
  },
  { requiredKeys: ['agent'], noNullPrototype: true },
)
const OPTIONS = { seed: SEED, fields: ['principal'] }

describe('properties', () => {
  test('any action opens to itself; its root does not depend on key order', () => {
    fc.assert(
      fc.property(anyAction, (action) => {
        const { root, committed, disclosures } = commitAction(action, OPTIONS)
        expect(canonicalize(openCommitments(committed, disclosures))).toBe(canonicalize(action))
        const turned = commitAction(reversed(action) as JsonObject, OPTIONS)
        expect(turned.root).toBe(root)
        expect(turned.disclosures).toEqual(disclosures)
      }),
    )
  })

  test('any subset of disclosures opens or is refused; the root stays; SD-JWT libraries agree', () => {
    fc.assert(
      fc.property(anyAction, fc.infiniteStream(fc.boolean()), (action, coins) => {
        const { root, committed, disclosures } = commitAction(action, OPTIONS)
        const shown = visible(disclosures, coins)
        const opened = openCommitments(committed, shown)
        expect(rootOf(committed)).toBe(root)
        expect(canonicalize(opened)).toBe(canonicalize(unpackByOracle(committed, shown)))
      }),
    )
  })

  test('an SD-JWT library finds one presentable key a disclosure', () => {
    fc.assert(
      fc.property(anyAction, (action) => {
        const { committed, disclosures } = commitAction(action, OPTIONS)
        const keys = presentableKeysSync({ ...committed }, oracleDisclosures(disclosures), hasher)
        const dotted = disclosures.map(({ pointer }) =>
          pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~'),
        )
        expect(keys).toEqual([...new Set(dotted)].sort())
      }),
    )
  })
})

const hasher = (data: string | ArrayBuffer): Uint8Array => {
  const input = typeof data === 'string' ? data : new Uint8Array(data)
  return Uint8Array.from(createHash('sha256').update(input).digest())
}

function oracleDisclosures(disclosures: readonly Disclosure[]) {
  return disclosures.map(({ disclosure }) =>
    OracleDisclosure.fromEncodeSync(disclosure, { hasher, alg: 'sha-256' }),
  )
}

function unpackByOracle(committed: JsonObject, disclosures: readonly Disclosure[]): JsonValue {
  const theirs = oracleDisclosures(disclosures)
  const digests = Object.keys(createHashMappingSync(theirs, { hasher, alg: 'sha-256' }))
  expect(digests).toEqual([...disclosures.map(({ disclosure }) => disclosureDigest(disclosure))])
  return unpackSync({ ...committed }, theirs, hasher).unpackedObj as JsonValue
}

/** A random subset in which each disclosure's parent is shown too. */
function visible(disclosures: readonly Disclosure[], coins: Iterator<boolean>): Disclosure[] {
  const shown = new Set([''])
  return disclosures.filter(({ pointer }) => {
    const parent = pointer.slice(0, pointer.lastIndexOf('/'))
    if (!shown.has(parent) || coins.next().value === true) return false
    shown.add(pointer)
    return true
  })
}

function reversed(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(reversed)
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

test('another seed, another root; another value, another root', () => {
  const root = (payload: JsonValue, seed = SEED) => commitAction({ payload }, { seed }).root
  expect(
    root(
      1,
      SEED.map((byte) => byte ^ 1),
    ),
  ).not.toBe(root(1))
  expect(root(2)).not.toBe(root(1))
})

const DEEP = (levels: number): JsonValue => (levels === 0 ? 1 : [DEEP(levels - 1)])

test.for<{ name: string; action: unknown; code: string; seed?: Uint8Array }>([
  {
    name: '_sd in the payload',
    action: { payload: { a: [{ _sd: [] }] } },
    code: 'ACTION_AMBIGUOUS',
  },
  { name: '... in the context', action: { context: { '...': 'x' } }, code: 'ACTION_AMBIGUOUS' },
  { name: '_sd_alg at the top', action: { _sd_alg: 'sha-256' }, code: 'ACTION_AMBIGUOUS' },
  { name: '_sd in a clear member', action: { agent: { _sd: [] } }, code: 'ACTION_AMBIGUOUS' },
  {
    name: '__proto__',
    action: { payload: JSON.parse('{"__proto__":1}') },
    code: 'ACTION_AMBIGUOUS',
  },
  {
    name: '__proto__ at the top',
    action: JSON.parse('{"__proto__":{}}'),
    code: 'ACTION_AMBIGUOUS',
  },
  { name: 'a lone surrogate', action: { payload: { a: '\ud800' } }, code: 'VALUE_NOT_JSON' },
  {
    name: 'a lone surrogate as a key',
    action: { payload: { '\ud800': [1] } },
    code: 'VALUE_NOT_JSON',
  },
  { name: 'a date', action: { payload: { at: new Date(0) } }, code: 'VALUE_NOT_JSON' },
  { name: 'a hole', action: { payload: new Array(1) }, code: 'VALUE_NOT_JSON' },
  { name: 'nesting of 65', action: { payload: DEEP(64) }, code: 'ACTION_TOO_DEEP' },
  { name: 'clear nesting of 65', action: { agent: DEEP(64) }, code: 'ACTION_TOO_DEEP' },
  { name: 'a short seed', action: {}, code: 'COMMITMENT_INVALID', seed: new Uint8Array(31) },
])('$name -> $code', ({ action, code, seed = SEED }) => {
  expect(() => commitAction(action as JsonObject, { seed })).toThrow(codeOf(code))
})

test('nesting of 64 -> commits and opens', () => {
  const action = { payload: DEEP(63) }
  const { committed, disclosures } = commitAction(action, { seed: SEED })
  expect(openCommitments(committed, disclosures)).toEqual(action)
})

describe('refused on opening', () => {
  const action = { agent: 'a', payload: { a: 1, list: [1, 2] }, context: { b: 2 } }
  const { committed, disclosures } = commitAction(action, { seed: SEED })
  const at = (pointer: string) => disclosures.find((each) => each.pointer === pointer) as Disclosure
  const without = (pointer: string) => disclosures.filter((each) => each.pointer !== pointer)
  const SALT = 'AAAAAAAAAAAAAAAAAAAAAA'
  const made = (pointer: string, text: string): Disclosure => ({
    pointer,
    disclosure: Buffer.from(text).toString('base64url'),
  })
  /** A commitment forged around any disclosures, with those of the top-level members first. */
  const around = (tops: Disclosure[], inner: Disclosure[] = []): [JsonObject, Disclosure[]] => [
    { _sd: tops.map(({ disclosure }) => disclosureDigest(disclosure)).sort(), _sd_alg: 'sha-256' },
    [...tops, ...inner],
  ]
  const digest = (each: Disclosure) => disclosureDigest(each.disclosure)
  const inner = made('/payload/x', `["${SALT}","x",1]`)
  const element = made('/payload/0', `["${SALT}",1]`)
  const twice = `{"_sd":["${digest(inner)}"]}`

  test('the forging helpers can also make a sound one', () => {
    const sound = made('/payload', `["${SALT}","payload",${twice}]`)
    expect(openCommitments(...around([sound], [inner]))).toEqual({ payload: { x: 1 } })
  })

  test.for<{ name: string; committed: JsonObject; disclosures: readonly Disclosure[] }>([
    { name: 'a disclosure nobody refers to', committed, disclosures: [...disclosures, inner] },
    { name: 'a disclosure whose parent is hidden', committed, disclosures: without('/payload') },
    { name: 'one disclosure twice', committed, disclosures: [...disclosures, at('/payload/a')] },
    {
      name: 'another pointer',
      committed,
      disclosures: [...without('/payload/a'), { ...at('/payload/a'), pointer: '/payload/b' }],
    },
    {
      name: 'another pointer of an element',
      committed,
      disclosures: [
        ...without('/payload/list/0'),
        { ...at('/payload/list/0'), pointer: '/payload/list/1' },
      ],
    },
    { name: 'no algorithm', committed: { agent: 'a' }, disclosures: [] },
    { name: 'another algorithm', committed: { ...committed, _sd_alg: 'sha-512' }, disclosures },
    { name: 'an empty _sd', committed: { _sd: [], _sd_alg: 'sha-256' }, disclosures: [] },
    { name: '_sd that is no list', committed: { _sd: 'x', _sd_alg: 'sha-256' }, disclosures: [] },
    {
      name: '_sd unsorted',
      committed: { ...committed, _sd: [...(committed['_sd'] as string[])].reverse() },
      disclosures,
    },
    {
      name: 'a digest twice',
      committed: { _sd: Array(2).fill(digest(inner)), _sd_alg: 'sha-256' },
      disclosures: [],
    },
    {
      name: 'a digest of another length',
      committed: { _sd: ['abc'], _sd_alg: 'sha-256' },
      disclosures: [],
    },
    {
      name: '_sd inside a clear member',
      committed: { ...committed, agent: { _sd: [] } },
      disclosures,
    },
    { name: '... at the top', committed: { ...committed, '...': 'x' }, disclosures },
    { name: 'a member clear and committed', committed: { ...committed, payload: 1 }, disclosures },
    ...(
      [
        [
          'a hidden digest that stands in two places',
          around([made('/a', `["${SALT}","a",${twice}]`), made('/b', `["${SALT}","b",${twice}]`)]),
        ],
        [
          'one digest in two places',
          around(
            [made('/a', `["${SALT}","a",${twice}]`), made('/b', `["${SALT}","b",${twice}]`)],
            [inner],
          ),
        ],
        [
          'one name twice',
          around([made('/a', `["${SALT}","a",1]`), made('/a', `["${SALT}","a",2]`)]),
        ],
        ['an element where a member belongs', around([made('', `["${SALT}",1]`)])],
        [
          'a member where an element belongs',
          around([made('/payload', `["${SALT}","payload",[{"...":"${digest(inner)}"}]]`)], [inner]),
        ],
        [
          'a clear member beside _sd',
          around(
            [made('/payload', `["${SALT}","payload",{"_sd":["${digest(inner)}"],"y":1}]`)],
            [inner],
          ),
        ],
        ['a clear member alone', around([made('/payload', `["${SALT}","payload",{"y":1}]`)])],
        [
          'a clear element',
          around(
            [made('/payload', `["${SALT}","payload",[1,{"...":"${digest(element)}"}]]`)],
            [element],
          ),
        ],
        ['four fields', around([made('/a', `["${SALT}","a",1,2]`)])],
        ['one field', around([made('/a', `["${SALT}"]`)])],
        ['an object', around([made('/a', `{"a":1}`)])],
        ['a short salt', around([made('/a', '["AAAA","a",1]')])],
        ['a name that is a number', around([made('/1', `["${SALT}",1,1]`)])],
        ['the name _sd', around([made('/_sd', `["${SALT}","_sd",[]]`)])],
        ['the name __proto__', around([made('/__proto__', `["${SALT}","__proto__",1]`)])],
        ['white space', around([made('/a', `["${SALT}", "a",1]`)])],
        ['no JSON', around([made('/a', 'x')])],
        ['a long number', around([made('/a', `["${SALT}","a",9007199254740993]`)])],
        [
          'padding',
          around([
            { pointer: '/a', disclosure: `${made('/a', `["${SALT}","ab",1]`).disclosure}==` },
          ]),
        ],
      ] as [string, [JsonObject, Disclosure[]]][]
    ).map(([name, [forged, its]]) => ({
      name: `a disclosure with ${name}`,
      committed: forged,
      disclosures: its,
    })),
  ])('$name', ({ committed, disclosures }) => {
    expect(() => openCommitments(committed, disclosures)).toThrow(codeOf('COMMITMENT_INVALID'))
  })
})
