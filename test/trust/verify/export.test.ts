import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Trust } from '../../../src/model/generated/types.ts'
import type { ExportHeader, ExportLine, ExportReport } from '../../../src/model/receipt-export.ts'
import { newExportChecker } from '../../../src/trust/verify/export.ts'
import {
  committedAction,
  type ExportCase,
  exportOf,
  smallCase,
  textOf,
} from '../../report/export-case.ts'
import {
  genesis,
  hold,
  logSigner,
  note,
  resolution,
  smallLog,
  trustOf,
  verdict,
} from './log-case.ts'

function verify(text: string, trust: Trust = trustOf()): ExportReport {
  const checker = newExportChecker(trust, { file: 'export.jsonl', format: 'jsonl' })
  const lines = text.split('\n')
  // The text after the last line feed is no line.
  for (const line of lines.slice(0, -1)) checker.line(line)
  if (lines.at(-1) !== '') checker.line(lines.at(-1) ?? '')
  return checker.report()
}

const linesOf = ({ records }: ExportCase) => records.map(({ line }) => line)

/** Six receipts an hour apart, so that a period can begin and end between them. */
function hourly() {
  const at = (hour: number) => ({ issuedAt: `2026-11-21T${String(hour).padStart(2, '0')}:00:00Z` })
  return [
    genesis(),
    hold('b', at(10)),
    verdict('a', at(11)),
    resolution('b', 1, { fields: at(12) }),
    verdict('d', at(13)),
    verdict('e', at(14)),
  ]
}

const noon = { from: '2026-11-21T11:30:00.000Z', to: '2026-11-21T12:30:00.000Z' }

describe('what is verified', () => {
  test('a whole log: nothing was left out, and the claims say so', () => {
    const { status, proven, not_proven, receipts, problems } = verify(smallCase().text)
    expect(problems).toEqual([])
    expect(status).toBe('verified')
    expect(receipts).toEqual({ genesis: 1, allow: 1, hold: 1, deny: 1, APPROVED: 1 })
    expect(proven).toContain(
      'nothing was left out between receipt 0 and 4: from the beginning of the log to its end at receipt 4',
    )
    expect(proven).toContain('2 disclosures open what the receipts committed to')
    expect(proven.join('\n')).toContain('1 review signatures hold')
    expect(not_proven.join('\n')).toContain('that the times are right')
    expect(not_proven.join('\n')).toContain('only their digests are in the receipts')
  })

  test('a period, with its neighbours and the hold that its approval refers to', () => {
    const { text } = exportOf(hourly(), {
      ...{ lines: [1, 2, 3, 4], context: [1, 2, 4] },
      header: { period: noon, first: 3, last: 3 },
    })
    const { status, proven, problems } = verify(text)
    expect(problems).toEqual([])
    expect(status).toBe('verified')
    expect(proven).toContain(
      `nothing was left out between receipt 3 and 3: from ${noon.from} on to before ${noon.to}`,
    )
  })

  test('with a filter it cannot tell whether all are there', () => {
    const { text } = exportOf(hourly(), {
      ...{ lines: [2, 4] },
      header: { filters: { agent: 'billing-agent' } },
    })
    const { status, proven, not_proven } = verify(text)
    expect(status).toBe('verified')
    expect(proven.join('\n')).not.toContain('left out')
    expect(not_proven.join('\n')).toContain('filtered, so between receipt 2 and 4 it cannot tell')
  })

  test('without reviewers and policies in the trust file it says so', () => {
    const { reviewers: _r, policies: _p, ...trust } = trustOf()
    const { status, not_proven } = verify(smallCase().text, trust)
    expect(status).toBe('verified')
    expect(not_proven.join('\n')).toMatch(/list reviewers[\s\S]*list policies/)
  })
})

type Change = {
  readonly name: string
  readonly lines?: (lines: ExportLine[]) => readonly object[]
  readonly header?: object
  readonly want: string
  readonly where?: number
}

