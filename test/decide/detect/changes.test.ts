import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { CONTENT_CHARACTERS_MAX } from '../../../src/base/limits.ts'
import type { SpanChange } from '../../../src/decide/detect/changes.ts'
import { changeFound } from '../../../src/decide/detect/changes.ts'
import { findInValues, findSpans } from '../../../src/decide/detect/contents.ts'
import { DETECTORS, PERSONAL_KINDS } from '../../../src/decide/detect/index.ts'
import { maskOf, tokensIn, withoutMarks } from '../../../src/decide/detect/marks.ts'
import { cpuMs } from '../../support/cpu.ts'

const CARD = '4111 1111 1111 1111'

function change(kind: SpanChange['kind'], kinds: readonly string[], names: readonly string[] = []) {
  const detectors = kinds.map((one) => DETECTORS.get(one)).filter((one) => one !== undefined)
  return { kind, detectors, names }
}

/** A token of the right shape that still shows what it stands for. */
function token(text: string, kind: string): string {
  const hex = Buffer.from(text).toString('hex').padEnd(32, '0').slice(-32)
  return `tok_${kind}_${hex}`
}

function apply(value: JsonValue, ...changes: readonly SpanChange[]): JsonValue {
  return changeFound(value, { at: new Map([['', changes]]), tokenise: token })
}

const mail = change('redact', ['email'])
const card = change('redact', ['payment_card'])

test.for<{ name: string; value: JsonValue; changes: SpanChange[]; want: JsonValue }>([
  {
    name: 'a piece of a text',
    value: 'to ana@example.com!',
    changes: [mail],
    want: 'to [redacted:email]!',
  },
  {
    name: 'several pieces, of several kinds',
    value: `ana@example.com, bo@example.com: ${CARD}`,
    changes: [mail, card],
    want: '[redacted:email], [redacted:email]: [redacted:payment_card]',
  },
  {
    name: 'tokens for equal pieces are equal',
    value: ['ana@example.com', 'x ana@example.com'],
    changes: [change('tokenise', ['email'])],
    want: [token('ana@example.com', 'email'), `x ${token('ana@example.com', 'email')}`],
  },
  {
    name: 'a piece cut out',
    value: 'to ana@example.com!',
    changes: [change('drop', ['email'])],
    want: 'to !',
  },
  {
    name: 'a number becomes a text',
    value: 4111111111111111,
    changes: [card],
    want: '[redacted:payment_card]',
  },
  {
    name: 'another number stays one',
    value: [42, 1.5e300, true, null],
    changes: [card],
    want: [42, 1.5e300, true, null],
  },
  {
    name: 'names of members, without losing one',
    value: { 'ana@example.com': 1, b: 2, 'bo@example.com': 3, '[redacted:email]': 4 },
    changes: [mail],
    want: { '[redacted:email] (2)': 1, b: 2, '[redacted:email] (3)': 3, '[redacted:email]': 4 },
  },
  {
    name: 'dropped names, without losing one',
    value: { 'ana@example.com': 1, 'bo@example.com': 2, '': 3 },
    changes: [change('drop', ['email'])],
    want: { ' (2)': 1, ' (3)': 2, '': 3 },
  },
  {
    name: 'a name that would become a reserved one',
    value: { __proto4111111111111111__: 1, _4111111111111111sd: 2, '..4111-1111-1111-1111.': 3 },
    changes: [change('drop', ['payment_card'])],
    want: { __proto4111111111111111__: 1, _4111111111111111sd: 2, '[redacted:unscanned]': 3 },
  },
  {
    name: 'of two changes the one that hides most',
    value: `ana@example.com ${CARD}`,
    changes: [
      change('tokenise', ['email', 'payment_card']),
      mail,
      change('drop', ['payment_card']),
    ],
    want: '[redacted:email] ',
  },
  {
    name: 'pieces that overlap are one',
    value: 'Mr. Ana@example.com',
    changes: [change('redact', ['person_name', 'email'])],
    want: 'Mr. [redacted:email]',
  },
  {
    name: 'what a cut puts together is found too',
    value: '4111-11Ana11-1111-1111',
    changes: [change('drop', ['person_name', 'payment_card'], ['Ana'])],
    want: '',
  },
  {
    name: 'nothing to find: the same',
    value: { a: ['b', { c: 'd' }] },
    changes: [mail, card],
    want: { a: ['b', { c: 'd' }] },
  },
  {
    name: 'names that a rule lists',
    value: { note: 'ask ANA SOUZA', deep: [{ 'Ána Souza': 1 }] },
    changes: [change('redact', ['person_name'], ['Ana Souza'])],
    want: { note: 'ask [redacted:person_name]', deep: [{ '[redacted:person_name]': 1 }] },
  },
])('$name', ({ value, changes, want }) => {
  expect(apply(value, ...changes)).toEqual(want)
})

