import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GateVerdict } from '../../src/model/gate.ts'
import { annotationsOfGate } from '../../src/report/gate-annotations.ts'
import { gateDocument } from '../../src/report/gate-document.ts'
import { mermaidWords, shellWord } from '../../src/report/gate-escape.ts'
import { gateJunit } from '../../src/report/gate-junit.ts'
import {
  GATE_COMMENT_LENGTH_MAX,
  GATE_POLICY_MARKER,
  GATE_SUMMARY_LENGTH_MAX,
  gateComment,
  gateSummary,
} from '../../src/report/gate-markdown.ts'
import { gateFromTop } from '../../src/report/gate-places.ts'
import { gateText } from '../../src/report/gate-text.ts'
import { painter } from '../../src/report/paint.ts'
import { gateCase } from './gate-case.ts'

const VERDICTS: readonly GateVerdict[] = ['allow', 'hold', 'deny']

test.for(VERDICTS)('%s -> as it was last read', async (verdict) => {
  const gate = gateCase(verdict)
  await expect(gateSummary(gate)).toMatchFileSnapshot(`gate/${verdict}.summary.md`)
  await expect(gateComment(gate)).toMatchFileSnapshot(`gate/${verdict}.comment.md`)
  await expect(gateText(gate, painter(false))).toMatchFileSnapshot(`gate/${verdict}.txt`)
})

/** What is left when the words of others are taken out: our own, and nothing else. */
function skeleton(markdown: string): string {
  return markdown
    .replaceAll(/<code>[^<]*<\/code>/g, '<code/>')
    .replaceAll(/\["[^"]*"\]/g, (label) => label.replaceAll(/[^<>[\]"]+/g, 'x'))
    .replaceAll(/(?:<code\/>\n)+/g, '<code/>\n')
}

/** XML without its values. */
function elements(xml: string): string {
  return xml.replaceAll(/"[^"<]*"/g, '""').replaceAll(/>[^<>]*</g, '><')
}

const HOSTILE = [
  '@acme/security',
  '<img src=x onerror=alert(1)>',
  '</code></td></table><h1>approved</h1>',
  '[sign here](https://evil.test)',
  '![x](https://evil.test/x.png)',
  'https://evil.test www.evil.test me@evil.test #1 GH-1 acme/x#1',
  '| a | b |',
  '\\| \\',
  '```\n```mermaid\n%%{init: {"theme": "dark"}}%%',
  '"] --> evil["x"]\nclick a "https://evil.test"',
  '`code` ``more``',
  '&lt;b&gt; &#64;acme &amp;',
  '\u202etxt.exe\u2066 \u200b\u2060\ufeff \u{e0041}',
  'line\n\nanother\r\nparagraph\u2028\u2029',
  '-->\n<!-- countersign:gate:policy -->',
  ':tada: **bold** _it_ ~~no~~ # head',
  '\u0000\u001b[31m',
  'end',
  '',
] as const

const foreign = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 3 }).map((parts) => parts.join(' ')),
)

