import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { sha256, utf8 } from '../../src/base/digest.ts'
import { encodeBase64 } from '../../src/base/encoding.ts'
import type { DisclosedReport, ExportReport } from '../../src/model/receipt-export.ts'
import { exportCsvHead, exportCsvRow } from '../../src/report/export-csv.ts'
import { factsOf } from '../../src/report/export-facts.ts'
import { exportHtml } from '../../src/report/export-html.ts'
import { cefEvent, ocsfEvent, type SiemWriter } from '../../src/report/export-siem.ts'
import { spanText, summarize } from '../../src/report/export-summary.ts'
import { disclosedText, exportReportText } from '../../src/report/export-text.ts'
import { painter } from '../../src/report/paint.ts'
import { logReportText, receiptRowsText } from '../../src/report/receipts.ts'
import { verifyLog } from '../../src/trust/verify/log.ts'
import { filesOf, genesis, hold, logSigner, resolution, verdict } from '../trust/verify/log-case.ts'
import { type ExportCase, exportOf, largeCase, smallCase } from './export-case.ts'

const FOLDER = join(import.meta.dirname, 'export')
const UPDATE = process.env['UPDATE_GOLDENS'] !== undefined

/** Compares with a file of `test/report/export/`. */
function expectGolden(name: string, text: string): void {
  const file = join(FOLDER, name)
  if (UPDATE) writeFileSync(file, text)
  expect(text).toBe(readFileSync(file, 'utf8'))
}

function csvOf({ header, records }: ExportCase): string {
  const rows = records.map((record, i) => exportCsvRow(record, header, i === 0 ? 'head\n' : ''))
  return [exportCsvHead(header), ...rows].join('')
}

const htmlOf = ({ header, records, text }: ExportCase): string =>
  exportHtml({ header, records, lines: utf8(text) })

const eventsOf = ({ header, records }: ExportCase, write: SiemWriter): string =>
  records
    .map((record) => write(record, header, '1.2.3'))
    .filter((event) => event !== null)
    .map((event) => `${event}\n`)
    .join('')

/** A log of one verdict, whose findings and agent are hostile. */
function saying(text: string): ExportCase {
  const action = { agent: text, service: 's', action: 't' }
  return exportOf([genesis(), verdict('a', { action })])
}

describe('goldens', () => {
  test.for([
    { name: 'small.csv', made: csvOf },
    { name: 'small.html', made: htmlOf },
    { name: 'small.ocsf.jsonl', made: (one: ExportCase) => eventsOf(one, ocsfEvent) },
    { name: 'small.cef', made: (one: ExportCase) => eventsOf(one, cefEvent) },
  ])('$name', ({ name, made }) => {
    expectGolden(name, made(smallCase()))
  })
})

describe('csv', () => {
  test.for([
    { name: 'an equals sign', text: '=1+1', want: "'=1+1" },
    { name: 'a plus', text: '+1', want: "'+1" },
    { name: 'a minus', text: '-1', want: "'-1" },
    { name: 'an at sign', text: '@SUM(A1)', want: "'@SUM(A1)" },
    { name: 'a tab', text: '\t=1', want: "'\\t=1" },
    { name: 'a carriage return', text: '\r=1', want: "'\\u000d=1" },
    { name: 'a line feed', text: '\n=1', want: "'\\n=1" },
    { name: 'a space before it', text: ' =1', want: `' =1` },
    { name: 'what nobody sees before it', text: '\u200b=1', want: "'\\u200b=1" },
    { name: 'a formula where a semicolon ends a cell', text: 'x;=1+1;', want: `"x;'=1+1;"` },
    { name: 'the same with a space', text: 'x; @a', want: `"x; '@a"` },
    { name: 'a full-width sign', text: '\uff1d1', want: "'\uff1d1" },
    { name: 'a quote and a comma', text: 'a"b,c', want: '"a""b,c"' },
    { name: 'a line break', text: 'a\r\nb', want: 'a\\u000d\\nb' },
    { name: 'plain text', text: 'clerk', want: 'clerk' },
  ])('$name', ({ text, want }) => {
    const row = csvOf(saying(text)).split('\r\n')[2] ?? ''
    expect(row).toContain(`,,${want},,s.t,`)
  })

  test('each row has a cell for each column, and lines end in CR LF only', () => {
    const lines = csvOf(largeCase()).split('\r\n')
    expect(lines.pop()).toBe('')
    expect(lines.join('')).not.toMatch(/[\r\n]/)
    const counts = new Set(
      lines.map((line) => line.replace(/"(?:[^"]|"")*"/g, '').split(',').length),
    )
    expect(counts.size).toBe(1)
  })
})