/** Each with the digest at its end made anew, as a forger would. */
const FORGED: readonly Change[] = [
  {
    name: 'a line dropped',
    lines: (l) => l.toSpliced(2, 1),
    want: 'receipt 2, which is missing',
    where: 4,
  },
  { name: 'the last line dropped', lines: (l) => l.slice(0, -1), want: 'receipts up to 4' },
  { name: 'the first line dropped', lines: (l) => l.slice(1), want: 'receipt 0, which is missing' },
  {
    name: 'a line twice',
    lines: ([a, b, ...l]) => [a, b, b, ...l] as object[],
    want: 'receipt 1 once',
    where: 4,
  },
  {
    name: 'two lines in another order',
    lines: ([a, b, c, ...l]) => [a, c, b, ...l] as object[],
    want: 'receipt 1, which is missing; here is receipt 2',
    where: 3,
  },
  {
    name: 'a receipt that says something else',
    lines: (l) => l.with(3, { ...l[3], entry: l[3]?.entry.replace('deny', 'allow') } as ExportLine),
    want: 'PROOF_INVALID',
    where: 5,
  },
  {
    name: 'a proof of another receipt',
    lines: (l) => l.with(1, { ...l[1], proof: l[3]?.proof } as ExportLine),
    want: 'PROOF_INVALID',
    where: 3,
  },
  {
    name: 'the index of another receipt',
    lines: (l) => l.with(1, { ...l[1], index: 0 } as ExportLine),
    want: 'receipt 0 once',
  },
  {
    name: 'a proof in another log',
    lines: (l) => l.with(1, { ...l[1], proof: otherProof() } as ExportLine),
    want: 'PROOF_INVALID',
    where: 3,
  },
  {
    name: 'a proof to another checkpoint of the same log',
    lines: (l) => l.with(1, { ...l[1], proof: laterProof() } as ExportLine),
    want: 'leads to the checkpoint in the header',
    where: 3,
  },
  {
    name: 'the disclosure of another receipt',
    lines: (l) =>
      l.with(1, { ...l[1], disclosures: committedAction('z', { amount: 9 }).shown } as ExportLine),
    want: 'COMMITMENT_INVALID',
    where: 3,
  },
  {
    name: 'a disclosure of a receipt that has none',
    lines: (l) => l.with(0, { ...l[0], disclosures: l[1]?.disclosures } as ExportLine),
    want: 'COMMITMENT_INVALID',
    where: 2,
  },
  {
    name: 'a disclosure at another pointer',
    lines: (l) =>
      l.with(1, {
        ...l[1],
        disclosures: l[1]?.disclosures?.map((one) => ({
          ...one,
          pointer: one.pointer.replace('/amount', '/amounts'),
        })),
      } as ExportLine),
    want: 'COMMITMENT_INVALID',
  },
  {
    name: 'a disclosure without the one above it',
    lines: (l) => l.with(1, { ...l[1], disclosures: l[1]?.disclosures?.slice(1) } as ExportLine),
    want: 'COMMITMENT_INVALID',
  },
  {
    name: 'a patch opened where there is none',
    lines: (l) => l.with(4, { ...l[4], patched: l[1]?.disclosures } as ExportLine),
    want: 'disclosures of a patch where there is one',
  },
  {
    name: 'a receipt that was asked for as context',
    lines: (l) => l.with(3, { ...l[3], context: true } as ExportLine),
    want: 'a receipt that was asked for',
  },
  {
    name: 'a member more',
    lines: (l) => l.with(1, { ...l[1], note: 'x' } as ExportLine),
    want: 'no member "note"',
  },
  {
    name: 'another origin',
    header: { origin: 'countersign.test/evil' },
    want: "the checkpoint's origin",
  },
  { name: 'another size', header: { size: 6 }, want: "the checkpoint's size" },
  { name: 'another first', header: { first: 1 }, want: 'receipt 1, which is missing' },
  { name: 'another last', header: { last: 3 }, want: 'no receipt after 3' },
  {
    name: 'a last beyond the log',
    header: { last: 5 },
    want: '`first`, `last` and `size` in order',
  },
  {
    name: 'a period that its receipts are not of',
    header: { period: { from: noon.to } },
    want: 'a receipt of the period',
  },
  {
    name: 'a period that is no time',
    header: { period: { from: 'yesterday' } },
    want: 'a time in UTC',
  },
  {
    name: 'a filter that its receipts do not pass',
    header: { filters: { agent: 'else' } },
    want: 'the filters ask for',
  },
  { name: 'no policies', header: { policies: [] }, want: 'the policies that its receipts name' },
  { name: 'another version', header: { version: 2 }, want: 'version 1' },
  { name: 'a header that knows more', header: { safe: true }, want: 'no member "safe"' },
  { name: 'a field twice', header: { show: ['payload.a', 'payload.a'] }, want: 'each field once' },
]

