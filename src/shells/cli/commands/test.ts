import type { Command } from 'commander'
import { testPolicy } from '../../../app/test-policy.ts'
import type { TestReport } from '../../../model/results.ts'
import { annotationsBelow, annotationsOfTests } from '../../../report/annotations.ts'
import { githubAnnotations } from '../../../report/github.ts'
import { testsJunit } from '../../../report/junit.ts'
import { sarifLog } from '../../../report/sarif.ts'
import { testsText } from '../../../report/tests-text.ts'
import { folderBelow, policyFolder, withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, paintOf, printJson, printText, refusePolicy } from '../output.ts'
import { version } from '../version.ts'

type Flags = { readonly policy?: string; readonly filter?: string; readonly format: string }

export function registerTest(program: Command, cli: Cli): void {
  const command = program
    .command('test')
    .description('run the decision tests and the Rego tests, with coverage')
    .option('--filter <pattern>', 'only tests whose name matches this regular expression')
    .action((flags: Flags) => test(cli, flags))
  withExamples(withFormat(withPolicy(command), ['pretty', 'json', 'junit', 'sarif', 'github']), [
    ['countersign test', 'exit 1 when a test fails, 2 when the policy does not compile'],
    ['countersign test --filter refund', 'those about refunds'],
  ])
}

async function test(cli: Cli, flags: Flags): Promise<void> {
  const { filter, format } = flags
  const folder = policyFolder(cli.io, flags)
  const tested = await testPolicy(folder, filter)
  if ('diagnostics' in tested) {
    refusePolicy(cli, tested, format, folderBelow(cli.io, folder))
    return
  }
  const { report } = tested
  const annotations = annotationsBelow(folderBelow(cli.io, folder), annotationsOfTests(report))
  if (format === 'json') printJson(cli, testDocument(report))
  else if (format === 'sarif') printJson(cli, sarifLog(annotations, version()))
  else if (format === 'github') printText(cli, githubAnnotations(annotations))
  else if (format === 'junit') printText(cli, testsJunit(report))
  else printText(cli, testsText(report, paintOf(cli)))
  cli.exit(report.failed > 0 ? 1 : 0)
}

function testDocument({
  project,
  policy,
  passed,
  failed,
  skipped,
  decisions,
  rego,
  coverage,
}: TestReport): object {
  return { ok: failed === 0, project, policy, passed, failed, skipped, decisions, rego, coverage }
}
