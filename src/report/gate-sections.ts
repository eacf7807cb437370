import type { Diagnostic } from '../base/position.ts'
import type { PolicyGate } from '../model/gate.ts'
import type { Place } from '../model/generated/types.ts'
import type {
  ChangeProblem,
  ChangeReport,
  CountedReview,
  NeededRoute,
  Weakening,
} from '../model/policy-change.ts'
import type { Direction, PolicyChange, SourceChange } from '../model/policy-diff.ts'
import { changeWord } from '../model/policy-diff.ts'
import { plural } from './check-text.ts'
import { flipSum, flipText } from './diff-text.ts'
import {
  code,
  codes,
  commands,
  cutTable,
  type Html,
  leftOut,
  shellWord,
  signed,
  table,
} from './gate-escape.ts'
import { type FailedTest, failedTests, type Uncovered, uncovered } from './gate-tests.ts'
import { lineDiff } from './line-diff.ts'

/** How much of each part is shown. */
export type Detail = {
  /** Rows of each table. */
  readonly rows: number
  /** Examples of each rule whose decisions flip. */
  readonly examples: number
  /** Lines of each Rego file that differs; 0 shows none. */
  readonly lines: number
}

/** The parts of a gate in Markdown, each null where there is nothing to say. Files are named from the repository's top. */
export function resultSection({ check, tests, coverage, diff, counts }: PolicyGate): Html {
  const { errors, warnings, tests_passed, tests_failed, changes, weakened } = counts
  const measured = tests?.coverage ?? null
  const least = coverage === null ? '' : `, at least ${coverage.min}% asked for`
  const rego = measured?.rego ?? null
  const flips = diff?.flips ?? null
  const rows = [
    check === null
      ? ['check', 'not run']
      : ['check', `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`],
    ['tests', tests === null ? 'not run' : `${tests_passed} passed, ${tests_failed} failed`],
    ...(measured === null ? [] : [['coverage of rules', `${shareOf(measured.rules)}${least}`]]),
    ...(rego === null ? [] : [['coverage of Rego', `${shareOf(rego)}${least}`]]),
    ...(diff === null ? [] : [['policy', `${plural(changes, 'change')}, ${weakened} may weaken`]]),
    ...(flips === null
      ? []
      : [['recorded decisions', `${flips.flips} flip, ${flips.lenient} more lenient`]]),
  ]
  return table(['', 'result'], rows)
}

export function problemSection({ problems }: PolicyGate, detail: Detail): Html | null {
  const row = ({ code: name, message, about, place }: ChangeProblem): Html[] => [
    name,
    about === undefined || message.includes(about)
      ? code(message)
      : `${code(about)} ${code(message)}`,
    placeHtml(place ?? null),
  ]
  return section('What stands against it', ['code', 'what', 'where'], problems, row, detail)
}

/** What check found; folded in where nothing of it is an error. */
export function checkSection({ check, counts }: PolicyGate, detail: Detail): Html | null {
  const row = (one: Diagnostic): Html[] => [
    one.severity === 'error' ? signed('🔴', 'error') : signed('🟡', 'warning'),
    one.code,
    code(one.hint === undefined ? one.message : `${one.message}; ${one.hint}`),
    placeHtml(one),
  ]
  const head = ['', 'code', 'what', 'where']
  const found = check?.diagnostics ?? []
  if (counts.errors > 0 || found.length === 0) return section('Check', head, found, row, detail)
  const words = `<summary>${plural(found.length, 'warning')}</summary>`
  const body = cutTable(head, found, row, detail.rows)
  return `### Check\n\n<details>${words}\n${body}\n</details>`
}

export function testSection({ tests }: PolicyGate, detail: Detail): Html | null {
  const failed = tests === null ? [] : failedTests(tests)
  const row = (one: FailedTest): Html[] => [code(one.name), code(one.message), placeHtml(one)]
  return section('Tests that fail', ['test', 'why', 'where'], failed, row, detail)
}

