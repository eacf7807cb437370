import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cellsOf, fitted, lastCells, wrapped } from '../../src/report/cells.ts'
import { timeLeft } from '../../src/report/inbox-line.ts'
import { inboxScreen, paintScreen } from '../../src/report/inbox-text.ts'
import type { InboxView } from '../../src/report/inbox-view.ts'
import { painter } from '../../src/report/paint.ts'
import { inboxOf, itemOf, NOON, openedOf } from '../fakes/inbox-items.ts'

// Whole screens against goldens in test/report/inbox; update them with `npm run test:update` and read the difference.

const HOSTILE = 'a\u001b[2J\u001b]0;t\u0007\r\nb\u202ec\u200bd\u009be'

const items = [
  itemOf('a', { priority: 'low', missing: null }),
  itemOf('b', { priority: 'critical', agent: 'buyer', action: HOSTILE }),
  itemOf('c', { priority: 'high', expires_at: '2026-01-01T12:00:09.000Z' }),
  itemOf('d', {
    ...{ priority: 'high', service: '注文', action: '返金😀' },
    obstacle: 'reviews that do not verify block it: 12 (SIGNATURE_WRONG)',
  }),
]

const full = itemOf('e', {
  priority: 'high',
  principal: 'user 17',
  missing: [{ route: 'payments', need: 1 }],
  obstacle: 'approvals are for different payloads',
  routes: [
    {
      ...{
        id: 'payments',
        quorum: 2,
        reviewers: ['ana', 'bo', 'cy'],
        signature: 'signed' as const,
      },
      expires_at: '2026-01-01T13:00:00.000Z',
      groups: [
        { id: 'finance', quorum: 1, reviewers: ['ana', 'cy'] },
        { id: 'board', quorum: 1, reviewers: ['bo'] },
      ],
      delegates: [{ person: 'cy', for: 'ana', until: '2026-02-01T00:00:00Z' }],
      escalation: { at: '2026-01-01T12:15:00.000Z', reviewers: ['dee'] },
      on_time_out: 'reject',
      break_glass: { quorum: 1, reviewers: ['dee'], review_within: '24h' },
    },
  ],
  findings: [
    {
      ...{ rule: 'behaviour/odd', kind: 'markov', verdict: 'hold', mode: 'enforce' },
      message: 'An odd step.',
      evidence: {
        ...{ baseline: 'version 4', from: 'shop.read_order', to: 'shop.refund', seen: 0 },
        ...{ surprisal_bits: 7.2, expected_bits: 1.1, odder_sessions: 1 },
        ...{ calibration_sessions: 400, least: 0.99 },
      },
      ...{ file: 'policies/guardrails/behaviour.yaml', line: 4, column: 5 },
    },
    {
      ...{ rule: 'refunds/new', kind: 'pattern', verdict: 'deny', mode: 'shadow' },
      ...{ message: HOSTILE, evidence: {}, file: '', line: 0, column: 0 },
    },
  ],
  obligations: [{ kind: 'redact', paths: ['payload.to'], rule: 'mail/card-number' }],
})

const list: InboxView = {
  ...inboxOf(),
  items,
  looked: true,
  selected: items[1]?.found.request.id ?? '',
}
const page = { name: 'request', id: full.found.request.id, top: 0 } as const
const opened = openedOf(full, {
  clear: {
    payload: { amount: 900, to: HOSTILE, items: [], 'a/b': { c: null } },
    context: { ip: '::1' },
  },
  reviews: [{ reviewer: 'ana', verdict: 'patch', comment: 'half' }],
})
const reading: InboxView = {
  ...{ ...list, items: [...items, full], page: { ...page, opened } },
  comments: new Map([[full.found.request.id, 'half is enough']]),
}

const TALL = { rows: 60, columns: 80 }

const SCREENS: Readonly<Record<string, InboxView>> = {
  looking: inboxOf(),
  nothing: { ...inboxOf(), looked: true },
  list,
  'list-60x8': { ...list, size: { rows: 8, columns: 60 } },
  filtered: { ...list, filter: 'high', selected: items[2]?.found.request.id ?? '' },
  'filter-none': { ...list, filter: 'zzz', selected: null },
  request: reading,
  'request-tall': { ...reading, size: TALL },
  'request-masked': {
    ...{ ...reading, size: TALL },
    page: {
      ...page,
      opened: { ...opened, clear: null, masked: 'ana is on none of the routes payments' },
    },
  },
  reading: { ...reading, page: { ...page, opened: null } },
  comment: {
    ...reading,
    page: { name: 'input', purpose: 'comment', text: `half ${HOSTILE}`, back: { ...page, opened } },
  },
  approve: {
    ...reading,
    page: {
      ...{ name: 'confirm', review: { verdict: 'approve', comment: 'fine' }, changes: [], top: 0 },
      back: { ...page, opened },
    },
  },
  patch: {
    ...reading,
    page: {
      ...{ name: 'confirm', review: { verdict: 'patch', payload: {} }, top: 0 },
      changes: [
        { pointer: '/amount', kind: 'changed', before: 900, after: 200 },
        { pointer: '/note', kind: 'added', after: HOSTILE },
        { pointer: '/to', kind: 'removed', before: 'customer-7' },
      ],
      back: { ...page, opened },
    },
  },
  invalid: {
    ...reading,
    page: {
      ...{ name: 'invalid', text: '{', error: 'expected a value, found the end at 1:2' },
      back: { ...page, opened },
    },
  },
  'reject-without-reason': {
    ...reading,
    said: { kind: 'error', text: 'a rejection needs a reason: the agent is told' },
    page: { name: 'input', purpose: 'reject', text: '', back: { ...page, opened } },
  },
  help: { ...list, page: { name: 'help', top: 0, back: { name: 'list' } } },
  signing: { ...reading, busy: 'signing' },
  failed: { ...list, said: { kind: 'error', text: `FORGE_REFUSED: ${HOSTILE}` } },
  'only-looking': { ...list, reviewer: null },
}

