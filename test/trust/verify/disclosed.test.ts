import { createHash } from 'node:crypto'
import { unpackSync } from '@sd-jwt/decode'
import { Disclosure as OracleDisclosure } from '@sd-jwt/utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { commitAction, type Disclosure } from '../../../src/base/commitments.ts'
import { fromUtf8 } from '../../../src/base/digest.ts'
import type { JsonObject, JsonValue } from '../../../src/base/json-value.ts'
import { createTree, hashLeaf, inclusionProof } from '../../../src/trust/receipt/merkle.ts'
import { formatProof } from '../../../src/trust/receipt/proof.ts'
import { executionReceipt } from '../../../src/trust/receipt/statement.ts'
import { verifyDisclosed } from '../../../src/trust/verify/index.ts'
import {
  genesis,
  logSigner,
  note,
  ORIGIN,
  POLICY,
  resolution,
  trustOf,
  verdict,
} from './log-case.ts'

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i)
const PINNED = logSigner().verifierKey

/** A receipt of an action, second in a log, as its file has it. */
function fileOf(entry: Uint8Array, disclosures: readonly Disclosure[], more: object = {}): string {
  const entries = [genesis(), entry]
  const tree = createTree()
  for (const one of entries) tree.append(hashLeaf(one))
  const hashes = inclusionProof(1, 2, tree.node)
  const proof = formatProof({ index: 1, hashes, checkpoint: note(entries) })
  const file = { kind: 'DisclosedReceipt', entry: fromUtf8(entry), proof, disclosures, ...more }
  return `${canonicalize(file as unknown as JsonValue)}\n`
}

function committedOf(action: JsonObject, seed = SEED) {
  const { committed, disclosures } = commitAction(action, { seed, fields: ['principal'] })
  return {
    entry: verdict('a', { action: committed as Record<string, unknown> }),
    committed,
    disclosures,
  }
}

/** Those of the disclosures that stand at one of these pointers, with their parents. */
function withParents(
  disclosures: readonly Disclosure[],
  pointers: readonly string[],
): Disclosure[] {
  return disclosures.filter(({ pointer }) =>
    pointers.some((one) => one === pointer || one.startsWith(`${pointer}/`)),
  )
}

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
  { requiredKeys: ['agent', 'payload'], noNullPrototype: true },
)
const anySubset = fc
  .tuple(anyAction, fc.array(fc.nat(), { maxLength: 6 }))
  .map(([action, drawn]) => {
    const made = committedOf(action as JsonObject)
    const all = made.disclosures.map(({ pointer }) => pointer)
    const pointers = drawn.map((at) => all[at % all.length] ?? '')
    return { ...made, action: action as JsonObject, shown: withParents(made.disclosures, pointers) }
  })

/** The value at a JSON pointer, read as RFC 6901 has it and without our own code. */
function valueAt(action: JsonObject, pointer: string): JsonValue | undefined {
  return pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], action) as JsonValue
}

const isLeaf = (value: unknown) =>
  typeof value !== 'object' || value === null || Object.keys(value).length === 0
const sorted = (values: readonly unknown[]) =>
  values.map((value) => canonicalize(value as JsonValue)).sort()