export function coverageSection({ tests, coverage }: PolicyGate, detail: Detail): Html | null {
  const measured = tests?.coverage ?? null
  if (measured === null || coverage === null || coverage.reached) return null
  const row = (one: Uncovered): Html[] => [code(one.what), placeHtml(one)]
  return section('What no test reaches', ['', 'where'], uncovered(measured), row, detail)
}

/** What the change does, with what may weaken first. */
export function changeSection(gate: PolicyGate, detail: Detail): Html | null {
  const { diff, weakenings } = gate
  const changes = diff?.changes ?? []
  // Tests and what guards the repository are no parts of a policy.
  const others = weakenings.filter(({ part }) => !changes.some((change) => change.part === part))
  const byGravity = ORDER.flatMap((direction) => [
    ...changes.filter((one) => one.direction === direction),
    ...others.filter((one) => one.direction === direction),
  ])
  const row = (one: PolicyChange | Weakening): Html[] =>
    'differences' in one ? changeRow(one) : weakeningRow(one)
  const tables = section('What changes', ['', 'what', 'how', 'where'], byGravity, row, detail)
  const sources = detail.lines === 0 ? [] : changes.flatMap((one) => one.sources)
  const shown = sources.slice(0, detail.rows).map((one) => sourceHtml(one, detail.lines))
  return tables === null ? null : [tables, ...shown].join('\n\n')
}

export function flipSection({ diff }: PolicyGate, detail: Detail): Html | null {
  const flips = diff?.flips ?? null
  if (flips === null) return null
  const gone = flips.erased === 0 ? '' : ` ${flips.erased} were erased and not judged.`
  const sum =
    flips.flips === 0
      ? 'none flips.'
      : `<b>${flips.flips} flip</b>, ${flips.lenient} of them more lenient.`
  const about = `<p>Of ${plural(flips.actions, 'recorded action')} ${sum}${gone}</p>`
  const rows = flips.rules.slice(0, detail.rows).map((one) => {
    const examples = one.examples.slice(0, detail.examples).map((flip) => code(flipText(flip)))
    return [one.lenient > 0 ? '🔴' : '🟡', [code(flipSum(one)), ...examples].join('<br>')]
  })
  const left = flips.rules.length - rows.length
  const found = left + rows.length === 0 ? '' : `\n${table(['', 'rule and examples'], rows, left)}`
  return `### Recorded decisions that flip\n\n${about}${found}`
}

/** Who has reviewed, who has yet to, and how. */
export function reviewSection(gate: PolicyGate, detail: Detail): Html | null {
  const { approvals, routes } = gate
  if (approvals === null) {
    if (routes.length === 0) return null
    const needs = `<p>It needs reviews for ${codes(routes)}. Name the pull request to have them counted.</p>`
    return `### Reviews\n\n${needs}\n${howTo(gate, null)}`
  }
  const asked = approvals.filter(({ routes: needed, reviews, refused }) => {
    return needed.length + reviews.length + refused.length > 0
  })
  if (asked.length === 0) return null
  const parts = asked.slice(0, detail.rows).map((report) => reviewsOf(gate, report, detail))
  const left = asked.length - parts.length
  return ['### Reviews', ...parts, ...(left > 0 ? [`<p>${leftOut(left)}</p>`] : [])].join('\n\n')
}

const ORDER: readonly Direction[] = ['weaker', 'unclear', 'stronger', 'neutral']

const MARK: Readonly<Record<Direction, string>> = {
  weaker: '🔴',
  unclear: '🟡',
  stronger: '🟢',
  neutral: '⚪',
}

const DIFFERENCES_MAX = 10

function shareOf({ percent }: { readonly percent: number }): string {
  return `${percent.toFixed(1)}%`
}

function section<T>(
  title: string,
  head: readonly string[],
  all: readonly T[],
  row: (one: T) => Html[],
  { rows }: Detail,
): Html | null {
  return all.length === 0 ? null : `### ${title}\n\n${cutTable(head, all, row, rows)}`
}

function placeHtml(place: Pick<Place, 'file' | 'line'> | null): Html {
  return place === null ? '' : code(`${place.file}:${place.line}`)
}

