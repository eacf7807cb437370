import type { Command } from 'commander'
import { Option } from 'commander'
import { checkOutcome, checkPolicy } from '../../../app/policy/check-policy.ts'
import type { CheckResult } from '../../../model/results.ts'
import { annotationsBelow, annotationsOfCheck } from '../../../report/annotations.ts'
import { checkText, countSeverities } from '../../../report/check-text.ts'
import { githubAnnotations } from '../../../report/github.ts'
import { checkJunit } from '../../../report/junit.ts'
import { sarifLog } from '../../../report/sarif.ts'
import { folderBelow, policyFolder, withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'
import { version } from '../version.ts'

type Flags = {
  readonly policy?: string
  readonly failLevel?: CheckResult['failLevel']
  readonly format: string
}

export function registerCheck(program: Command, cli: Cli): void {
  const command = program
    .command('check')
    .description('find every mistake in a policy repository, and what is sound but hardly meant')
    .addOption(
      new Option(
        '--fail-level <level>',
        "the lowest severity that fails (default: the project's, else error)",
      ).choices(['error', 'warning']),
    )
    .action((flags: Flags) => check(cli, flags))
  withExamples(withFormat(withPolicy(command), ['pretty', 'json', 'sarif', 'junit', 'github']), [
    ['countersign check', 'exit 2 when it does not compile, 1 with findings at the fail level'],
    ['countersign check --format sarif > check.sarif', 'for code scanning'],
  ])
}

async function check(cli: Cli, flags: Flags): Promise<void> {
  const { failLevel, format } = flags
  const folder = policyFolder(cli.io, flags)
  const { result, files } = await checkPolicy(folder, {
    now: Date.now(),
    ...(failLevel === undefined ? {} : { failLevel }),
  })
  const annotations = annotationsBelow(folderBelow(cli.io, folder), annotationsOfCheck(result))
  if (format === 'json') printJson(cli, checkDocument(result))
  else if (format === 'sarif') printJson(cli, sarifLog(annotations, version()))
  else if (format === 'github') printText(cli, githubAnnotations(annotations))
  else if (format === 'junit') printText(cli, checkJunit(result))
  else printText(cli, checkText(result, files, paintOf(cli)))
  cli.exit({ passed: 0, noted: 1, invalid: 2 }[checkOutcome(result)] as 0 | 1 | 2)
}

function checkDocument(result: CheckResult): object {
  const { project, policy, files, diagnostics, suppressed } = result
  return {
    ok: checkOutcome(result) === 'passed',
    project,
    policy,
    files: files.length,
    ...countSeverities(diagnostics),
    diagnostics,
    suppressed,
  }
}