describe('a forger who makes the digest anew', () => {
  test.for(FORGED)('$name', ({ lines = (l) => l, header, want, where }) => {
    const small = smallCase()
    const report = verify(textOf({ ...small.header, ...header }, lines(linesOf(small))))
    expect(report.status).toBe('refused')
    expect(report.proven).toEqual([])
    const [problem] = report.problems
    expect(`${problem?.code} ${problem?.message}`).toContain(want)
    if (where !== undefined) expect(problem?.file).toBe(`export.jsonl:${where}`)
  })

  test.for([
    { name: 'a checkpoint that nobody pinned', signer: 7, want: 'CHECKPOINT_UNTRUSTED' },
    { name: 'a checkpoint of another root', entries: 6, want: "the checkpoint's size" },
  ])('$name', ({ signer, entries, want }) => {
    const small = smallCase()
    const checkpoint =
      signer === undefined ? note(hourly().slice(0, entries)) : note(smallLog(), logSigner(signer))
    const report = verify(textOf({ ...small.header, checkpoint }, linesOf(small)))
    expect(`${report.problems[0]?.code} ${report.problems[0]?.message}`).toContain(want)
  })
})

describe('what a period cannot leave out', () => {
  const around: Partial<ExportHeader> = { period: noon, first: 3, last: 3 }
  test.for<{
    name: string
    lines: readonly number[]
    context: readonly number[]
    header?: Partial<ExportHeader>
    want: string
  }>([
    {
      name: 'the neighbour before',
      lines: [1, 3, 4],
      context: [1, 4],
      want: 'receipt 2, which shows',
    },
    {
      name: 'the neighbour after',
      lines: [1, 2, 3],
      context: [1, 2],
      want: 'receipt 4, which shows',
    },
    { name: 'the hold', lines: [2, 3, 4], context: [2, 4], want: '`heldAt` at an earlier receipt' },
    {
      name: 'nothing, and more than is referred to',
      lines: [0, 1, 2, 3, 4],
      context: [0, 1, 2, 4],
      want: 'no receipt 0',
    },
    {
      name: 'the first of it',
      ...{ lines: [1, 2, 3, 4], context: [1, 2, 4] },
      header: { period: { ...noon, from: '2026-11-21T10:30:00.000Z' } },
      want: 'some are missing',
    },
    {
      name: 'the last of it',
      ...{ lines: [1, 2, 3, 4], context: [1, 2, 4] },
      header: { period: { ...noon, to: '2026-11-21T13:30:00.000Z' } },
      want: 'some are missing',
    },
    {
      name: 'its end',
      ...{ lines: [1, 2, 3, 4], context: [1, 2, 4] },
      header: { period: { from: noon.from } },
      want: 'some are missing',
    },
  ])('without $name', ({ lines, context, header, want }) => {
    const { text } = exportOf(hourly(), { lines, context, header: { ...around, ...header } })
    const { status, problems } = verify(text)
    expect(status).toBe('refused')
    expect(problems.map(({ message }) => message).join('\n')).toContain(want)
  })
})