describe('any subset of the fields of any action', () => {
  test('verifies, and shows exactly those values', () => {
    fc.assert(
      fc.property(anySubset, ({ action, entry, shown }) => {
        const { fields, index } = verifyDisclosed(fileOf(entry, shown), PINNED)
        const want = shown
          .map(({ pointer }) => ({ pointer, value: valueAt(action, pointer) }))
          .filter(({ value }) => isLeaf(value))
        expect(index).toBe(1)
        expect(sorted(fields)).toEqual(sorted(want))
      }),
    )
  })

  test('shows what an SD-JWT library unpacks', () => {
    const hasher = (data: string | ArrayBuffer): Uint8Array => {
      const input = typeof data === 'string' ? data : new Uint8Array(data)
      return Uint8Array.from(createHash('sha256').update(input).digest())
    }
    const scalars = (value: unknown): unknown[] =>
      typeof value !== 'object' || value === null ? [value] : Object.values(value).flatMap(scalars)
    fc.assert(
      fc.property(anySubset, ({ entry, committed, shown }) => {
        const theirs = shown.map(({ disclosure }) =>
          OracleDisclosure.fromEncodeSync(disclosure, { hasher, alg: 'sha-256' }),
        )
        const { agent: _agent, ...unpacked } = unpackSync({ ...committed }, theirs, hasher)
          .unpackedObj as JsonObject
        const { fields } = verifyDisclosed(fileOf(entry, shown), PINNED)
        const ours = fields.flatMap(({ value }) => (isLeaf(value) ? scalars(value) : []))
        expect(sorted(ours)).toEqual(sorted(scalars(unpacked)))
      }),
    )
  })

  test('counts what stays hidden', () => {
    fc.assert(
      fc.property(anySubset, ({ entry, disclosures, shown }) => {
        const { hidden } = verifyDisclosed(fileOf(entry, shown), PINNED)
        const at = new Set(shown.map(({ pointer }) => pointer))
        const parentOf = (pointer: string) => pointer.slice(0, pointer.lastIndexOf('/'))
        const seen = disclosures.filter(
          ({ pointer }) =>
            !at.has(pointer) && (parentOf(pointer) === '' || at.has(parentOf(pointer))),
        )
        expect(hidden.reduce((sum, { members = 1 }) => sum + members, 0)).toBe(seen.length)
      }),
    )
  })
})

describe('any forged subset is refused', () => {
  type Made = typeof anySubset extends fc.Arbitrary<infer T> ? T : never
  const some = anySubset.filter(({ shown }) => shown.length > 0)
  const reread = ({ disclosure }: Disclosure) =>
    JSON.parse(Buffer.from(disclosure, 'base64url').toString('utf8')) as JsonValue[]
  const rewritten = (
    one: Disclosure,
    change: (content: JsonValue[]) => JsonValue[],
  ): Disclosure => ({
    ...one,
    disclosure: Buffer.from(canonicalize(change(reread(one)))).toString('base64url'),
  })
  const other = committedOf(
    { agent: 'a', payload: 1 },
    SEED.map((byte) => byte ^ 1),
  )

  test.for<{ name: string; forge: (made: Made, at: number) => Disclosure[] | null }>([
    {
      name: 'a changed value',
      forge: ({ shown }, at) =>
        shown.map((one, i) =>
          i === at ? rewritten(one, (c) => [...c.slice(0, -1), 'forged']) : one,
        ),
    },
    {
      name: 'a changed name',
      forge: ({ shown }, at) =>
        reread(shown[at] as Disclosure).length === 2
          ? null
          : shown.map((one, i) =>
              i === at
                ? rewritten(one, ([salt, name, v]) => [salt ?? '', `${name}x`, v ?? null])
                : one,
            ),
    },
    {
      name: 'a changed salt',
      forge: ({ shown }, at) =>
        shown.map((one, i) =>
          i === at ? rewritten(one, ([, ...rest]) => ['AAAAAAAAAAAAAAAAAAAAAA', ...rest]) : one,
        ),
    },
    {
      name: 'a changed pointer',
      forge: ({ shown }, at) =>
        shown.map((one, i) => (i === at ? { ...one, pointer: `${one.pointer}x` } : one)),
    },
    {
      name: 'the pointer of the patched action',
      forge: ({ shown }, at) =>
        shown.map((one, i) => (i === at ? { ...one, pointer: `/patched${one.pointer}` } : one)),
    },
    {
      name: 'a disclosure of another receipt',
      forge: ({ shown }) => [...shown, ...other.disclosures],
    },
    {
      name: 'a missing parent',
      forge: ({ shown }, at) => {
        const { pointer } = shown[at] as Disclosure
        return shown.some((one) => one.pointer.startsWith(`${pointer}/`))
          ? shown.filter((_one, i) => i !== at)
          : null
      },
    },
    { name: 'one twice', forge: ({ shown }, at) => [...shown, shown[at] as Disclosure] },
  ])('$name', ({ forge }) => {
    let forged = 0
    fc.assert(
      fc.property(some, fc.nat(), (made, drawn) => {
        const disclosures = forge(made, drawn % made.shown.length)
        if (disclosures === null) return
        forged += 1
        expect(() => verifyDisclosed(fileOf(made.entry, disclosures), PINNED)).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^(?:COMMITMENT|DISCLOSURE)_INVALID$/),
          }) as Error,
        )
      }),
      { examples: [[NESTED, 0]] },
    )
    expect(forged).toBeGreaterThan(0)
  })
})

