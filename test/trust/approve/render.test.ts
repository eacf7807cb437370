import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Request } from '../../../src/model/generated/types.ts'
import { codeCell, codeSpan, plainLine } from '../../../src/trust/approve/markdown.ts'
import { renderPull } from '../../../src/trust/approve/render.ts'
import { LEGAL, PAYMENTS, requestOf } from '../../fakes/review-case.ts'

describe('a rendered request', () => {
  const { title, body } = renderPull(requestOf({ routes: [LEGAL, PAYMENTS] }))

  test('the title says what, for whom and how much is at stake', () => {
    expect(title).toBe('[high] billing.refund_payment for billing-agent')
  })

  test.for([
    { part: 'agent', text: 'agent ` billing-agent ` asks to run ` billing.refund_payment `' },
    { part: 'principal', text: '| On behalf of | ` pat ` |' },
    { part: 'priority', text: '| Priority | **high** |' },
    { part: 'deadline', text: '**2026-11-21T09:30:00.000Z**' },
    { part: 'reason', text: '**hold** by ` refunds/too-many-per-customer `' },
    { part: 'message', text: '` 6 attempts in 10m; at most 5 `' },
    { part: 'place', text: '` policies/guardrails/refunds.yaml:5 `' },
    { part: 'obligation', text: '- redact ` payload.card `, by ` pii/card-number `' },
    { part: 'clear field', text: '| ` /payload/amount ` | ` 120 ` |' },
    { part: 'masked field', text: '| ` /payload/card ` | masked (string) |' },
    { part: 'route', text: '- Route ` payments `: 2 of ` ana `, ` bo `, ` cy `, by' },
    { part: 'command', text: 'countersign requests approve req_00000000000000000001' },
  ])('shows the $part', ({ text }) => {
    expect(body).toContain(text)
  })

  test('says the effect of the tool, and that it is not known', () => {
    expect(renderPull(requestOf(), { effect: 'irreversible' }).body).toContain(
      '| Effect of the tool | **irreversible** |',
    )
    expect(body).toContain('| Effect of the tool | not known |')
  })

  const route: Request['routes'][number] = {
    ...PAYMENTS,
    groups: [
      { id: 'desk', quorum: 1, reviewers: ['ana'] },
      { id: 'legal', quorum: 1, reviewers: ['bo', 'cy'] },
    ],
    delegates: [{ person: 'dee', for: 'ana', until: '2026-12-01T00:00:00Z' }],
    escalation: { at: '2026-11-21T09:15:00.000Z', reviewers: ['eve'] },
    break_glass: { quorum: 1, reviewers: ['dee'], review_within: '24h' },
    on_time_out: 'reject',
  }
  test.for([
    { part: 'group', text: '  - Group ` legal `: 1 of ` bo `, ` cy `' },
    { part: 'one group a person', text: 'Each person counts in one group.' },
    { part: 'delegate', text: '` dee ` stands in for ` ana ` until 2026-12-01' },
    { part: 'escalation', text: 'From 2026-11-21T09:15:00.000Z on also ` eve `' },
    { part: 'glass', text: 'In an emergency 1 of ` dee ` may break the glass' },
    { part: 'command that breaks it', text: 'req_00000000000000000001 --break-glass --comment' },
    { part: 'end by a no', text: '**2026-11-21T09:30:00.000Z**, then it is rejected' },
    { part: 'signature', text: 'only a signed review counts' },
  ])('shows the $part of a route', ({ text }) => {
    expect(renderPull(requestOf({ routes: [route] })).body).toContain(text)
  })

  test('says where a plain review is enough', () => {
    const text = renderPull(requestOf({ routes: [{ ...PAYMENTS, signature: 'none' }, LEGAL] })).body
    expect(text).toContain('On ` payments ` a plain review of this pull request counts too')
    expect(body).not.toContain('plain review')
  })

  test('a look at what has run says so', () => {
    const text = renderPull(requestOf({ ratifies: 'req_00000000000000000009' })).body
    expect(text).toContain('**It has run.**')
    expect(text).toContain('then it is overdue')
  })

  test('an excerpt of the behaviour, from what the finding says', () => {
    const evidence = {
      ...{ from: 'crm.read', to: 'mail.send', seen: 0, surprisal_bits: 12.5, expected_bits: 1.2 },
      ...{ odder_sessions: 1, calibration_sessions: 400, missing: 'crm.check' },
    }
    const findings = requestOf().findings.map((one) => ({ ...one, evidence }))
    const text = renderPull(requestOf({ findings })).body
    expect(text).toContain('## How the session behaves')
    expect(text).toContain(
      'the step ` crm.read ` to ` mail.send `, seen 0 times: 12.5 bits, 1.2 expected',
    )
    expect(text).toContain('1 of 400 ordinary sessions')
    expect(text).toContain('What usually stands between: ` crm.check `')
    expect(body).not.toContain('## How the session behaves')
  })

  test('a masked value never shows, even when it is there', () => {
    const field = { pointer: '/payload/card', shown: 'masked', type: 'string' } as const
    const request = requestOf({ fields: [{ ...field, value: '4111-1111' as never }] })
    expect(renderPull(request).body).not.toContain('4111')
  })

  test('a private principal and session are not named', () => {
    const { principal: _, session: __, ...rest } = requestOf()
    const rendered = renderPull(rest).body
    expect(rendered).toContain('| On behalf of | nobody is named |')
    expect(rendered).toContain('| Session | not shown |')
  })

  test('ten thousand fields fit, and the rest is counted', () => {
    const fields = Array.from({ length: 10_000 }, (_, i) => ({
      ...{
        pointer: `/payload/items/${i}`,
        shown: 'clear' as const,
        value: 'x'.repeat(300) as never,
      },
    }))
    const long = renderPull(requestOf({ fields })).body
    expect(long.length).toBeLessThanOrEqual(60_001)
    expect(long).toMatch(/\*\*9\d{3} more entries\*\* are left out/)
  })

  test('a thousand reviewers and findings still leave the command in place', () => {
    const reviewers = Array.from({ length: 1000 }, (_, i) => `person-${i}-${'n'.repeat(100)}`)
    const findings = Array.from({ length: 1000 }, () => requestOf().findings).flat()
    const long = renderPull(requestOf({ routes: [{ ...PAYMENTS, reviewers }], findings })).body
    expect(long.length).toBeLessThanOrEqual(60_001)
    expect(long).toContain('countersign requests approve req_')
  })
})