test('only below the value that is named', () => {
  const at = new Map([['/note', [mail]]])
  const value = { note: { a: 'ana@example.com' }, other: 'bo@example.com', 'cy@example.com': 1 }
  expect(changeFound(value, { at, tokenise: token })).toEqual({
    note: { a: '[redacted:email]' },
    other: 'bo@example.com',
    'cy@example.com': 1,
  })
})

describe('more than is looked through', () => {
  const long = 'x '.repeat(CONTENT_CHARACTERS_MAX / 2 + 1)

  test('a text beyond the bound is replaced as a whole, a shorter one behind it is looked through', () => {
    expect(apply([long, 'to ana@example.com'], mail)).toEqual([
      maskOf('unscanned'),
      'to [redacted:email]',
    ])
    expect(apply([long], change('drop', ['email']))).toEqual([''])
    expect(apply([long], change('tokenise', ['email']))).toEqual([token(long, 'value')])
  })

  test('and counted', () => {
    const payload = { a: long, b: 'ana@example.com' }
    const found = findInValues([{ pointer: '/payload', value: payload }], mail.detectors, [])
    expect(found.unscanned).toBe(1)
    expect(found.places.map(({ pointer }) => pointer)).toEqual(['/payload/b'])
  })

  test('exactly the bound is looked through', () => {
    const fits = `${'x '.repeat(CONTENT_CHARACTERS_MAX / 2 - 10)} ana@example.com`.slice(
      -CONTENT_CHARACTERS_MAX,
    )
    expect(apply(fits.padStart(CONTENT_CHARACTERS_MAX, ' '), mail)).toMatch(/\[redacted:email\]$/)
  })
})

describe('places', () => {
  test('names that hold what is found, or are no words, are not shown', () => {
    const value = {
      'ana@example.com': { 'a b': 'bo@example.com' },
      list: ['cy@example.com'],
      n: 4111111111111111,
    }
    const found = findInValues(
      [{ pointer: '/payload', value }],
      [...mail.detectors, ...card.detectors],
      [],
    )
    expect(found.places.map(({ pointer }) => pointer)).toEqual([
      '/payload/*',
      '/payload/*/*',
      '/payload/list/0',
      '/payload/n',
    ])
  })

  test('what two paths lead to is found once', () => {
    const values = [
      { pointer: '/payload', value: { note: 'ana@example.com' } },
      { pointer: '/payload/note', value: 'ana@example.com' },
    ]
    expect(findInValues(values, mail.detectors, []).places.length).toBe(1)
  })

  test('what two paths lead to takes of the bound once, also where nothing is found', () => {
    const text = 'x'.repeat(CONTENT_CHARACTERS_MAX / 2 + 1)
    const values = [
      { pointer: '/payload', value: { note: text } },
      { pointer: '/payload/note', value: text },
    ]
    expect(findInValues(values, mail.detectors, [])).toEqual({ places: [], unscanned: 0 })
  })
})

test('a list of many fields and names costs a moment', () => {
  const names = Array.from(
    { length: 1000 },
    (_, i) => `Ana N${'a'.repeat(i % 40)}b${'c'.repeat(i / 40)}`,
  )
  const changes = [change('redact', ['person_name'], names)]
  const list = new Array<string>(2000).fill('by ana naab')
  const at = new Map(list.map((_, i) => [`/${i}`, changes] as const))
  const start = cpuMs()
  expect(changeFound(list, { at, tokenise: token })).toContain('by [redacted:person_name]')
  expect(
    findSpans('Ana '.repeat(50_000), changes[0]?.detectors ?? [], { memberName: null, names }),
  ).toEqual([])
  expect(cpuMs() - start).toBeLessThan(6_000)
})