test.for(['patched', 'report'])(
  'a field of the action that is called `%s` does not pass for that',
  (name) => {
    const action = { agent: 'a', payload: { amount: 5 }, [name]: 'approved' }
    const { committed, disclosures } = commitAction(action, { seed: SEED, fields: [name] })
    const entry = verdict('a', { action: committed as Record<string, unknown> })
    const shown = disclosures.filter(({ pointer }) => pointer === `/${name}`)
    expect(() => verifyDisclosed(fileOf(entry, shown), PINNED)).toThrow(
      expect.objectContaining({ code: 'DISCLOSURE_INVALID' }) as Error,
    )
  },
)

const NESTED_ACTION = {
  agent: 'a',
  payload: {
    amount: 5,
    items: [
      { id: 'i-1', note: 'x' },
      { id: 'i-2', note: 'y' },
    ],
  },
  context: { ticket: 'T-1' },
}
const nested = committedOf(NESTED_ACTION)
const NESTED = { ...nested, action: NESTED_ACTION as JsonObject, shown: [...nested.disclosures] }

test('says which places stay hidden: members by their number, elements by their pointer', () => {
  const shown = withParents(nested.disclosures, ['/payload/amount', '/payload/items/1/id'])
  const { fields, hidden, origin } = verifyDisclosed(fileOf(nested.entry, shown), trustOf())
  expect(origin).toBe(ORIGIN)
  expect(fields).toEqual([
    { pointer: '/payload/amount', value: 5 },
    { pointer: '/payload/items/1/id', value: 'i-2' },
  ])
  expect(hidden).toEqual([
    { pointer: '', members: 1 },
    { pointer: '/payload/items/0' },
    { pointer: '/payload/items/1', members: 1 },
  ])
})

test('an approval with a patch shows both actions apart', () => {
  const patched = commitAction(
    { ...NESTED_ACTION, payload: { amount: 2 } },
    { seed: SEED.toReversed() },
  )
  const root = patched.root
  const receipt = JSON.parse(fromUtf8(resolution('a', 0)))
  receipt.predicate.decision = 'APPROVED_WITH_MODIFICATIONS'
  receipt.predicate.action = nested.committed
  receipt.subject = JSON.parse(fromUtf8(nested.entry)).subject
  Object.assign(receipt.predicate.resolution, {
    patchedRoot: root,
    patchedAction: patched.committed,
  })
  const bytes = new TextEncoder().encode(canonicalize(receipt))
  const shown = [
    ...withParents(nested.disclosures, ['/payload/amount']),
    ...withParents(patched.disclosures, ['/payload/amount']).map((one) => ({
      ...one,
      pointer: `/patched${one.pointer}`,
    })),
  ]
  expect(verifyDisclosed(fileOf(bytes, shown), PINNED).fields).toEqual([
    { pointer: '/payload/amount', value: 5 },
    { pointer: '/patched/payload/amount', value: 2 },
  ])
  const swapped = shown.map((one) => ({
    ...one,
    pointer: one.pointer.startsWith('/patched') ? one.pointer.slice(8) : `/patched${one.pointer}`,
  }))
  expect(() => verifyDisclosed(fileOf(bytes, swapped), PINNED)).toThrow(
    expect.objectContaining({ code: 'COMMITMENT_INVALID' }) as Error,
  )
})

