import { describe, expect, test } from 'vitest'
import type { Diagnostic } from '../../../../src/base/position.ts'
import { suppress } from '../../../../src/policy/analyse/lint/suppress.ts'

const warning = (line: number, code: Diagnostic['code'] = 'RULE_IN_SHADOW'): Diagnostic => ({
  ...{ code, severity: 'warning', file: 'f.yaml', line, column: 5, message: 'm' },
})

function said(
  text: string,
  diagnostics: readonly Diagnostic[],
  { file = 'f.yaml', complete = true } = {},
) {
  const { kept, suppressed } = suppress(
    diagnostics.map((one) => ({ ...one, file })),
    new Map([[file, text]]),
    { complete },
  )
  return {
    kept: kept.map(({ line, column, code }) => `${line}:${column} ${code}`),
    suppressed: suppressed.map(({ line, code, reason }) => `${line} ${code}: ${reason}`),
  }
}

const IGNORE = '# countersign-ignore: RULE_IN_SHADOW we watch it'

describe('a comment directly above the line', () => {
  test.for<{ name: string; text: string; file?: string }>([
    { name: 'alone', text: `a: 1\n${IGNORE}\nb: 2\n` },
    { name: 'indented', text: `a:\n  ${IGNORE}\n  b: 2\n` },
    { name: 'above another comment', text: `${IGNORE}\n# more\nb: 2\n` },
    { name: 'below another comment', text: `# more\n${IGNORE}\nb: 2\n` },
    {
      name: 'without a space',
      text: `a: 1\n#countersign-ignore: RULE_IN_SHADOW we watch it\nb: 2\n`,
    },
    { name: 'with Windows line ends', text: `a: 1\r\n${IGNORE}\r\nb: 2\r\n` },
    { name: 'behind a byte order mark', text: `\uFEFFa: 1\n${IGNORE}\nb: 2\n` },
    { name: 'in a second document', text: `---\n${IGNORE}\nb: 2\n` },
    { name: 'in Rego', text: `package a\n${IGNORE}\nx := 1\n`, file: 'f.rego' },
    {
      name: 'above METADATA in Rego',
      text: `${IGNORE}\n# METADATA\n# title: t\npackage a\n`,
      file: 'f.rego',
    },
  ])('$name -> ignored, with its reason', ({ text, file = 'f.yaml' }) => {
    const line = file === 'f.rego' && text.includes('METADATA') ? 4 : 3
    expect(said(text, [warning(line)], { file })).toEqual({
      kept: [],
      suppressed: [`${line} RULE_IN_SHADOW: we watch it`],
    })
  })

  test('several codes take several comments', () => {
    const text = `${IGNORE}\n# countersign-ignore: RULE_UNTESTED soon\nb: 2\n`
    expect(said(text, [warning(3), warning(3, 'RULE_UNTESTED')])).toEqual({
      kept: [],
      suppressed: ['3 RULE_IN_SHADOW: we watch it', '3 RULE_UNTESTED: soon'],
    })
  })

  test('all warnings of that code in the line', () => {
    const two = [warning(2), { ...warning(2), column: 20 }]
    expect(said(`${IGNORE}\nb: 2\n`, two).suppressed).toHaveLength(2)
  })
})

describe('nothing is ignored', () => {
  test.for<{
    name: string
    text: string
    at: number
    want: readonly string[]
    file?: string
    severity?: 'error'
  }>([
    {
      name: 'a line further below',
      text: `${IGNORE}\na: 1\nb: 2\n`,
      ...{ at: 3, want: ['1:1 SUPPRESSION_UNUSED', '3:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'below a blank line',
      text: `${IGNORE}\n\nb: 2\n`,
      ...{ at: 3, want: ['1:1 SUPPRESSION_UNUSED', '3:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'a comment behind something',
      text: `a: 1 ${IGNORE}\nb: 2\n`,
      ...{ at: 2, want: ['2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'another code',
      text: '# countersign-ignore: RULE_UNTESTED why\nb: 2\n',
      ...{ at: 2, want: ['1:1 SUPPRESSION_UNUSED', '2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'no reason',
      text: '# countersign-ignore: RULE_IN_SHADOW\nb: 2\n',
      ...{ at: 2, want: ['1:1 SUPPRESSION_INVALID', '2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'a code that does not exist',
      text: '# countersign-ignore: RULE_SHADOW why\nb: 2\n',
      ...{ at: 2, want: ['1:1 SUPPRESSION_INVALID', '2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'no colon',
      text: '# countersign-ignore RULE_IN_SHADOW why\nb: 2\n',
      ...{ at: 2, want: ['1:1 SUPPRESSION_INVALID', '2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'its own code',
      text: '# countersign-ignore: SUPPRESSION_UNUSED why\nb: 2\n',
      ...{ at: 2, want: ['1:1 SUPPRESSION_INVALID', '2:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'an error',
      text: `${IGNORE}\nb: 2\n`,
      ...{ at: 2, want: ['1:1 SUPPRESSION_UNUSED', '2:5 RULE_IN_SHADOW'], severity: 'error' },
    },
    {
      name: 'text in quotes',
      text: `a: "x\n  ${IGNORE}\n  y"\n`,
      ...{ at: 3, want: ['3:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'a block of text',
      text: `a: |\n  ${IGNORE}\n  y\n`,
      ...{ at: 3, want: ['3:5 RULE_IN_SHADOW'] },
    },
    {
      name: 'a raw string of Rego',
      text: `package a\nx := \`\n${IGNORE}\ny\`\n`,
      ...{ at: 4, want: ['4:5 RULE_IN_SHADOW'], file: 'f.rego' },
    },
    {
      name: 'the last line of a file',
      text: `b: 2\n${IGNORE}`,
      ...{ at: 1, want: ['1:5 RULE_IN_SHADOW', '2:1 SUPPRESSION_UNUSED'] },
    },
  ])('$name -> $want', ({ text, at, want, file = 'f.yaml', severity = 'warning' }) => {
    const { kept, suppressed } = said(
      text,
      [{ ...warning(at), severity: severity as Diagnostic['severity'] }],
      { file },
    )
    expect({ kept, suppressed }).toEqual({ kept: want, suppressed: [] })
  })
})

test('a comment about another file says nothing', () => {
  const { kept } = suppress([warning(2)], new Map([['g.yaml', `${IGNORE}\nb: 2\n`]]), {
    complete: false,
  })
  expect(kept).toEqual([warning(2)])
})

test('where the linter did not run, no comment is unused', () => {
  expect(said(`${IGNORE}\nb: 2\n`, [], { complete: false }).kept).toEqual([])
})

test('a comment that says nothing is told what to say', () => {
  const { kept } = suppress([], new Map([['f.yaml', '# countersign-ignore: RULE_SHADOW x\n']]), {
    complete: true,
  })
  expect(kept[0]?.message).toBe('no code is named RULE_SHADOW; did you mean "RULE_SHADOWED"?')
})