describe('screens', () => {
  test.for(Object.entries(SCREENS))('%s', ([name, view]) => {
    const lines = inboxScreen(view)
    const text = lines.map((one) => `${one.style.padEnd(8)}|${one.text}|\n`).join('')
    const file = join(import.meta.dirname, 'inbox', `${name}.txt`)
    if (process.env['UPDATE_GOLDENS']) writeFileSync(file, text)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })

  test.for(Object.entries(SCREENS))(
    '%s fills its size exactly, and holds no control character',
    ([, view]) => {
      for (const size of [
        view.size,
        { rows: 24, columns: 80 },
        { rows: 5, columns: 20 },
        { rows: 1, columns: 3 },
      ]) {
        const lines = inboxScreen({ ...view, size })
        expect(lines).toHaveLength(Math.min(size.rows, lines.length))
        expect(lines.length).toBeGreaterThanOrEqual(Math.min(size.rows, 3))
        for (const { text } of lines) {
          expect(cellsOf(text)).toBe(size.columns)
          expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        }
      }
    },
  )

  test('nothing of a value is cut off on the page of a request', () => {
    const long = `${'x'.repeat(500)}end`
    const one = openedOf(full, { clear: { payload: { long }, context: {} } })
    const view = { ...reading, size: TALL, page: { ...page, opened: one } }
    const text = inboxScreen(view)
      .map((shown) => shown.text.trim())
      .join('')
    expect(text).toContain('xend"')
    expect(text.match(/x/g)?.length).toBeGreaterThanOrEqual(500)
  })

  test('colours go around lines, and can be left out', () => {
    const shown = inboxScreen(list)
    const coloured = paintScreen(shown, painter(true), (text) => `<${text}>`)
    expect(coloured[0]).toMatch(/^<Countersign inbox .*>$/)
    expect(coloured[1]).toContain('\u001b[1mbuyer')
    expect(paintScreen(shown, painter(false), (text) => text)).toEqual(
      shown.map(({ text }) => text),
    )
  })
})

test.for([
  { until: '2026-01-01T12:00:09.000Z', want: '0:09' },
  { until: '2026-01-01T12:58:20.000Z', want: '58:20' },
  { until: '2026-01-01T15:04:05.000Z', want: '3:04:05' },
  { until: '2026-01-03T15:00:00.000Z', want: '2d 03h' },
  { until: '2026-01-01T12:00:00.000Z', want: 'over' },
  { until: '2025-01-01T12:00:00.000Z', want: 'over' },
  { until: 'no time', want: 'over' },
])('until $until there is $want', ({ until, want }) => {
  expect(timeLeft(until, NOON)).toBe(want)
})

describe('cells', () => {
  test.for([
    { text: 'abc', cells: 3 },
    { text: '返金', cells: 4 },
    { text: '😀', cells: 2 },
    { text: 'é', cells: 1 },
    { text: 'e\u0301', cells: 1 },
    { text: '', cells: 0 },
    { text: '\u2329\u232a', cells: 4 },
    { text: '\u2630', cells: 2 },
    { text: '\u4dc0', cells: 2 },
    { text: '\ufe13', cells: 2 },
    { text: '\u{18b00}', cells: 2 },
    { text: '\u{1aff0}', cells: 2 },
    { text: '\u{1d300}', cells: 2 },
  ])('$text takes $cells', ({ text, cells }) => {
    expect(cellsOf(text)).toBe(cells)
  })

  test.for([
    { text: 'abc', columns: 5, want: 'abc  ' },
    { text: 'abcdef', columns: 4, want: 'abc…' },
    { text: '返金返金', columns: 4, want: '返… ' },
    { text: 'abc', columns: 0, want: '' },
  ])('$text in $columns columns is "$want"', ({ text, columns, want }) => {
    expect(fitted(text, columns)).toBe(want)
  })

  test.for([
    { text: 'abc', columns: 5, want: 'abc' },
    { text: 'abcdef', columns: 4, want: '…def' },
    { text: '返金返金', columns: 4, want: '…金' },
    { text: 'abc', columns: 0, want: '' },
  ])('the end of $text in $columns columns is "$want"', ({ text, columns, want }) => {
    expect(lastCells(text, columns)).toBe(want)
  })

  test.for([
    { text: 'one two three', columns: 8, want: ['one two', '  three'] },
    { text: 'abcdefgh', columns: 4, want: ['abcd', '  ef', '  gh'] },
    { text: '返金返金', columns: 4, want: ['返金', '  返', '  金'] },
    { text: 'short', columns: 80, want: ['short'] },
  ])('$text is broken at $columns columns', ({ text, columns, want }) => {
    expect(wrapped(text, columns, 2)).toEqual(want)
  })

  test('a long text is broken in time that grows with its length alone', () => {
    const cpu = process.cpuUsage()
    const lines = wrapped('x y'.repeat(1_000_000), 80, 6)
    // Anything quadratic takes hours.
    expect(process.cpuUsage(cpu).user).toBeLessThan(30_000_000)
    expect(lines.join('').replaceAll(' ', '')).toBe('xy'.repeat(1_000_000))
  }, 60_000)
})
