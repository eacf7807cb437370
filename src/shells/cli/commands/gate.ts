import { resolve } from 'node:path'
import type { Command } from 'commander'
import { judgeChange } from '../../../app/changes/judge-change.ts'
import { judgeMergeGroup, type MergeGroupReport } from '../../../app/changes/judge-merge-group.ts'
import { attestGate, forgetGate, type OpenGate } from '../../../app/receipts/attest-gate.ts'
import type { ChangeReport } from '../../../model/policy-change.ts'
import { githubAnnotations } from '../../../report/github.ts'
import { annotationsOfChange, changeDocument, changeText } from '../../../report/policy-change.ts'
import { sarifLog } from '../../../report/sarif.ts'
import { usage, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText } from '../output.ts'
import { version } from '../version.ts'
import { type ChangeFlags, changeQuery, pullsOf, withChange } from './change-flags.ts'
import { registerGatePolicy } from './gate-policy.ts'
import { registerGateRelease } from './gate-release.ts'

type Flags = ChangeFlags & {
  readonly mergeGroup?: string | true
  readonly attest?: string
  readonly identityToken?: string
  readonly format: string
}

export function registerGate(program: Command, cli: Cli): void {
  const gate = program.command('gate').description('say in CI whether a change may be merged')
  registerGatePolicy(gate, cli)
  const approvals = withChange(
    gate
      .command('approvals')
      .description('judge the reviews of a change of the policy, by the policy of its base branch')
      .option('--pull <number>', 'the pull request; needed where the base names a forge')
      .option('--merge-group [numbers]', 'the head is a merge queue of these pull requests: 12,13')
      .option(
        '--attest <dir>',
        'where to write verdict.json and verdict.sigstore.json while it is open',
      )
      .option(
        '--identity-token <file>',
        'with --attest: a file that holds an identity token (default: of the surroundings)',
      )
      .action((flags: Flags) => judge(cli, flags)),
  )
  withExamples(withFormat(approvals, ['pretty', 'json', 'sarif', 'github']), [
    ['countersign gate approvals --base origin/main --head HEAD --pull 12', 'exits 1 while closed'],
  ])
  registerGateRelease(gate, cli)
}

async function judge(cli: Cli, flags: Flags): Promise<void> {
  if (flags.attest !== undefined) forgetGate(resolve(cli.io.cwd, flags.attest))
  else if (flags.identityToken !== undefined) throw usage('--identity-token is for --attest')
  if (flags.mergeGroup !== undefined) {
    const { pull: _, ...query } = changeQuery(cli, flags)
    const pulls = pullsOf(flags.mergeGroup)
    const report = await judgeMergeGroup(pulls === null ? query : { ...query, pulls })
    const document = groupDocument(report)
    if (report.verdict === 'open') await attest(cli, flags, { ...report, document })
    printReports(cli, flags.format, report.changes, document)
    if (flags.format === 'pretty') printText(cli, `${report.verdict} merge group: ${report.reason}`)
    cli.exit(report.verdict === 'open' ? 0 : 1)
    return
  }
  const { report, policy } = await judgeChange(changeQuery(cli, flags))
  const document = changeDocument(report)
  if (report.verdict === 'open') {
    const about = { head: report.pull.headSha, policy, digest: report.policy.before }
    await attest(cli, flags, { ...about, document, changes: [report] })
  }
  printReports(cli, flags.format, [report], document)
  cli.exit(report.verdict === 'open' ? 0 : 1)
}

/** Has the verdict of an open gate signed, when that is asked for. */
async function attest(cli: Cli, flags: Flags, gate: OpenGate): Promise<void> {
  const { attest: folder, identityToken } = flags
  if (folder === undefined) return
  const at = (path: string) => resolve(cli.io.cwd, path)
  const { files, identity } = await attestGate(gate, {
    ...{ folder: at(folder), environment: cli.io.env, clock: Date.now },
    ...(identityToken === undefined ? {} : { tokenFile: at(identityToken) }),
  })
  printNote(cli, `attested as ${identity.subject} of ${identity.issuer}: ${files.join(', ')}`)
}

function printReports(
  cli: Cli,
  format: string,
  reports: readonly ChangeReport[],
  document: object,
): void {
  const annotations = reports.flatMap(annotationsOfChange)
  if (format === 'json') printJson(cli, document)
  else if (format === 'sarif') printJson(cli, sarifLog(annotations, version()))
  else if (format === 'github') printText(cli, githubAnnotations(annotations))
  else printText(cli, reports.map((report) => changeText(report, paintOf(cli))).join('\n'))
}

function groupDocument({ verdict, reason, head, changes, problems }: MergeGroupReport): object {
  return { verdict, reason, head, changes: changes.map(changeDocument), problems }
}