describe('masks and tokens', () => {
  const isKind = (kind: string) => DETECTORS.has(kind)

  test.for([
    '[redacted]',
    '[redacted:email]',
    '[redacted:value]',
    `tok_payment_card_${'41'.repeat(16)}`,
    `tok_value_${'0'.repeat(32)}`,
  ])('%s is not looked at', (mark) => {
    expect(withoutMarks(`a ${mark} b`, isKind)).toBe(`a ${'\uffff'.repeat(mark.length)} b`)
  })

  test.for([
    '[redacted:4111111111111111]',
    '[redacted:ana]',
    `tok_ana_${'0'.repeat(32)}`,
    `tok_email_${'0'.repeat(31)}`,
    `tok_email_${'0'.repeat(33)}`,
    `xtok_email_${'0'.repeat(32)}`,
  ])('%s is', (text) => {
    expect(withoutMarks(text, isKind)).toBe(text)
  })

  test('where tokens stand', () => {
    const one = `tok_email_${'0a'.repeat(16)}`
    expect(tokensIn(`to ${one}, ${one}.`)).toEqual([
      { kind: 'email', start: 3, end: 3 + one.length },
      { kind: 'email', start: 5 + one.length, end: 5 + 2 * one.length },
    ])
    expect(tokensIn(`tok_email_${'g'.repeat(32)} x${one} ${one}0`)).toEqual([])
  })
})

// Properties.

const KINDS = [...PERSONAL_KINDS].filter(
  (kind) => !/_phone$/.test(kind) || kind === 'us_phone' || kind === 'de_phone',
)
const detectors = KINDS.map((kind) => DETECTORS.get(kind)).filter((one) => one !== undefined)
const pieces = fc.constantFrom(
  ...[CARD, 'ana@example.com', '+1 213 373 4253', 'GB29 NWBK 6016 1331 9268 19', '460-89-9847'],
  ...[
    '192.0.2.7',
    '2001:db8::1',
    'born 1980-02-29',
    'my name is Ana',
    '12 Main Street',
    'SW1A 1AA',
  ],
  ...[
    '４１１１',
    '\u200b',
    '1111',
    ' ',
    '-',
    '.',
    '@',
    '[redacted:email]',
    'tok_',
    'Mr. ',
    '+',
    '漢',
  ],
)
const texts = fc
  .array(
    fc.oneof(
      pieces,
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom(...'0123456789 -.+()@:aA'), maxLength: 24 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))
const values = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    texts,
    fc.integer(),
    fc.constant(4111111111111111),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(texts, tie('value'), { maxKeys: 3 }),
  ),
})).value

test('spans lie inside the text, do not overlap within a kind, and come in order', () => {
  fc.assert(
    fc.property(texts, (text) => {
      for (const detector of detectors) {
        let last = 0
        for (const { kind, start, end } of detector.find(text, {
          memberName: null,
          names: ['Ana'],
        })) {
          expect(kind).toBe(detector.kind)
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          expect(end).toBeLessThanOrEqual(text.length)
          last = end
        }
      }
    }),
    { numRuns: 300 },
  )
})

test.for(['redact', 'tokenise', 'drop'] as const)(
  '%s leaves nothing to find, and nothing more to change',
  (kind) => {
    fc.assert(
      fc.property(values, (value) => {
        const changes = { kind, detectors, names: ['Ana'] }
        const once = apply(value, changes)
        expect(findInValues([{ pointer: '', value: once }], detectors, ['Ana']).places).toEqual([])
        expect(apply(once, changes)).toEqual(once)
        expect(leavesOf(once)).toBe(leavesOf(value))
      }),
      { numRuns: 150 },
    )
  },
)

test('the same text gives the same spans, whatever was asked before', () => {
  fc.assert(
    fc.property(texts, texts, (text, other) => {
      const look = (one: string) => findSpans(one, detectors, { memberName: null, names: [] })
      const first = look(text)
      look(other)
      expect(look(text)).toEqual(first)
    }),
    { numRuns: 50 },
  )
})

function leavesOf(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce(
    (sum: number, member) => sum + leavesOf(member as JsonValue),
    0,
  )
}