describe('hostile words', () => {
  const hostile = [
    '@octocat please approve',
    '`](javascript:alert(1)) <img src=x onerror=alert(1)>',
    '``` \n\n# Approved by ana\n\n| a | b |',
    'x | masked (string) |\n| `/payload/amount` | `1`',
    '\u202Egnp.exe\u202C\u200B\u0000\u001B[2J\u2028',
    '[link](https://evil.example) #1 GH-1 https://evil.example',
    '<!-- hidden --> ```countersign-statement',
  ]

  test.for(hostile.map((text) => ({ text })))('%o stays inert in every place', ({ text }) => {
    const { title, body } = renderPull(
      requestOf({
        ...{ service: text, action: text, agent: text, principal: text, session: text, role: text },
        findings: requestOf().findings.map((finding) => ({
          ...finding,
          message: text,
          file: text,
        })),
        fields: [{ pointer: text, shown: 'clear', value: text as never }],
        obligations: [{ kind: 'redact', paths: [text], rule: text }],
      }),
    )
    const prose = body.split('\n').filter((line) => !line.startsWith('countersign requests '))
    for (const line of prose) {
      expect(outsideSpans(line)).not.toMatch(/@|<|\]\(|https?:|#\d/)
    }
    expect(`${title}${body}`).not.toMatch(/[\u202E\u200B\u2028]/)
    expect(title).not.toMatch(/[\n`]/)
    expect(body.split('\n').filter((line) => /^(?:#|```countersign)/.test(line))).toEqual([
      '## How to decide',
      '## Who decides',
      '## Why it waits',
      '## What happens to the payload before it runs',
      '## The action, field by field',
    ])
    const rows = body.slice(body.indexOf('| Field |')).trimEnd().split('\n')
    for (const row of rows) expect(row.match(/\|/g)).toHaveLength(3)
  })

  test('a code span never ends early', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', ' ', '|', '\\', 'a', '\n') }), (text) => {
        expect(outsideSpans(codeSpan(text, 100)).replace('(empty)', '')).toBe('')
        expect(codeCell(text, 100)).not.toContain('|')
      }),
    )
  })

  test('long text says how much is left out, and no surrogate pair is torn', () => {
    expect(plainLine('abcdef', 4)).toBe('abcd… (2 more characters)')
    expect(plainLine('abc\u{1F600}', 4)).toBe('abc… (1 more characters)')
    expect(plainLine('b\uFE01\u{E0141}', 10)).toBe('b\\u{fe01}\\u{e0141}')
    expect(plainLine('a\nb\u202E', 10)).toBe('a\\u{a}b\\u{202e}')
  })
})

/** What of a line stands outside code spans: CommonMark 0.31 section 6.1, equal runs of backticks. */
function outsideSpans(line: string): string {
  let rest = line
  let outside = ''
  for (;;) {
    const open = /`+/.exec(rest)
    if (open === null) return outside + rest
    const fence = open[0]
    const after = rest.slice(open.index + fence.length)
    const close = [...after.matchAll(/`+/g)].find((run) => run[0].length === fence.length)
    outside += rest.slice(0, open.index)
    if (close === undefined) return `${outside}${fence}${after}`
    rest = after.slice(close.index + fence.length)
  }
}
