import { expect, test } from 'vitest'
import { painter, visible } from '../../src/report/paint.ts'

test.for([
  { name: 'an escape sequence', text: 'a\u001b[2Jb', want: 'a\\u001b[2Jb' },
  { name: 'a carriage return', text: 'a\rb', want: 'a\\u000db' },
  { name: 'a C1 control', text: 'a\u009bb', want: 'a\\u009bb' },
  { name: 'a mark that turns the direction', text: 'a\u202eb', want: 'a\\u202eb' },
  { name: 'an isolate', text: 'a\u2066b', want: 'a\\u2066b' },
  { name: 'a line separator', text: 'a\u2028b', want: 'a\\u2028b' },
  { name: 'a character that nobody sees', text: 'a\u200bb', want: 'a\\u200bb' },
  { name: 'a variation selector', text: 'a\ufe0fb', want: 'a\\ufe0fb' },
  { name: 'a tag', text: 'a\u{e0041}b', want: 'a\\udb40\\udc41b' },
  { name: 'plain text of any script', text: 'a\tä😀\nع', want: 'a\tä😀\nع' },
])('$name is made visible', ({ text, want }) => {
  expect(visible(text)).toBe(want)
})

test('colours go around text, never around nothing, and can be left out', () => {
  expect(painter(true).red('x')).toBe('\u001b[31mx\u001b[39m')
  expect(painter(true).red('')).toBe('')
  expect(painter(false).bold('x')).toBe('x')
})
