import type { RegoCoverage } from '../model/rego.ts'
import type { ExactJson, QueryAnswer, QueryResult, RuleTiming } from '../model/results.ts'
import { type Paint, visible } from './paint.ts'
import { traceText } from './query-trace-text.ts'

/** Sources by file, to quote from. */
export type Sources = ReadonlyMap<string, string>

/** What a query came to, for people; what ended it, if something did, is told elsewhere. */
export function queryText(answer: QueryAnswer, sources: Sources, paint: Paint): string {
  const result = answer.error === undefined ? resultsText(answer.results, paint) : ''
  const { before, after } = notesText(answer, sources, paint)
  return [before, result, after].filter((part) => part !== '').join('\n')
}

/** What was asked for beside the results: to be shown before them, and after. */
export function notesText(
  answer: QueryAnswer,
  sources: Sources,
  paint: Paint,
): { readonly before: string; readonly after: string } {
  const { explanation, profile, coverage } = answer
  const after = [
    profile === undefined || profile.length === 0 ? '' : profileText(profile),
    coverage === undefined ? '' : coverageText(coverage, sources, paint),
  ]
  return {
    before: explanation === undefined ? '' : traceText(explanation, paint),
    after: after.filter((part) => part !== '').join('\n'),
  }
}

/** For scripts: a line for each result, its values as JSON, texts as they are. */
export function rawText({ results }: QueryAnswer): string {
  const lines = results.map(({ expressions }) =>
    expressions.map(({ value }) => (typeof value === 'string' ? value : JSON.stringify(value))),
  )
  return lines.map((values) => `${values.join(' ')}\n`).join('')
}

const PROFILE_LINES = 10

/** One value as it is; several as a table, a line for each result. */
function resultsText(results: readonly QueryResult[], paint: Paint): string {
  const [first] = results
  if (first === undefined) return 'undefined\n'
  const [only] = first.expressions
  if (results.length === 1 && first.expressions.length === 1 && first.bindings === undefined) {
    return `${visible(JSON.stringify(only?.value, null, 2))}\n`
  }
  const rows = results.map(cellsOf)
  return tableText([...(rows[0]?.keys() ?? [])], rows, paint)
}

/** Variables, and expressions that have a value to tell. */
function cellsOf({ expressions, bindings = {} }: QueryResult): ReadonlyMap<string, ExactJson> {
  const named = Object.entries(bindings)
  const told = expressions
    .filter(({ value }) => named.length === 0 || value !== true)
    .map(({ text, value }) => [text, value] as const)
  return new Map([...named, ...told])
}

function tableText(
  columns: readonly string[],
  rows: readonly ReadonlyMap<string, ExactJson>[],
  paint: Paint,
): string {
  const cells = rows.map((row) =>
    columns.map((column) => visible(JSON.stringify(row.get(column) ?? true))),
  )
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  const head = paint.bold(line(columns.map(visible)))
  return [head, ...cells.map(line)].map((text) => `${text}\n`).join('')
}

function profileText(timings: readonly RuleTiming[]): string {
  const shown = timings.slice(0, PROFILE_LINES)
  const width = Math.max(4, ...shown.map(({ rule }) => rule.length))
  const head = `${'rule'.padEnd(width)}  ${'own ms'.padStart(9)}  ${'total ms'.padStart(9)}  times  at`
  const rows = shown.map(
    ({ rule, own_ms, total_ms, evaluations, file, line }) =>
      `${rule.padEnd(width)}  ${own_ms.toFixed(4).padStart(9)}  ${total_ms.toFixed(4).padStart(9)}  ` +
      `${String(evaluations).padStart(5)}  ${file}:${line}`,
  )
  const more = timings.length - shown.length
  return `${[head, ...rows, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')}\n`
}

function coverageText(coverage: RegoCoverage, sources: Sources, paint: Paint): string {
  const lines = [`coverage ${coverage.percent.toFixed(1)}% of what the query can reach`]
  for (const [file, { missed }] of Object.entries(coverage.files)) {
    const text = sources.get(file)?.split('\n') ?? []
    for (const line of missed) {
      const source = text[line - 1]?.trim() ?? ''
      lines.push(`${paint.red('missed')} ${paint.dim(`${file}:${line}`)} ${visible(source)}`)
    }
  }
  return `${lines.join('\n')}\n`
}
