/**
 * `npm run eval:rego [-- --format json] [-- --write | --check] [-- --only TEXT]`: runs OPA's conformance cases against
 * our evaluator. `--write` writes the reference page, `--check` fails where the page is not current, `--only` takes the
 * cases whose name holds a text. Exits with 1 when a case differs without an explanation, or an explanation is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { ConformanceCase } from './cases.ts'
import { loadCases } from './cases.ts'
import type { ByBackEnd, CaseOutcome } from './evaluate.ts'
import { BACK_ENDS, evaluateCase } from './evaluate.ts'
import { EXPLANATIONS } from './explained.ts'
import type { Judgement } from './judge.ts'
import { judge } from './judge.ts'
import { opaCases, opaVersion } from './opa-source.ts'
import type { Run } from './page.ts'
import { PAGE, pageText } from './page.ts'
import type { JudgedCase } from './tally.ts'
import { tally } from './tally.ts'

const OPTIONS = {
  format: { type: 'string', default: 'text' },
  only: { type: 'string' },
  write: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
} as const

const { values: options } = parseArgs({ options: OPTIONS })
const opa = opaVersion()
const wanted = options.only
const cases = loadCases(opaCases(opa)).filter(
  ({ id }) => wanted === undefined || id.includes(wanted),
)
const compiler = createRegoCompiler({ hostBuiltins: [] })
try {
  const judged = await judgeAll(compiler, cases)
  const partial = wanted !== undefined
  const run = { opa, cases: judged, report: tally(judged, EXPLANATIONS) }
  const page = partial ? 'current' : settlePage(pageText(run, EXPLANATIONS))
  console.log(options.format === 'json' ? jsonOf(run, page) : textOf(run))
  for (const line of run.report.unexplained) console.error(`unexplained: ${line}`)
  // Of some cases alone it cannot be told.
  const stale = partial ? [] : run.report.stale
  for (const line of stale) console.error(`stale: ${line}`)
  if (page === 'stale') console.error(`${PAGE} is not current: npm run eval:rego -- --write`)
  const failed = run.report.unexplained.length > 0 || stale.length > 0 || page === 'stale'
  process.exitCode = failed ? 1 : 0
} finally {
  await compiler.close()
}

async function judgeAll(
  compiler: OpaCompiler,
  cases: readonly ConformanceCase[],
): Promise<readonly JudgedCase[]> {
  const judged: JudgedCase[] = []
  for (const one of cases) {
    const outcomes = await evaluateCase(compiler, one)
    judged.push({ id: one.id, judgements: judgements(one, outcomes) })
  }
  return judged
}

function judgements(
  one: ConformanceCase,
  { generated, closures }: ByBackEnd<CaseOutcome>,
): ByBackEnd<Judgement> {
  return { generated: judge(one, generated), closures: judge(one, closures) }
}

/** Writes the page where that is asked for, or else says whether it is current where that is asked for. */
function settlePage(text: string): 'current' | 'stale' | 'unchecked' {
  const file = join(import.meta.dirname, '../..', PAGE)
  if (options.write) writeFileSync(file, text)
  if (!options.write && !options.check) return 'unchecked'
  return existsSync(file) && readFileSync(file, 'utf8') === text ? 'current' : 'stale'
}

function jsonOf({ opa, report }: Run, page: string): string {
  const { totals, back_ends, stale } = report
  return JSON.stringify({ ...totals, back_ends, stale, page, opa }, null, 2)
}

function textOf({ opa, report }: Run): string {
  const lines = BACK_ENDS.map((backEnd) => {
    const { cases, passed, failed, refused, unexplained } = report.back_ends[backEnd]
    return `${backEnd}: ${passed} of ${cases} passed, ${refused} refused, ${failed} different (${unexplained} unexplained)`
  })
  return [`OPA ${opa}`, ...lines].join('\n')
}
