import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BEGIN, END, isNode, nodeOf, serviceOf } from '../../../src/decide/behaviour/node.ts'

test.for([
  { service: 'crm', action: 'get_user', want: 'crm.get_user' },
  { service: 'crm', action: 'users.v1.get', want: 'crm.users.v1.get' },
  { service: 'api.example.com', action: 'get', want: 'api%2Eexample%2Ecom.get' },
  { service: 'a', action: '/pets/{id}', want: 'a./pets/{id}' },
  { service: 'a', action: 'two words', want: 'a.two%20words' },
  { service: 'a', action: '100%', want: 'a.100%25' },
  { service: 'a', action: '%20', want: 'a.%2520' },
  {
    service: 'a',
    action: 'line\nfeed\u200bzero\u202eright',
    want: 'a.line%0Afeed%E2%80%8Bzero%E2%80%AEright',
  },
  { service: 'a', action: 'ä🙂', want: 'a.ä🙂' },
  { service: 'a', action: '\ud800', want: 'a.%ED%A0%80' },
  { service: 'a', action: '\udfff', want: 'a.%ED%BF%BF' },
  { service: 'a', action: '__proto__', want: 'a.__proto__' },
  { service: 'constructor', action: 'toString', want: 'constructor.toString' },
  { service: 'a', action: '*', want: 'a.%2A' },
  { service: '', action: '', want: '.' },
])('$service, $action -> $want', ({ service, action, want }) => {
  expect(nodeOf(service, action)).toBe(want)
})

test.for([
  { node: 'crm.get_user', want: 'crm' },
  { node: 'crm.users.v1', want: 'crm' },
  { node: 'a%2Eb.c', want: 'a%2Eb' },
  { node: BEGIN, want: BEGIN },
  { node: END, want: END },
])('service of $node -> $want', ({ node, want }) => {
  expect(serviceOf(node)).toBe(want)
})

test.for([
  { text: BEGIN },
  { text: END },
  { text: '*' },
  { text: '' },
  { text: 'a' },
  { text: 'a b.c' },
  { text: 'a.b*' },
  { text: 'a.100%' },
  { text: 'a.%2e' },
  { text: 'a.\u200b' },
  { text: 'a.\ud800' },
])('$text -> no node', ({ text }) => {
  expect(isNode(text)).toBe(false)
})

/** Text that is likely to go wrong, and likely to differ by little. */
const hostile = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    ' ',
    '%',
    '%25',
    '.',
    '^',
    '$',
    '',
    'a.b',
    'x'.repeat(256),
  ),
  fc
    .array(
      fc.constantFrom(
        'a',
        '.',
        '%',
        '2',
        'E',
        ' ',
        '\ud800',
        '\udc00',
        '\ufffd',
        '🙂',
        '\u0000',
        '\u200d',
      ),
      {
        maxLength: 6,
      },
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 8 }),
)

test('two different calls -> never one node', () => {
  const part = hostile
  fc.assert(
    fc.property(part, part, part, part, (service, action, otherService, otherAction) => {
      const same = service === otherService && action === otherAction
      expect(nodeOf(service, action) === nodeOf(otherService, otherAction)).toBe(same)
    }),
    { numRuns: 3_000 },
  )
})

test('any call -> one well-formed word that gives both parts back', () => {
  fc.assert(
    fc.property(hostile, hostile, (service, action) => {
      const node = nodeOf(service, action)
      expect(node).toMatch(/^[^\s\p{C}]*$/u)
      expect(node.isWellFormed()).toBe(true)
      expect([BEGIN, END]).not.toContain(node)
      expect(isNode(node)).toBe(true)
      const divided = node.indexOf('.')
      expect(serviceOf(node)).toBe(node.slice(0, divided))
      expect(decode(node.slice(0, divided))).toBe(service)
      expect(decode(node.slice(divided + 1))).toBe(action)
    }),
    { numRuns: 3_000 },
  )
})

/** Takes the percent-encoding off again: as UTF-16 of UTF-8 that may hold surrogates, one by one. */
function decode(part: string): string {
  return part.replace(/(?:%[0-9A-F]{2})+/g, (run) => {
    const bytes = Buffer.from(run.replaceAll('%', ''), 'hex')
    let text = ''
    for (let i = 0; i < bytes.length; ) {
      const [a, b, c] = [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!]
      if (a === 0xed && b >= 0xa0) {
        text += String.fromCharCode(0xd000 | ((b & 0x3f) << 6) | (c & 0x3f))
        i += 3
        continue
      }
      const length = a < 0x80 ? 1 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4
      text += bytes.subarray(i, i + length).toString('utf8')
      i += length
    }
    return text
  })
}
