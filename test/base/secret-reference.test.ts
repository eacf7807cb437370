import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findSecretReferences, parseSecretReference } from '../../src/base/secret-reference.ts'

test.for([
  { text: 'secret://env/STRIPE_KEY', provider: 'env', name: 'STRIPE_KEY' },
  { text: 'secret://env/_x.y-1', provider: 'env', name: '_x.y-1' },
  { text: 'secret://file/stripe/live-key', provider: 'file', name: 'stripe/live-key' },
  { text: 'secret://vault/team/stripe', provider: 'vault', name: 'team/stripe' },
  { text: 'secret://vault/team/stripe#key', provider: 'vault', name: 'team/stripe#key' },
])('$text -> $provider, $name', ({ text, provider, name }) => {
  expect(parseSecretReference(text)).toEqual({ text, provider, name })
})

test.for([
  '',
  'secret://',
  'secret://env',
  'secret://env/',
  'secret:/env/A',
  'Secret://env/A',
  ' secret://env/A',
  'secret://env/A ',
  'secret://disk/A',
  'secret://ENV/A',
  'secret:///A',
  'secret://env/A/B',
  'secret://env/A#B',
  'secret://file/../etc/passwd',
  'secret://file/a/../b',
  'secret://file/./a',
  'secret://file//a',
  'secret://file/a/',
  'secret://file/.hidden',
  'secret://file/a.',
  'secret://file/a#b',
  'secret://vault/a#b#c',
  'secret://vault/#b',
  'secret://vault/a#',
  'secret://vault/a?version=1',
  'secret://vault/a%2fb',
  'secret://env/A\nB',
  'secret://env/Ä',
  'secret://env/*',
  `secret://env/${'A'.repeat(250)}`,
])('%j -> no reference', (text) => {
  expect(parseSecretReference(text)).toBeNull()
})

test.for([
  { text: 'Bearer secret://env/A', want: ['secret://env/A'] },
  { text: 'secret://env/A', want: ['secret://env/A'] },
  { text: '(secret://env/A, secret://vault/b#c.)', want: ['secret://env/A', 'secret://vault/b#c'] },
  { text: 'secret://env/Asecret://env/B', want: [null] },
  { text: 'see secret:// for more', want: [null] },
  { text: 'secret://disk/a and secret://env/B', want: [null, 'secret://env/B'] },
  { text: 'no secret here', want: [] },
])('in "$text" -> $want', ({ text, want }) => {
  const places = findSecretReferences(text)
  expect(places.map(({ reference }) => reference?.text ?? null)).toEqual(want)
  for (const { start, end, reference } of places) {
    if (reference !== null) expect(text.slice(start, end)).toBe(reference.text)
  }
})

test('a reference that parses is found as a whole, and every place of the scheme is seen once', () => {
  const unit = fc.constantFrom(...'abZ09_.-/# *é', 'secret://env/', 'secret://', 'vault/')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
      const places = findSecretReferences(text)
      expect(places.length).toBeLessThanOrEqual(text.split('secret://').length - 1)
      expect(places.length === 0).toBe(!text.includes('secret://'))
      let last = 0
      for (const { start, end } of places) {
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        last = end
      }
      const whole = parseSecretReference(text)
      if (whole !== null) expect(places).toEqual([{ start: 0, end: text.length, reference: whole }])
    }),
    { numRuns: 500 },
  )
})