describe('words of others', () => {
  test('whatever they are -> no markup but ours, in comment and summary', () => {
    const plain = Object.fromEntries(
      VERDICTS.map((verdict) => {
        const gate = gateCase(verdict, (usual) => usual)
        return [verdict, [skeleton(gateSummary(gate)), skeleton(gateComment(gate))]]
      }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...VERDICTS), fc.infiniteStream(foreign), (verdict, stream) => {
        const memory = new Map<string, string>()
        const words = (usual: string): string => {
          // One name is one name, and different ones stay different.
          const known = memory.get(usual) ?? `${stream.next().value}${memory.size}`
          memory.set(usual, known)
          return known
        }
        const gate = gateCase(verdict, words)
        const texts = [gateSummary(gate), gateComment(gate)]
        expect(texts.map(skeleton)).toEqual(plain[verdict])
        for (const text of texts) checkWords(text)
      }),
      { numRuns: 300 },
    )
  })

  /** Nothing invisible anywhere, and between tags of code nothing that is no text. */
  function checkWords(text: string): void {
    expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|[\p{Cc}--\n]/v)
    for (const [, inside = ''] of text.matchAll(/<code>([^<]*)<\/code>/g)) {
      expect(inside.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&"']/)
    }
    for (const [, label = ''] of text.matchAll(/\["([^"]*)"\]/g)) {
      expect(label.replaceAll(/<br\/>|#\d{2,3};/g, '')).toMatch(/^[\p{L}\p{N} ,?…]*$/u)
    }
    // Each block of tags goes on to its end: a blank line would end it for Markdown.
    for (const [block] of text.matchAll(/<table>[\s\S]*?<\/table>/g))
      expect(block).not.toMatch(/\n\s*\n/)
  }

  test('in other formats -> one command a line, sound XML, sound JSON', () => {
    fc.assert(
      fc.property(fc.constantFrom(...VERDICTS), foreign, (verdict, word) => {
        const gate = gateCase(verdict, () => word)
        expect(elements(gateJunit(gate))).toBe(elements(gateJunit(gateCase(verdict, () => 'x'))))
        expect(() => JSON.stringify(gateDocument(gate))).not.toThrow()
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
        expect(gateText(gate, painter(false))).not.toMatch(/[\u0000-\u0008\u001b\u202e\u2066]/)
      }),
      { numRuns: 100 },
    )
  })
})

describe('what does not fit', () => {
  const long = (verdict: GateVerdict, count: number) => {
    const gate = gateCase(verdict, (usual) => `${usual}${'&'.repeat(400)}`)
    const many = <T>(list: readonly T[]): T[] =>
      Array.from({ length: count }, () => list).flat() as T[]
    const [report] = gate.approvals ?? []
    return {
      ...gate,
      weakenings: many(gate.weakenings),
      problems: many(gate.problems),
      check: gate.check && { ...gate.check, diagnostics: many(gate.check.diagnostics) },
      diff: gate.diff && { ...gate.diff, changes: many(gate.diff.changes) },
      approvals: report === undefined ? null : many([report]),
    }
  }

  test.for([1, 30, 1000])('%i of everything -> comment and summary fit, and say so', (count) => {
    for (const verdict of VERDICTS) {
      const gate = long(verdict, count)
      const comment = gateComment(gate)
      expect(comment.startsWith(`${GATE_POLICY_MARKER}\n`)).toBe(true)
      expect(comment.length).toBeLessThanOrEqual(GATE_COMMENT_LENGTH_MAX)
      expect(gateSummary(gate).length).toBeLessThanOrEqual(GATE_SUMMARY_LENGTH_MAX)
      if (count > 1) expect(comment).toMatch(/\d+ more are left out here/)
    }
  })

  test('little -> nothing is left out', () => {
    for (const verdict of VERDICTS) expect(gateComment(gateCase(verdict))).not.toContain('left out')
  })
})

describe('marks', () => {
  test('held -> an error on each weakened line, a warning where decisions flip', () => {
    const marks = annotationsOfGate(gateCase('hold'))
    expect(marks.map(({ id, level, file, line }) => [id, level, file, line])).toEqual([
      ['RULE_UNTESTED', 'warning', 'policies/guardrails/refunds.yaml', 4],
      ['policy weaker', 'error', 'policies/guardrails/refunds.yaml', 12],
      ['policy weaker', 'error', 'countersign.yaml', 1],
      ['decisions flip', 'warning', 'policies/guardrails/refunds.yaml', 12],
    ])
  })

  test('in a folder -> every file from the top, once', () => {
    const gate = gateFromTop({ ...gateCase('deny'), folder: 'bots/shop' })
    const files = annotationsOfGate(gate).map(({ file }) => file)
    expect(files).toContain('bots/shop/tests/refunds.yaml')
    expect(files.join(' ')).not.toContain('bots/shop/bots')
    expect(gateFromTop(gate)).toBe(gate)
  })
})

test.for([
  { text: 'origin/main', want: 'origin/main' },
  { text: 'a;touch x', want: "'a;touch x'" },
  { text: '$(id)', want: "'$(id)'" },
  { text: "it's", want: "'it'\\''s'" },
  { text: '', want: "''" },
])('$text as a word for a shell -> $want', ({ text, want }) => {
  expect(shellWord(text)).toBe(want)
})

test.for([
  { text: 'refund_*', want: 'refund#95;#42;' },
  { text: '%%{init', want: '#37;#37;#123;init' },
  { text: 'a"b`c', want: 'a#34;b#96;c' },
  { text: '\u3164\u202e😀', want: '???' },
  { text: 'x'.repeat(50), want: `${'x'.repeat(39)}…` },
])('$text in a diagram -> $want', ({ text, want }) => {
  expect(mermaidWords(text)).toBe(want)
})
