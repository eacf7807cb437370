import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { RegoQuestion } from '../../../app/policy/evaluate-query.ts'
import { evaluateQuery, QUERY_FILE } from '../../../app/policy/evaluate-query.ts'
import type { QuerySource } from '../../../app/policy/query-sources.ts'
import { queryInput } from '../../../app/policy/query-sources.ts'
import type { Diagnostic } from '../../../base/position.ts'
import type { QueryAnswer, QueryError } from '../../../model/results.ts'
import { diagnosticsText } from '../../../report/check-text.ts'
import { painter } from '../../../report/paint.ts'
import type { Sources } from '../../../report/query-text.ts'
import { notesText, queryText, rawText } from '../../../report/query-text.ts'
import { readInput } from '../engine.ts'
import { isColoured } from '../io.ts'
import {
  type PolicyFlags,
  policySource,
  usage,
  withExamples,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText } from '../output.ts'
import { readTextFile } from './decide.ts'

type Flags = PolicyFlags & {
  readonly data?: readonly string[]
  readonly input?: string
  readonly stdin?: boolean
  readonly stdinInput?: boolean
  readonly import?: readonly string[]
  readonly strict?: boolean
  readonly lax?: boolean
  readonly evaluator: 'plan' | 'generated' | 'closures'
  readonly explain?: boolean
  readonly coverage?: boolean
  readonly profile?: boolean
  readonly fail?: boolean
  readonly failDefined?: boolean
  readonly format: string
}

const FORMATS = ['pretty', 'json', 'values', 'bindings', 'raw', 'discard']

export function registerEval(program: Command, cli: Cli): void {
  const command = program
    .command('eval')
    .description('evaluate a Rego query, as `opa eval` does')
    .argument('[query]', 'the query: data.countersign.refunds.deny')
    .option('-d, --data <path>', DATA, append)
    .option('-i, --input <file>', 'the input document: JSON, or YAML by its name')
    .option('-I, --stdin-input', 'read the input document from standard input')
    .option('--stdin', 'read the query from standard input')
    .option('--import <ref>', 'what the query imports: data.guard.lib; may be repeated', append)
    .option('-S, --strict', "compile in OPA's strict mode; policies always are")
    .option('--lax', 'let built-in errors be undefined everywhere, as OPA does by default')
    .addOption(new Option('--strict-builtin-errors', STRICT_ERRORS).conflicts('lax'))
    .addOption(
      new Option('--evaluator <name>', 'how to evaluate: what works best, or one of the two')
        .choices(['plan', 'generated', 'closures'])
        .default('plan'),
    )
    .option('--explain', 'show what held and what did not, rule by rule, and what it looked at')
    .option('--coverage', 'show which lines were evaluated, of those that the query can reach')
    .option('--profile', 'time each rule')
    .option('--fail', 'exit 1 when the query is undefined')
    .option('--fail-defined', 'exit 1 when it is defined')
    .action((query: string | undefined, flags: Flags) => evaluate(cli, query, flags))
  const format = new Option('-f, --format <format>', 'how to print the result')
  withPolicyOrBundle(command).addOption(format.choices(FORMATS).default('pretty'))
  withExamples(command, [
    ['countersign eval data.countersign.refunds.deny -i input.json', 'of the policy repository'],
    ["countersign eval -d rules/ 'x := data.guard.limits[k]; x > 5'", 'of any Rego'],
    ['countersign eval data.guard.allow -d rules/ -i input.json --explain', 'and why'],
  ])
}

const STRICT_ERRORS = 'end at a built-in error: for those who say so to OPA; it is so without'
const DATA = 'a module, a document or a folder of them, instead of a policy; may be repeated'

function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

async function evaluate(cli: Cli, argument: string | undefined, flags: Flags): Promise<void> {
  if (flags.stdin && flags.stdinInput) throw usage('standard input is either query or input')
  if ((argument === undefined) !== (flags.stdin ?? false)) {
    throw usage('expected one query: as an argument, or by --stdin')
  }
  const query = argument ?? (await readInput(cli))
  const outcome = await evaluateQuery({
    query,
    source: sourceOf(cli, query, flags),
    imports: flags.import ?? [],
    ...(await inputOf(cli, flags)),
    ...optionsOf(flags),
  })
  const sources = new Map(Object.entries(outcome.files))
  if ('diagnostics' in outcome) {
    complain(cli, outcome.diagnostics, sources, flags.format)
    return
  }
  const { answer } = outcome
  print(cli, flags.format, answer, sources)
  if (answer.error !== undefined) cli.exit(2)
  else if (answer.results.length === 0 ? flags.fail : flags.failDefined) cli.exit(1)
}

