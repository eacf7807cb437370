import { sha256, utf8 } from '../base/digest.ts'
import { encodeBase64 } from '../base/encoding.ts'
import type { ExportHeader, ExportRecord } from '../model/receipt-export.ts'
import type { ExportFacts } from './export-facts.ts'
import { factsOf } from './export-facts.ts'
import { agentBar, timePlot, waitPlot } from './export-plots.ts'
import { EXPORT_STYLE } from './export-style.ts'
import type { ExportSummary } from './export-summary.ts'
import { ENDINGS, spanText, summarize, VERDICTS } from './export-summary.ts'
import { escapeHtml } from './export-text.ts'

/** What an HTML report is made of. */
export type HtmlExport = {
  readonly header: ExportHeader
  readonly records: readonly ExportRecord[]
  /** The export as JSON Lines, to the byte: it is put into the page. */
  readonly lines: Uint8Array
}

/**
 * An export as one page that needs nothing else: no script, no request. It follows from its data alone, so that a reader
 * can make it again from what is embedded and compare.
 */
export function exportHtml({ header, records, lines }: HtmlExport): string {
  const facts = records.map((record) => factsOf(record, header))
  const asked = facts.filter((_, i) => records[i]?.line.context !== true)
  const page: Page = { header, facts, asked, summary: summarize(asked, waitsOf(facts)) }
  return [
    '<!doctype html>',
    '<html lang="en">',
    ...headLines(header),
    '<body>',
    '<main>',
    ...introduction(page),
    ...plots(page.summary),
    ...agentTable(page.summary),
    ...endingTable(page),
    ...denialTable(page),
    ...policyTable(page),
    ...proof(header),
    '</main>',
    EMBEDDED_BEFORE + encodeBase64(lines) + EMBEDDED_AFTER,
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

/** What stands around the embedded export; no browser runs a script of that type. */
export const EMBEDDED_BEFORE = '<script type="application/octet-stream" id="countersign-export">'
export const EMBEDDED_AFTER = '</script>'

type Page = {
  readonly header: ExportHeader
  readonly facts: readonly ExportFacts[]
  readonly asked: readonly ExportFacts[]
  readonly summary: ExportSummary
}

/** How long people took, by the log index of the approval: the hold that it refers to is always there. */
function waitsOf(facts: readonly ExportFacts[]): Map<number, number> {
  const times = new Map(facts.map(({ index, time }) => [index, Date.parse(time)]))
  return new Map(
    facts.flatMap(({ index, heldAt, decision, time }) => {
      const asked = heldAt === null ? undefined : times.get(heldAt)
      if (asked === undefined || !decision.startsWith('APPROVED')) return []
      return [[index, Math.max(0, Date.parse(time) - asked)] as const]
    }),
  )
}

function headLines({ origin }: ExportHeader): string[] {
  const hash = encodeBase64(sha256(utf8(EXPORT_STYLE)))
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`
  return [
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    `<title>Decisions of ${escapeHtml(origin)}</title>`,
    `<style>${EXPORT_STYLE}</style>`,
    '</head>',
  ]
}

function introduction({ header, summary }: Page): string[] {
  const { origin, first, last, size, period, filters } = header
  const from = period.from === undefined ? 'from the beginning' : `from ${period.from}`
  const to = period.to === undefined ? 'to the end of the log' : `to before ${period.to}`
  const only = Object.entries(filters).map(([name, value]) => `${name} ${value} only`)
  const tiles = [
    ...VERDICTS.map((verdict) => [verdict, summary.decisions.get(verdict) ?? 0] as const),
    ...ENDINGS.map((ending) => [phrase(ending), summary.decisions.get(ending) ?? 0] as const),
    ['executed', summary.executions] as const,
    ['median wait', summary.medianWaitMs === null ? '–' : spanText(summary.medianWaitMs)] as const,
  ]
  return [
    `<h1>Decisions of ${escapeHtml(origin)}</h1>`,
    `<p class="soft">${escapeHtml([from, to, ...only].join(', '))} · receipts ${first} to ${last} of ${size}</p>`,
    '<ul class="tiles">',
    ...tiles.map(([name, value]) => `<li><b>${value}</b><span>${escapeHtml(name)}</span></li>`),
    '</ul>',
  ]
}

function plots(summary: ExportSummary): string[] {
  return [
    '<h2>Over time</h2>',
    '<div class="plots">',
    `<section class="card plotted"><h3>Decisions by verdict</h3>\n${timePlot(summary)}</section>`,
    `<section class="card plotted"><h3>Time to approval</h3>\n${waitPlot(summary)}</section>`,
    '</div>',
  ]
}

function agentTable({ agents }: ExportSummary): string[] {
  const total = (counts: ReadonlyMap<string, number>) =>
    VERDICTS.reduce((sum, one) => sum + (counts.get(one) ?? 0), 0)
  const most = Math.max(1, ...agents.map(({ counts }) => total(counts)))
  const rows = agents.map(({ agent, counts, executions, medianWaitMs }) =>
    row([
      ['Agent', escapeHtml(agent)],
      ['Verdicts', agentBar(counts, most)],
      ['All', total(counts), 'n'],
      ...VERDICTS.map((one) => [one, counts.get(one) ?? 0, 'n'] as const),
      ['approved', approved(counts), 'n'],
      ['rejected', counts.get('REJECTED') ?? 0, 'n'],
      ['expired', counts.get('EXPIRED') ?? 0, 'n'],
      ['executed', executions, 'n'],
      ['median wait', medianWaitMs === null ? '–' : spanText(medianWaitMs), 'n'],
    ]),
  )
  const names = ['All', ...VERDICTS, 'approved', 'rejected', 'expired', 'executed', 'median wait']
  const heads: Head[] = ['Agent', 'Verdicts', ...names.map((name) => [name, 'n'] as const)]
  return table('Agents', heads, rows, 'No agent asked for anything.')
}

function approved(counts: ReadonlyMap<string, number>): number {
  return (counts.get('APPROVED') ?? 0) + (counts.get('APPROVED_WITH_MODIFICATIONS') ?? 0)
}

/** Who approved or rejected what, when, with which payload, under which policy. */
function endingTable({ asked, facts }: Page): string[] {
  const byIndex = new Map(facts.map((one) => [one.index, one]))
  const rows = asked
    .filter(({ stage }) => stage === 'resolution')
    .map((one) => {
      const hold = one.heldAt === null ? undefined : byIndex.get(one.heldAt)
      return row([
        ['Receipt', one.index, 'n'],
        ['Ended', `${badge(one.decision)}${line(escapeHtml(one.reason), 'small soft')}`],
        ['Who', one.reviews.length === 0 ? 'nobody' : one.reviews.map(reviewText).join('')],
        [
          'What',
          `${line(escapeHtml(one.tool))}${line(`${escapeHtml(one.agent)}${principal(one)}`, 'small soft')}`,
        ],
        ['When', whenText(one, hold) + ranText(one, facts)],
        ['Payload', payloadText(one)],
        ['Policy and rules', policyText(one, hold)],
      ])
    })
  const heads: Head[] = [
    ...[['Receipt', 'n'] as const, 'Ended', 'Who', 'What', 'When', 'Payload', 'Policy and rules'],
  ]
  return table('What people decided', heads, rows, 'No request ended in this period.')
}

function denialTable({ asked }: Page): string[] {
  const rows = asked
    .filter(({ decision, stage }) => stage === 'verdict' && decision === 'deny')
    .map((one) =>
      row([
        ['Receipt', one.index, 'n'],
        ['When', time(one.time)],
        ['What', `${line(escapeHtml(one.tool))}${line(escapeHtml(one.agent), 'small soft')}`],
        ['Payload', payloadText(one)],
        [
          'Why',
          one.rules
            .map(
              (rule, i) =>
                `${line(escapeHtml(rule))}${line(escapeHtml(one.findings[i] ?? ''), 'small soft')}`,
            )
            .join('') || '–',
        ],
      ]),
    )
  const heads: Head[] = [['Receipt', 'n'], 'When', 'What', 'Payload', 'Why']
  return table('What was denied', heads, rows, 'Nothing was denied in this period.')
}

function policyTable({ header, facts }: Page): string[] {
  const rows = header.policies.map(({ digest, name = '–' }) => {
    const count = facts.filter(({ policy }) => policy === digest).length
    return row([
      ['Policy', escapeHtml(name)],
      ['Digest', `<code>${escapeHtml(digest)}</code>`],
      ['Receipts', count, 'n'],
    ])
  })
  return table('Policies', ['Policy', 'Digest', ['Receipts', 'n']], rows, 'No policy is named.')
}

function proof({ checkpoint, filters }: ExportHeader): string[] {
  const whole =
    Object.keys(filters).length === 0
      ? 'that nothing between the first receipt and the last was left out.'
      : 'not that nothing was left out, since this report is filtered.'
  return [
    '<h2>Proof</h2>',
    '<section class="card">',
    '<p>Every receipt stands in this page with its proof. To check them, and that this page says what they say, without a network:</p>',
    '<pre>countersign receipts verify REPORT.html --trust trust.yaml</pre>',
    `<p class="soft small">It shows that each receipt is in the log under the checkpoint below, and ${whole} Times are the engine’s and the reviewers’ own. This page proves nothing by itself.</p>`,
    `<pre>${escapeHtml(checkpoint.trimEnd())}</pre>`,
    '</section>',
  ]
}

type Cell = readonly [label: string, html: string | number, kind?: 'n']
type Head = string | readonly [string, 'n']

function row(cells: readonly Cell[]): string {
  const tds = cells.map(
    ([label, html, kind]) =>
      `<td${kind === undefined ? '' : ` class="${kind}"`} data-label="${escapeHtml(label)}"><div>${html}</div></td>`,
  )
  return `<tr>${tds.join('')}</tr>`
}

function table(
  title: string,
  heads: readonly Head[],
  rows: readonly string[],
  none: string,
): string[] {
  const ths = heads.map((head) =>
    typeof head === 'string' ? `<th>${head}</th>` : `<th class="${head[1]}">${head[0]}</th>`,
  )
  if (rows.length === 0) return [`<h2>${title}</h2>`, `<p class="none">${none}</p>`]
  return [
    `<h2>${title}</h2>`,
    `<section class="card rows"><table><thead><tr>${ths.join('')}</tr></thead><tbody>`,
    ...rows,
    '</tbody></table></section>',
  ]
}

function line(html: string, kind = ''): string {
  if (html === '') return ''
  return `<div${kind === '' ? '' : ` class="${kind}"`}>${html}</div>`
}

function badge(word: string): string {
  const known = /^[A-Za-z_]+$/.test(word) ? ` w-${word}` : ''
  return `<span class="word${known}">${escapeHtml(phrase(word))}</span>`
}

function phrase(word: string): string {
  return word === 'APPROVED_WITH_MODIFICATIONS' ? 'modified' : word.toLowerCase()
}

function principal({ principal: who }: ExportFacts): string {
  return who === '' ? '' : ` for ${escapeHtml(who)}`
}

function reviewText({
  reviewer,
  verdict,
  by,
  assurance,
  breakGlass,
}: ExportFacts['reviews'][number]): string {
  const words = [
    verdict,
    ...(breakGlass ? ['broke the glass'] : []),
    ...(assurance === 'none' ? ['unsigned'] : []),
  ]
  const name = `${escapeHtml(reviewer)} <span class="small soft">${words.join(', ')}</span>`
  return line(name) + line(escapeHtml(by), 'mono soft')
}

function whenText({ time: at }: ExportFacts, hold: ExportFacts | undefined): string {
  if (hold === undefined) return time(at)
  const ms = Math.max(0, Date.parse(at) - Date.parse(hold.time))
  return `${line(time(at), 'once')}${line(`asked ${time(hold.time)}, took ${spanText(ms)}`, 'small soft')}`
}

/** When it ran, by the grants that were redeemed. */
function ranText({ index }: ExportFacts, facts: readonly ExportFacts[]): string {
  return facts
    .filter(({ decidedAt, decision }) => decidedAt === index && decision === 'redeemed')
    .map((one) => line(`ran ${time(one.time)} at ${escapeHtml(one.audience)}`, 'small soft'))
    .join('')
}

function time(text: string): string {
  return escapeHtml(text.replace('T', ' ').replace(/(?:\.\d+)?Z$/, ''))
}

function payloadText({ shown }: ExportFacts): string {
  const fields = [...shown].filter(([, value]) => value !== '')
  if (fields.length === 0) return '<span class="soft">not shown</span>'
  return fields
    .map(([path, value]) => `${line(escapeHtml(path), 'small soft')}${line(escapeHtml(value))}`)
    .join('')
}

function policyText({ policy, policyName }: ExportFacts, hold: ExportFacts | undefined): string {
  const rules = (hold?.rules ?? []).map((rule) => line(escapeHtml(rule), 'small soft'))
  const name = policyName === '' ? '' : line(escapeHtml(policyName))
  return `${name}<div class="mono once">${escapeHtml(policy.slice(0, 15))}…</div>${rules.join('')}`
}
