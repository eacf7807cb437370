import fc from 'fast-check'

const ATOMS = [
  'a',
  'b',
  'ab',
  'é',
  '😀',
  '.',
  '[a-c]',
  '[^a]',
  '\\d',
  '\\w',
  '\\s',
  '\\W',
  '(?i:k)',
  '(?s:.)',
  '',
]
const ASSERTIONS = ['^', '$', '\\b', '\\B', '(?m:^)', '(?m:$)', '\\A', '\\z']
const REPEATS = [
  '*',
  '+',
  '?',
  '*?',
  '+?',
  '??',
  '{2}',
  '{1,3}',
  '{0,2}',
  '{2,}',
  '{0,2}?',
  '{1,}?',
]

/** Patterns that any RE2 takes, over a small alphabet, so that texts often match. */
export const patterns: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { arbitrary: fc.constantFrom(...ATOMS), weight: 4 },
    { arbitrary: fc.constantFrom(...ASSERTIONS), weight: 1 },
    { arbitrary: fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b), weight: 3 },
    { arbitrary: fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`), weight: 2 },
    { arbitrary: tie('node').map((body) => `(${body})`), weight: 1 },
    {
      arbitrary: fc
        .tuple(tie('node'), fc.constantFrom(...REPEATS))
        .map(([body, sign]) => `(?:${body})${sign}`),
      weight: 2,
    },
  ),
})).node

/** Texts over the same alphabet. */
export const texts: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom('a', 'b', 'a', 'c', 'k', 'K', '\u212a', '1', ' ', '\n', '-', 'é', '😀'),
  maxLength: 14,
})