/** A query that names no document below `data` needs no policy. */
function sourceOf(cli: Cli, query: string, flags: Flags): QuerySource {
  const { cwd } = cli.io
  const named = flags.policy ?? flags.bundle
  if (flags.data !== undefined) {
    if (named !== undefined) throw usage('expected either --data or a policy, found both')
    return { paths: flags.data.map((path) => resolve(cwd, path)), cwd }
  }
  const reads = [query, ...(flags.import ?? [])].some((text) => /\bdata\b/.test(text))
  return reads || named !== undefined ? policySource(cli.io, flags) : { paths: [], cwd }
}

async function inputOf(cli: Cli, flags: Flags): Promise<Pick<RegoQuestion, 'input'>> {
  const { input, stdinInput } = flags
  if (input !== undefined && stdinInput) {
    throw usage('expected one input, found --input and --stdin-input')
  }
  if (stdinInput) return { input: queryInput(await readInput(cli), 'standard input') }
  return input === undefined ? {} : { input: queryInput(readTextFile(cli, input), input) }
}

function optionsOf(flags: Flags): Partial<RegoQuestion> {
  const { lax, strict, evaluator, explain, coverage, profile } = flags
  return {
    lax: lax ?? false,
    strict: strict ?? false,
    ...(evaluator !== 'plan' && { backEnd: evaluator }),
    trace: explain ?? false,
    coverage: coverage ?? false,
    ...(profile && { profileClock: () => performance.now() }),
  }
}

/** In the forms of `opa eval`. */
function print(cli: Cli, format: string, answer: QueryAnswer, sources: Sources): void {
  const { results, error, ...notes } = answer
  switch (format) {
    case 'json':
      printJson(cli, documentOf(results.length > 0 && { result: results }, error, notes))
      return
    case 'discard':
      printJson(cli, documentOf(results.length > 0 && { result: 'discarded' }, error, notes))
      return
    case 'pretty':
      printText(cli, queryText(answer, sources, paintOf(cli)))
      break
    default: {
      if (error === undefined) printValues(cli, format, answer)
      const { before, after } = notesText(answer, sources, paintOf(cli))
      for (const note of [before, after]) if (note !== '') printNote(cli, note)
    }
  }
  if (error !== undefined) tell(cli, [diagnosticOf(error)], sources)
}

/** A document for each result. */
function printValues(cli: Cli, format: string, answer: QueryAnswer): void {
  if (format === 'raw') {
    printText(cli, rawText(answer))
    return
  }
  for (const { expressions, bindings = {} } of answer.results) {
    printJson(cli, format === 'values' ? expressions.map(({ value }) => value) : bindings)
  }
}

/** Without a member `result` where the query is undefined. */
function documentOf(result: object | false, error: QueryError | undefined, notes: object): object {
  return { ...result, ...(error && { errors: [error] }), ...notes }
}

/** Why the query or a file did not compile. */
function complain(
  cli: Cli,
  diagnostics: readonly Diagnostic[],
  sources: Sources,
  format: string,
): void {
  if (format === 'json' || format === 'discard') {
    const errors = diagnostics.map(({ code, message, hint, file, line, column }) => ({
      code,
      message,
      ...(hint !== undefined && { hint }),
      location: { file, row: line, col: column },
    }))
    printJson(cli, { errors })
  } else tell(cli, diagnostics, sources)
  cli.exit(2)
}

function tell(cli: Cli, diagnostics: readonly Diagnostic[], sources: Sources): void {
  printNote(cli, diagnosticsText(diagnostics, sources, painter(isColoured(cli.io, 'stderr'))))
}

function diagnosticOf({ code, message, location }: QueryError): Diagnostic {
  const { file, row, col } = location ?? { file: QUERY_FILE, row: 1, col: 1 }
  return { code, message, severity: 'error', file, line: row, column: col }
}
