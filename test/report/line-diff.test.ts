import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lineDiff } from '../../src/report/line-diff.ts'

test.for([
  { name: 'equal texts', before: 'a\n', after: 'a\n', want: '' },
  {
    name: 'a changed line',
    before: 'a\nb\nc\n',
    after: 'a\nB\nc\n',
    want: '--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n',
  },
  {
    name: 'a first line',
    before: '',
    after: 'a\n',
    want: '--- a/f\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n',
  },
  {
    name: 'the last line gone',
    before: 'a\n',
    after: '',
    want: '--- a/f\n+++ b/f\n@@ -1,1 +0,0 @@\n-a\n',
  },
  {
    name: 'a missing line end',
    before: 'a',
    after: 'a\n',
    want: '--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n',
  },
  {
    name: 'two changes far apart',
    before: '1\n2\n3\n4\n5\n6\n7\n8\n9\n',
    after: 'x\n2\n3\n4\n5\n6\n7\n8\ny\n',
    want: '--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n',
  },
])('$name', ({ before, after, want }) => {
  expect(lineDiff('f', before, after)).toBe(want)
})

test('property: applying the diff to the one text gives the other', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 24 })
    .map((lines) => lines.map((l) => `${l}\n`).join(''))
  fc.assert(
    fc.property(text, text, (before, after) => {
      expect(apply(before, lineDiff('f', before, after))).toBe(after)
    }),
  )
})

function apply(before: string, diff: string): string {
  const old = before.split('\n').slice(0, -1)
  const result: string[] = []
  let at = 0
  for (const line of diff.split('\n').slice(2, -1)) {
    const header = /^@@ -(\d+),(\d+) /.exec(line)
    if (header !== null) {
      const start = Number(header[1]) - (header[2] === '0' ? 0 : 1)
      while (at < start) result.push(old[at++] as string)
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      expect(line.slice(1)).toBe(old[at])
      if (line.startsWith(' ')) result.push(old[at] as string)
      at++
    }
  }
  return [...result, ...old.slice(at)].map((line) => `${line}\n`).join('')
}