function changeRow(change: PolicyChange): Html[] {
  const { part, id, direction, differences } = change
  const gravest = ORDER.flatMap((one) => differences.filter((each) => each.direction === one))
  const words = gravest.slice(0, DIFFERENCES_MAX).map((one) => {
    return `${MARK[one.direction]} ${code(one.message)}`
  })
  const left = gravest.length - words.length
  return [
    signed(MARK[direction], changeWord(change)),
    `${part} ${code(id)}`,
    [...words, ...(left > 0 ? [leftOut(left)] : [])].join('<br>'),
    placeHtml(change.after ?? change.before),
  ]
}

function weakeningRow({ part, id, direction, message, place }: Weakening): Html[] {
  const word = direction === 'weaker' ? 'weakened' : 'changed'
  return [signed(MARK[direction], word), `${part} ${code(id)}`, code(message), placeHtml(place)]
}

/** What differs in Rego, line by line, folded in. */
function sourceHtml({ file, before, after }: SourceChange, linesMax: number): Html {
  const lines = lineDiff(file, before, after).trimEnd().split('\n')
  const left = lines.length - linesMax
  // Each line is code of its own, so that none can end the block.
  const shown = lines.slice(0, linesMax).map((line) => code(line, LINE_MAX))
  const rest = left > 0 ? [`<p>${leftOut(left)}</p>`] : []
  const body = [`<pre>${shown.join('\n')}</pre>`, ...rest].join('\n')
  return `<details><summary>What differs in ${code(file)}</summary>\n${body}\n</details>`
}

const LINE_MAX = 300

function reviewsOf(gate: PolicyGate, report: ChangeReport, { rows }: Detail): Html {
  const { pull, routes, reviews, refused, request } = report
  const isMissing = routes.some((route) => route.missing > 0)
  const until =
    request === null
      ? ''
      : `\n<p>Reviews count until ${code(request.expiresAt.replace(/\.\d+Z$/, 'Z'))}.</p>`
  const asked = (route: NeededRoute): Html[] => routeRow(route, reviews)
  const tables = [
    cutTable(['', 'route', 'needs', 'approved by', 'may approve'], routes, asked, rows),
    cutTable(['', 'by', 'for', 'signed', 'words'], reviews, reviewRow, rows),
    cutTable(['refused', 'review', 'why'], refused, refusedRow, rows),
  ]
  return [
    `<p><b>Pull request ${pull.number}</b>: ${report.verdict}. ${code(report.reason)}</p>`,
    ...tables.filter((one) => one !== ''),
    ...(isMissing ? [`${howTo(gate, report)}${until}`] : []),
  ].join('\n\n')
}

function routeRow(route: NeededRoute, reviews: readonly CountedReview[]): Html[] {
  const { id, quorum, reviewers, signature, missing } = route
  const have = reviews
    .filter(({ verdict, routes }) => verdict === 'approve' && routes.includes(id))
    .map(({ reviewer }) => reviewer)
  const open = reviewers.filter((person) => !have.includes(person))
  return [
    missing === 0 ? '✅' : signed('⏳', `${missing} missing`),
    ...[code(id), `${quorum}, ${signature}`, codes(have), missing === 0 ? '' : codes(open)],
  ]
}

function reviewRow({ reviewer, verdict, routes, assurance, comment }: CountedReview): Html[] {
  return [
    signed(verdict === 'approve' ? '✅' : '⛔', verdict),
    ...[code(reviewer), codes(routes), assurance, comment === undefined ? '' : code(comment)],
  ]
}

function refusedRow({ code: name, message, about }: ChangeProblem): Html[] {
  return [name, about === undefined ? '' : code(about), code(message)]
}

/** The commands that a reviewer runs in a clone. */
function howTo({ base, head }: PolicyGate, report: ChangeReport | null): Html {
  const number = report === null ? 'N' : String(report.pull.number)
  const at = report === null ? head.sha : report.pull.headSha
  const from = `${number} --base ${shellWord(base.name)} \\`
  const lines = [
    ...[`countersign changes show ${from}`, `  --head ${at}`],
    ...[`countersign changes approve ${from}`, `  --head ${at} --key ~/.ssh/id_ed25519`],
  ]
  return `<p>To review it, in a clone that has fetched both:</p>\n${commands(lines)}`
}
