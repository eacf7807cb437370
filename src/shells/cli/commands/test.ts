import { type Command, InvalidArgumentError, Option } from 'commander'
import { mutatePolicy } from '../../../app/policy/mutate-policy.ts'
import { testPolicy } from '../../../app/policy/test-policy.ts'
import { watchPolicy } from '../../../app/policy/watch-policy.ts'
import type { MutationReport, TestReport } from '../../../model/results.ts'
import {
  type Annotation,
  annotationsBelow,
  annotationsOfMutants,
  annotationsOfTests,
} from '../../../report/annotations.ts'
import { isCovered } from '../../../report/coverage-text.ts'
import { githubAnnotations } from '../../../report/github.ts'
import { mutationJunit, testsJunit } from '../../../report/junit.ts'
import { mutationText } from '../../../report/mutation-text.ts'
import { sarifLog } from '../../../report/sarif.ts'
import { testsText } from '../../../report/tests-text.ts'
import { printError } from '../error-output.ts'
import { untilInterrupted } from '../interrupt.ts'
import type { ExitCode } from '../io.ts'
import {
  folderBelow,
  policyFolder,
  usage,
  withExamples,
  withFormat,
  withPolicy,
} from '../options.ts'
import {
  type Cli,
  paintOf,
  printJson,
  printNote,
  printText,
  progressOf,
  refusePolicy,
} from '../output.ts'
import { version } from '../version.ts'

type Flags = {
  readonly policy?: string
  readonly run?: string
  readonly coverage?: true
  readonly minCoverage?: number
  readonly mutate?: string | true
  readonly watch?: true
  readonly format: string
}

export function registerTest(program: Command, cli: Cli): void {
  const command = program
    .command('test')
    .description('run the decision tests and the Rego tests, with coverage')
    .option('--run <pattern>', 'only tests whose name matches this regular expression')
    .addOption(
      new Option('--coverage', 'show every rule, route and tool with its tests').conflicts('run'),
    )
    .addOption(
      new Option('--min-coverage <percent>', 'fail below this share of rules, or of lines of Rego')
        .argParser(percentOf)
        .conflicts('run'),
    )
    .addOption(
      new Option(
        '--mutate [pattern]',
        'weaken each rule in turn, and fail where no test notices; only rules, agents and routes that match',
      ).conflicts(['run', 'coverage', 'minCoverage']),
    )
    .option('--watch', 'run again after each change, until it is interrupted')
    .action((flags: Flags) => test(cli, flags))
  withExamples(withFormat(withPolicy(command), ['pretty', 'json', 'junit', 'sarif', 'github']), [
    ['countersign test', 'exit 1 when a test fails, 2 when the policy does not compile'],
    ['countersign test --run refund', 'those about refunds'],
    ['countersign test --min-coverage 80', 'exit 1 when too few rules have a finding in a test'],
    ['countersign test --mutate', 'exit 1 when a rule can be weakened unnoticed'],
    ["countersign test --mutate '^refunds/'", 'the rules about refunds'],
    ['countersign test --watch', 'while you write'],
  ])
}

/** A share in percent. @throws InvalidArgumentError */
export function percentOf(text: string): number {
  if (/^(?:100|[0-9]{1,2}(?:\.[0-9]+)?)$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a share from 0 to 100, in percent.')
}

async function test(cli: Cli, flags: Flags): Promise<void> {
  if (flags.watch !== true) return once(cli, flags)
  if (flags.format !== 'pretty') throw usage('--watch prints for people: leave --format out')
  await untilInterrupted((signal) =>
    watchPolicy(policyFolder(cli.io, flags), signal, async () => {
      try {
        await once(cli, flags)
      } catch (error) {
        printError(cli.io, error, { asJson: false })
      }
      if (!signal.aborted) printNote(cli, 'waiting for a change; interrupt to end')
    }),
  )
  // Whoever watches has seen how the tests went.
  cli.exit(0)
}

function once(cli: Cli, flags: Flags): Promise<void> {
  return flags.mutate === undefined ? runTests(cli, flags) : runMutants(cli, flags)
}

async function runTests(cli: Cli, flags: Flags): Promise<void> {
  const { run, format } = flags
  const folder = policyFolder(cli.io, flags)
  const tested = await testPolicy(folder, run === undefined ? {} : { run })
  if ('diagnostics' in tested) {
    refusePolicy(cli, tested, format, folderBelow(cli.io, folder))
    return
  }
  cli.exit(printTests(cli, flags, tested.report))
}

function printTests(cli: Cli, flags: Flags, report: TestReport): ExitCode {
  const { minCoverage, coverage } = flags
  const covered =
    minCoverage === undefined || report.coverage === null
      ? true
      : isCovered(report.coverage, minCoverage)
  const ok = report.failed === 0 && covered
  print(cli, flags, {
    json: testDocument(report, ok),
    annotations: annotationsOfTests(report),
    junit: () => testsJunit(report),
    text: () => testsText(report, paintOf(cli), { coverage: coverage === true }),
  })
  if (!covered) printNote(cli, `the coverage of rules or of Rego is below ${minCoverage}%`)
  return ok ? 0 : 1
}

async function runMutants(cli: Cli, flags: Flags): Promise<void> {
  const folder = policyFolder(cli.io, flags)
  const progress = progressOf(cli)
  const { mutate } = flags
  try {
    const mutated = await mutatePolicy(folder, {
      ...(typeof mutate === 'string' ? { rules: mutate } : {}),
      onProgress: ({ done, of, rule }) => progress.show(`mutating: ${done} of ${of}, ${rule}`),
    })
    progress.clear()
    if ('diagnostics' in mutated) {
      refusePolicy(cli, mutated, flags.format, folderBelow(cli.io, folder))
    } else if ('report' in mutated) {
      cli.exit(printTests(cli, flags, mutated.report))
      printNote(cli, 'the tests must pass before they can notice anything')
    } else {
      cli.exit(printMutants(cli, flags, mutated.mutation))
    }
  } finally {
    progress.clear()
  }
}

function printMutants(cli: Cli, flags: Flags, report: MutationReport): ExitCode {
  const ok = report.survived === 0
  print(cli, flags, {
    json: { ok, ...report },
    annotations: annotationsOfMutants(report),
    junit: () => mutationJunit(report),
    text: () => mutationText(report, paintOf(cli)),
  })
  return ok ? 0 : 1
}

type Printed = {
  readonly json: object
  readonly annotations: readonly Annotation[]
  readonly junit: () => string
  readonly text: () => string
}

function print(cli: Cli, flags: Flags, { json, annotations, junit, text }: Printed): void {
  const below = folderBelow(cli.io, policyFolder(cli.io, flags))
  const placed = annotationsBelow(below, annotations)
  if (flags.format === 'json') printJson(cli, json)
  else if (flags.format === 'sarif') printJson(cli, sarifLog(placed, version()))
  else if (flags.format === 'github') printText(cli, githubAnnotations(placed))
  else if (flags.format === 'junit') printText(cli, junit())
  else printText(cli, text())
}

function testDocument(report: TestReport, ok: boolean): object {
  const { project, policy, passed, failed, skipped, decisions, rego, coverage } = report
  return { ok, project, policy, passed, failed, skipped, decisions, rego, coverage }
}