describe('what a period cannot prove is not claimed', () => {
  test('that it ended, when the checkpoint may be older than its end', () => {
    // Whoever has an old checkpoint can leave out all that came after it.
    const { text } = exportOf(hourly().slice(0, 5), {
      ...{ lines: [1, 2, 3, 4], context: [1, 2] },
      header: { period: { from: noon.from, to: '2026-11-22T00:00:00.000Z' }, first: 3, last: 4 },
    })
    const { status, proven, not_proven } = verify(text)
    expect(status).toBe('verified')
    expect(proven.join('\n')).not.toContain('before 2026-11-22')
    expect(proven).toContain(
      `nothing was left out between receipt 3 and 4: from ${noon.from} on to the end of the log at receipt 4`,
    )
    expect(not_proven.join('\n')).toContain('that the log ended at receipt 4')
  })

  test('that no receipt further off is of it, since times may overtake each other', () => {
    const at = (time: string) => ({ issuedAt: `2026-11-21T${time}:00Z` })
    const log = [
      genesis(),
      verdict('a', { ...at('11:35'), decision: 'deny' }),
      verdict('b', at('11:29')),
      verdict('c', at('12:00')),
      verdict('d', at('13:00')),
    ]
    const header = { period: noon, first: 3, last: 3 }
    const { text } = exportOf(log, { lines: [2, 3, 4], context: [2, 4], header })
    const { status, not_proven } = verify(text)
    expect(status).toBe('verified')
    expect(not_proven.join('\n')).toContain('overtook')
    expect(verify(smallCase().text).not_proven.join('\n')).not.toContain('overtook')
  })
})

describe('with a filter', () => {
  const filters = { agent: 'billing-agent' }
  test('what was asked for cannot be called context, which tables leave out', () => {
    const { text } = exportOf(hourly(), { lines: [1, 3], context: [1], header: { filters } })
    expect(
      verify(text)
        .problems.map(({ message }) => message)
        .join('\n'),
    ).toContain('a receipt that was asked for')
  })

  test('what is not of the period is no part of it, in the middle either', () => {
    const log = hourly().with(3, verdict('x', { issuedAt: '2026-11-21T08:00:00Z' }))
    const period = { from: '2026-11-21T10:30:00.000Z' }
    const { text } = exportOf(log, { lines: [2, 3, 4], header: { filters, period } })
    expect(
      verify(text)
        .problems.map(({ message }) => message)
        .join('\n'),
    ).toContain('a receipt of the period')
  })
})

describe('a damaged copy', () => {
  const { text } = smallCase()
  test.for([
    { name: 'nothing', text: '' },
    { name: 'no JSON', text: 'hello\n' },
    { name: 'cut short', text: text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1) },
    { name: 'the end twice', text: text + text.slice(text.lastIndexOf('\n', text.length - 2) + 1) },
    { name: 'a space more', text: text.replace('{"entry"', '{ "entry"') },
    {
      name: 'another key order',
      text: text.replace(/\{"entry":("(?:[^"\\]|\\.)*"),"index":2,/, '{"index":2,"entry":$1,'),
    },
    {
      name: 'a digest of something else',
      text: text.replace(/"digest":"sha256:[0-9a-f]{4}(?=[^\n]*"kind")/, '"digest":"sha256:0000'),
    },
  ])('$name is refused', ({ text: damaged }) => {
    expect(verify(damaged).status).toBe('refused')
  })

  test('any one changed byte is refused', () => {
    const bytes = Buffer.from(text)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(bytes.readUInt8(at) ^ flip, at)
        // What is no UTF-8 is refused by who reads the file.
        expect(verify(changed.toString('utf8')).status).toBe('refused')
      }),
      { numRuns: 300 },
    )
  })
})

/** The proof of entry 1 in a log of the same receipts, but one, under the same key. */
function otherProof(): string {
  return exportOf([genesis(), verdict('q'), ...smallLog().slice(2)]).records[1]?.line.proof ?? ''
}

function laterProof(): string {
  const entries = smallCase().records.map(({ line }) => Buffer.from(line.entry))
  return exportOf([...entries, verdict('later')]).records[1]?.line.proof ?? ''
}