describe('the report of an execution', () => {
  const told = commitAction(
    { result: { id: 'r-1', to: 'x' }, cost: { 'payload.amount': 5 } },
    {
      seed: SEED,
      fields: ['result', 'cost'],
    },
  )
  const entry = executionReceipt({
    ...{ stage: 'redeemed', id: `exe_${'0'.repeat(26)}`, grant: `grt_${'0'.repeat(26)}` },
    ...{ decision: 'a', decidedAt: 1, audience: 'billing', policyDigest: { sha256: POLICY } },
    ...{ issuedAt: '2026-11-21T09:00:02Z', issuerId: ORIGIN, reportRoot: told.root },
    call: { agent: 'a', service: 's', action: 'x', _sd: ['x'.repeat(43)], _sd_alg: 'sha-256' },
  } as never)
  const shown = withParents(told.disclosures, ['/result/id']).map((one) => ({
    ...one,
    pointer: `/report${one.pointer}`,
  }))
  const report = told.committed

  test('shows what was told', () => {
    const { fields, hidden } = verifyDisclosed(fileOf(entry, shown, { report }), PINNED)
    expect(fields).toEqual([{ pointer: '/report/result/id', value: 'r-1' }])
    expect(hidden).toEqual([
      { pointer: '', members: 1 },
      { pointer: '/report', members: 1 },
      { pointer: '/report/result', members: 1 },
    ])
  })

  test.for([
    { name: 'of another execution', file: () => fileOf(entry, [], { report: nested.committed }) },
    { name: 'left out', file: () => fileOf(entry, shown) },
    { name: 'of a decision', file: () => fileOf(nested.entry, [], { report }) },
  ])('$name is refused', ({ file }) => {
    expect(() => verifyDisclosed(file(), PINNED)).toThrow(
      expect.objectContaining({ code: 'DISCLOSURE_INVALID' }) as Error,
    )
  })
})

const good = fileOf(nested.entry, nested.disclosures)
test.for<{ name: string; text: string; code: string; pinned?: string }>([
  { name: 'no newline', text: good.trimEnd(), code: 'DISCLOSURE_INVALID' },
  { name: 'white space', text: good.replace('{', '{ '), code: 'DISCLOSURE_INVALID' },
  {
    name: 'another kind',
    text: good.replace('"DisclosedReceipt"', '"Other"'),
    code: 'DISCLOSURE_INVALID',
  },
  { name: 'a member more', text: good.replace('{', '{"a":1,'), code: 'DISCLOSURE_INVALID' },
  { name: 'no JSON', text: 'x', code: 'DISCLOSURE_INVALID' },
  {
    name: 'another receipt',
    text: good.replace('09:00:01Z', '09:00:03Z'),
    code: 'PROOF_INVALID',
  },
  { name: 'another proof', text: good.replace('index 1', 'index 0'), code: 'PROOF_INVALID' },
  {
    name: 'another log',
    text: good,
    pinned: logSigner(9).verifierKey,
    code: 'CHECKPOINT_UNTRUSTED',
  },
])('a file with $name -> $code', ({ text, code, pinned = PINNED }) => {
  expect(() => verifyDisclosed(text, pinned)).toThrow(expect.objectContaining({ code }) as Error)
})

test('of a genesis nothing can be shown', () => {
  const entries = [genesis()]
  const proof = formatProof({ index: 0, hashes: [], checkpoint: note(entries) })
  const file = (disclosures: readonly Disclosure[]) =>
    `${canonicalize({ kind: 'DisclosedReceipt', entry: fromUtf8(genesis()), proof, disclosures } as unknown as JsonValue)}\n`
  expect(verifyDisclosed(file([]), PINNED).fields).toEqual([])
  expect(() => verifyDisclosed(file(nested.disclosures), PINNED)).toThrow(
    expect.objectContaining({ code: 'DISCLOSURE_INVALID' }) as Error,
  )
})
