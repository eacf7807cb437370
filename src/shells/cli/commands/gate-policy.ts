import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { judgePolicy, type PolicyGateQuery } from '../../../app/gate/policy.ts'
import { forgetReports, type WrittenReport, writeReports } from '../../../app/gate/write-reports.ts'
import type { PolicyGate } from '../../../model/gate.ts'
import { annotationsOfGate } from '../../../report/gate-annotations.ts'
import { gateDocument, gateExit } from '../../../report/gate-document.ts'
import { gateJunit } from '../../../report/gate-junit.ts'
import { gateComment, gateSummary } from '../../../report/gate-markdown.ts'
import { gateText } from '../../../report/gate-text.ts'
import { githubAnnotations } from '../../../report/github.ts'
import { sarifLog } from '../../../report/sarif.ts'
import { withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, paintOf, printJson, printText, progressOf } from '../output.ts'
import { version } from '../version.ts'
import { exampleCount } from './baseline-flags.ts'
import { type ChangeFlags, changeQuery, pullsOf } from './change-flags.ts'
import { recordedOf } from './diff.ts'
import { percentOf } from './test.ts'

type Flags = ChangeFlags & {
  readonly mergeGroup?: string | true
  readonly trace?: readonly string[]
  readonly data?: string
  readonly examples: string
  readonly minCoverage?: number
  readonly summary?: string
  readonly comment?: string
  readonly sarif?: string
  readonly junit?: string
  readonly format: string
}

/** @param gate - the command that groups the gates */
export function registerGatePolicy(gate: Command, cli: Cli): void {
  const command = withPolicy(gate.command('policy'))
    .description('judge a change of the policy as a whole: check, tests, what it weakens, reviews')
    .requiredOption('--base <revision>', 'the base branch, as it is now: origin/main')
    .option('--head <revision>', 'the head of the change', 'HEAD')
    .option('--pull <number>', 'the pull request whose reviews count')
    .addOption(
      new Option(
        '--merge-group [numbers]',
        'the head is a merge queue of these pull requests: 12,13',
      ).conflicts('pull'),
    )
    .option('--trace <file...>', 'recorded sessions to judge by both policies')
    .addOption(
      new Option('--data <dir>', "judge the decisions of an engine's folder").conflicts('trace'),
    )
    .option('--examples <count>', 'flips to show of each rule', '3')
    .addOption(
      new Option(
        '--min-coverage <percent>',
        'deny below this share of rules, or of lines of Rego',
      ).argParser(percentOf),
    )
    .option('--summary <file>', "add a job's summary in Markdown, with diagrams, to this file")
    .option('--comment <file>', 'write a comment for the pull request to this file')
    .option('--sarif <file>', 'write SARIF to this file')
    .option('--junit <file>', 'write JUnit XML to this file')
    .action((flags: Flags) => judge(cli, flags))
  const formats = ['pretty', 'json', 'sarif', 'junit', 'github', 'markdown']
  withExamples(withFormat(command, formats), [
    [
      'countersign gate policy --base origin/main',
      'of what is checked out; exits 1 unless allowed',
    ],
    ['countersign gate policy --base origin/main --pull 12 --format json', 'with its reviews'],
  ])
}

async function judge(cli: Cli, flags: Flags): Promise<void> {
  const { comment, sarif, junit } = flags
  const written = [comment, sarif, junit].filter((file) => file !== undefined)
  forgetReports(written.map((file) => resolve(cli.io.cwd, file)))
  const progress = progressOf(cli)
  try {
    const gate = await judgePolicy(queryOf(cli, flags, (text) => progress.show(text)))
    progress.clear()
    await writeReports(reportsOf(cli, flags, gate))
    print(cli, flags.format, gate)
    cli.exit(gateExit(gate.verdict))
  } finally {
    progress.clear()
  }
}

function queryOf(cli: Cli, flags: Flags, show: (text: string) => void): PolicyGateQuery {
  const { mergeGroup, minCoverage } = flags
  const { pull, ...about } = changeQuery(cli, flags)
  const named = flags.pull === undefined ? null : { pull }
  return {
    ...about,
    reviewed: mergeGroup === undefined ? named : { pulls: pullsOf(mergeGroup) },
    recorded: recordedOf(cli, flags, show),
    examples: exampleCount(flags.examples),
    minCoverage: minCoverage ?? null,
  }
}

function reportsOf(cli: Cli, flags: Flags, gate: PolicyGate): WrittenReport[] {
  const { summary, comment, sarif, junit } = flags
  const at = (path: string): string => resolve(cli.io.cwd, path)
  const found: (WrittenReport | null)[] = [
    summary === undefined ? null : { file: at(summary), text: gateSummary(gate), appends: true },
    comment === undefined ? null : { file: at(comment), text: gateComment(gate) },
    sarif === undefined ? null : { file: at(sarif), text: `${JSON.stringify(sarifOf(gate))}\n` },
    junit === undefined ? null : { file: at(junit), text: gateJunit(gate) },
  ]
  return found.filter((report) => report !== null)
}

function print(cli: Cli, format: string, gate: PolicyGate): void {
  if (format === 'json') printJson(cli, gateDocument(gate))
  else if (format === 'sarif') printJson(cli, sarifOf(gate))
  else if (format === 'junit') printText(cli, gateJunit(gate))
  else if (format === 'github') printText(cli, githubAnnotations(annotationsOfGate(gate)))
  else if (format === 'markdown') printText(cli, gateComment(gate))
  else printText(cli, gateText(gate, paintOf(cli)))
}

function sarifOf(gate: PolicyGate): object {
  return sarifLog(annotationsOfGate(gate), version())
}