describe('cef', () => {
  test.for([
    { name: 'an equals sign', text: 'a=b', want: 'sourceServiceName=a\\=b ' },
    { name: 'a backslash', text: 'a\\b', want: 'sourceServiceName=a\\\\b ' },
    { name: 'a bar, which needs none there', text: 'a|b', want: 'sourceServiceName=a|b ' },
    { name: 'line breaks', text: 'a\r\nb', want: 'sourceServiceName=a\\r\\nb ' },
    { name: 'a backslash and an n', text: 'a\\nb', want: 'sourceServiceName=a\\\\nb ' },
    { name: 'a terminal escape', text: 'a\u001b[2J', want: 'sourceServiceName=a\\\\u{1b}[2J ' },
  ])('$name in the extension', ({ text, want }) => {
    const events = eventsOf(saying(text), cefEvent)
    expect(events).toContain(want)
    expect(events.trimEnd().split('\n')).toHaveLength(1)
  })

  test('a bar and a backslash in the head', () => {
    const action = { agent: 'a', service: 's|\\', action: 't\n' }
    const events = eventsOf(exportOf([genesis(), verdict('a', { action })]), cefEvent)
    expect(events).toMatch(
      /^CEF:0\|Countersign\|Countersign\|1\.2\.3\|allow\|allow s\\\|\\\\\.t\\\\u\{a\}\|1\|rt=/,
    )
  })
})

describe('ocsf', () => {
  // The class as the OCSF project has it: https://schema.ocsf.io/1.4.0/classes/api_activity?profiles=security_control
  // made into JSON Schema by the Python package ocsf-json-schema 1.2.0.
  const schema = JSON.parse(
    readFileSync(join(FOLDER, '../../vectors/ocsf-api-activity-1.4.0.json'), 'utf8'),
  ) as object
  const valid = new Ajv2020({ strict: false, logger: false }).compile(schema)

  test.for([
    { name: 'a small log', one: smallCase },
    { name: 'a large log', one: largeCase },
  ])('every event of $name is valid by the schema of its class', ({ one }) => {
    for (const line of eventsOf(one(), ocsfEvent).trimEnd().split('\n')) {
      expect(valid(JSON.parse(line)), JSON.stringify(valid.errors)).toBe(true)
    }
  })

  test.for([
    { name: 'without a time', change: { time: undefined } },
    { name: 'with a severity that there is not', change: { severity_id: 42 } },
    { name: 'with a member of its own', change: { countersign: true } },
  ])('an event $name is not', ({ change }) => {
    const [line = ''] = eventsOf(smallCase(), ocsfEvent).split('\n')
    const event = { ...(JSON.parse(line) as object), ...change }
    expect(valid(JSON.parse(JSON.stringify(event)))).toBe(false)
  })

  test('broken glass is severe, whatever it let run', () => {
    const broken = resolution('b', 1, { review: { approval: { breakGlass: true } } })
    const events = eventsOf(exportOf([genesis(), hold('b'), broken]), ocsfEvent)
    expect(
      events
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { severity: string }).severity),
    ).toEqual(['Low', 'High'])
  })
})

describe('html', () => {
  const page = htmlOf(smallCase())

  test('its policy forbids everything but the one style, which it names', () => {
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const hash = encodeBase64(sha256(utf8(style)))
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    )
    expect(page).not.toMatch(/ style=| on[a-z]+=|<link|<img|url\(|@import|https?:\/\/(?!\S*<)/i)
  })

  test('text from a receipt is never markup', () => {
    expect(page).not.toContain('<script>')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain('a|b=c/&quot;&lt;d&gt;&quot;')
    expect(page).not.toContain('\u202e')
    expect(page.match(/<script/g)).toHaveLength(1)
  })

  test('the same data give the same page', () => {
    expect(htmlOf(smallCase())).toBe(page)
  })

  test('a log without decisions has a page too', () => {
    const empty = htmlOf(exportOf([genesis()]))
    expect(empty).toContain('No decisions in this period.')
    expect(empty).toContain('Nobody approved anything.')
  })
})

