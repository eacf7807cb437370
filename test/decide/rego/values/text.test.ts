import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPrintable } from '../../../../src/decide/rego/go-printable.ts'
import { quote } from '../../../../src/decide/rego/go-quote.ts'
import type { RegoNumber } from '../../../../src/decide/rego/values/number.ts'
import { parseNumber } from '../../../../src/decide/rego/values/number.ts'
import { jsonText, numberText, valueText } from '../../../../src/decide/rego/values/text.ts'
import { objectOf, setOf } from '../../../../src/decide/rego/values/value.ts'

describe('numbers', () => {
  test.for([
    { text: '1e21', want: '1000000000000000000000' },
    { text: '-12300e-2', want: '-123' },
    { text: '999999.5', want: '999999.5' },
    { text: '1000000.5', want: '1.0000005e+06' },
    { text: '0.0001', want: '0.0001' },
    { text: '0.00001', want: '1e-05' },
    { text: '-0.0000123', want: '-1.23e-05' },
    { text: '1e-100', want: '1e-100' },
    { text: '0.33333333333333333334', want: '0.33333333333333333334' },
    { text: '123456.7890123456789012', want: '123456.7890123456789012' },
  ])('$text -> $want', ({ text, want }) => {
    expect(numberText(parseNumber(text) as RegoNumber)).toBe(want)
  })
})

describe('values', () => {
  const value = objectOf([
    ['b', setOf([2, 10])],
    [3, null],
    ['a', setOf(['z', '\u{1f600}', '\uffff'])],
  ])

  test('OPA prints keys and members in its own order', () => {
    expect(valueText(value)).toBe('{3: null, "a": {"z", "\\uffff", "\u{1f600}"}, "b": {2, 10}}')
    expect(valueText([setOf([]), objectOf([]), true, -1.5])).toBe('[set(), {}, true, -1.5]')
  })

  test('JSON has names for all keys, sorted, and of two with one name the later', () => {
    expect(jsonText(value)).toBe('{"3":null,"a":["z","\uffff","\u{1f600}"],"b":[2,10]}')
    const keys = objectOf([
      [10, 'a'],
      [9, 'b'],
      ['10', 'c'],
      [['<'], 'd'],
    ])
    expect(jsonText(keys)).toBe('{"10":"c","9":"b","[\\"\\\\u003c\\"]":"d"}')
  })

  test('JSON within HTML is safe', () => {
    expect(jsonText('<a>&\u2028')).toBe('"\\u003ca\\u003e\\u0026\\u2028"')
  })
})

describe('quotes', () => {
  test.for([
    { text: 'a"\\\n\u0007', want: '"a\\"\\\\\\n\\a"' },
    { text: '\u007f\u0001', want: '"\\x7f\\x01"' },
    { text: '\u00ad\ufeff\u200b', want: '"\\u00ad\\ufeff\\u200b"' },
    { text: 'ä漢\u{1f600}', want: '"ä漢\u{1f600}"' },
    { text: '\u{e000}\u{10ffff}', want: '"\\ue000\\U0010ffff"' },
  ])('$want', ({ text, want }) => {
    expect(quote(text)).toBe(want)
  })

  test('printable ASCII stands as it is, but for the quote and the backslash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        const plain = [...text].every((character) => /[ !#-[\]-~]/.test(character))
        expect(quote(text) === `"${text}"`).toBe(plain)
      }),
    )
  })

  test('as many code points are printable as in Go 1.26', () => {
    let count = 0
    for (let point = 0; point <= 0x10ffff; point++) if (isPrintable(point)) count += 1
    expect(count).toBe(148_998)
  })
})
