import { describe, expect, test } from 'vitest'
import { compareTests } from '../../../src/policy/analyse/diff-tests.ts'
import { parseDocuments } from '../../../src/policy/compile/index.ts'

type Files = Readonly<Record<string, string | null>>

const TEST = 'tests/notes_test.rego'
const HELPER = 'tests/helper_test.rego'
const MORE = 'tests/more_test.rego'

const BASE = {
  [TEST]: `package countersign.notes_test

import data.countersign.helper
import data.countersign.notes

test_long if denied

denied if count(notes.deny) == 1 with input as helper.long
`,
  [HELPER]: 'package countersign.helper\n\nlong := {"text": "12345678901"}\n',
}

function compared(changes: Files, base: Files = BASE) {
  const files = (all: Files): ReadonlyMap<string, string> =>
    new Map(Object.entries(all).flatMap(([path, text]) => (text === null ? [] : [[path, text]])))
  const [before, after] = [files(base), files({ ...base, ...changes })]
  return compareTests(parseDocuments(before).documents, parseDocuments(after).documents)
}

describe('Rego tests', () => {
  test.for<{ name: string; files: Files; base?: Files; id: string }>([
    {
      name: 'another rule of a test in a new file',
      files: { [MORE]: 'package countersign.notes_test\n\ntest_long if true\n' },
      id: MORE,
    },
    {
      name: 'another rule of what it stands on, behind a comment',
      files: { [MORE]: 'package countersign.notes_test\n\ndenied # so\n  if true\n' },
      id: MORE,
    },
    {
      name: 'the package in brackets, and two rules on a line',
      files: { [MORE]: 'package countersign["notes_test"]\n\nx := 1 test_long if true\n' },
      id: MORE,
    },
    {
      name: 'a default',
      files: { [MORE]: 'package countersign.notes_test\n\ndefault denied := true\n' },
      id: MORE,
    },
    {
      name: 'a file that is none of tests',
      files: { 'tests/more.rego': 'package countersign.notes_test\n\ndenied := true\n' },
      id: 'tests/more.rego',
    },
    {
      name: 'another input, in a file without tests',
      files: { [HELPER]: BASE[HELPER].replace('12345678901', '99999999999') },
      id: HELPER,
    },
    { name: 'no such file any more', files: { [HELPER]: null }, id: HELPER },
    {
      name: 'an indented test is gone',
      base: { [TEST]: BASE[TEST].replace('test_long', '  test_long') },
      files: { [TEST]: null },
      id: `${TEST} test_long`,
    },
    {
      name: 'a test that a comment alone still names',
      files: { [TEST]: BASE[TEST].replace('test_long', '# test_long') },
      id: TEST,
    },
  ])('$name -> listed', ({ files, base, id }) => {
    expect(compared(files, { ...BASE, ...base })).toMatchObject([{ id }])
  })

  test.for([
    {
      name: 'in a package of its own',
      text: 'package countersign.more_test\n\ntest_long if true\n',
    },
    {
      name: 'about something else in the same package',
      text: 'package countersign.notes_test\n\n# test_long if\ntest_short if not denied\n',
    },
  ])('a new test $name -> nothing', ({ text }) => {
    expect(compared({ [MORE]: text })).toEqual([])
  })
})