describe('on a terminal', () => {
  const evil = 'evil\u202egpj.\u2066'

  test('the name of a log that nobody pinned does not turn the text around', () => {
    const signer = logSigner(1, evil)
    const report = verifyLog(filesOf([genesis(signer)], signer))
    expect(report.status).toBe('self-consistent; key not pinned')
    expect(logReportText(report, painter(false))).not.toMatch(/[\u202e\u2066]/)
  })

  test('what a receipt says of its agent is obeyed by nothing', () => {
    const one = { index: 1, id: 'dec_1', stage: 'verdict', decision: 'allow', tool: 's.t' } as const
    const row = { ...one, agent: 'a\u001b[2J\nb', request: null, issued_at: '2026-11-21T09:00:00Z' }
    const text = receiptRowsText([row], painter(false))
    expect([text.includes('\u001b'), text.includes('\n')]).toEqual([false, false])
  })

  test('a report of an export says its names plainly', () => {
    const report: ExportReport = {
      ...{ status: 'verified', file: 'e\u001b]0;x', format: 'jsonl', origin: evil, first: 0 },
      ...{ last: 0, size: 1, receipts: {}, witnesses: [], problems: [] },
      ...{ proven: [`each receipt stands in the log ${evil}`], not_proven: [] },
    }
    const text = exportReportText(report, painter(false))
    expect(text).toContain('evil\\u202egpj.\\u2066')
    expect(text).not.toContain('\u001b')
    const problem = { code: 'EXPORT_INVALID', file: 'e', message: 'a\nverified  f' } as const
    const refused = { ...report, status: 'refused', proven: [], problems: [problem] } as const
    expect(exportReportText(refused, painter(false))).not.toMatch(/^verified/m)
  })

  test('a field of a disclosed receipt is one line, whatever its name', () => {
    const name = 'a\nverified  other.json'
    const report = { status: 'verified', fields: [{ pointer: `/payload/${name}`, value: 1 }] }
    const hidden = [{ pointer: `/context/${name}` }, { pointer: `/context/${name}`, members: 2 }]
    const text = disclosedText({ ...report, hidden } as unknown as DisclosedReport)
    expect(text).not.toMatch(/^verified/m)
    expect(text).toContain('/payload/a\\nverified  other.json: 1')
  })
})

describe('what is counted', () => {
  test('verdicts, endings and waits by agent', () => {
    const { header, records } = largeCase()
    const facts = records.map((record) => factsOf(record, header))
    const waits = new Map([
      [facts.find(({ decision }) => decision === 'APPROVED')?.index ?? 0, 90_000],
    ])
    const { decisions, bins, agents, waits: bars, medianWaitMs } = summarize(facts, waits)
    const sum = (word: string) =>
      agents.reduce((all, { counts }) => all + (counts.get(word) ?? 0), 0)
    for (const word of ['allow', 'hold', 'deny', 'APPROVED'])
      expect(sum(word)).toBe(decisions.get(word))
    const binned = bins.flatMap(({ counts }) => [...counts.values()]).reduce((a, b) => a + b, 0)
    expect(binned).toBe(facts.filter(({ stage }) => stage === 'verdict').length)
    expect(bins.length).toBeLessThanOrEqual(60)
    expect(bars.map(({ count }) => count)).toEqual([0, 1, 0, 0, 0, 0, 0])
    expect(medianWaitMs).toBe(90_000)
  })

  test.for([
    { ms: 0, want: '0 s' },
    { ms: 59_000, want: '59 s' },
    { ms: 61_000, want: '1 min' },
    { ms: 5_400_000, want: '1.5 h' },
    { ms: 200_000_000, want: '2.3 d' },
  ])('$ms ms -> $want', ({ ms, want }) => {
    expect(spanText(ms)).toBe(want)
  })
})
