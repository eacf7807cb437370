import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { recordedIn, rollBackPolicy } from '../../../app/changes/rollback-policy.ts'
import { engineOf } from '../../../app/engine/engine.ts'
import { previewRollback } from '../../../app/engine/rollback.ts'
import { diffMarkdown } from '../../../report/diff-markdown.ts'
import { visible } from '../../../report/paint.ts'
import {
  policyRollbackDocument,
  policyRollbackText,
  rollbackPreviewDocument,
  rollbackPreviewText,
  rollbackText,
} from '../../../report/rollback.ts'
import { withEngine } from '../engine.ts'
import { policyFolder, usage, withData, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printNote, printText, progressOf } from '../output.ts'
import { exampleCount } from './baseline-flags.ts'

type Flags = {
  /** True where it stands alone. */
  readonly policy?: string | true
  readonly bundle?: string
  readonly data: string
  readonly role?: string
  readonly reason?: string
  readonly dryRun?: true
  readonly to?: string
  readonly base?: string
  readonly push?: string
  readonly pull?: true
  readonly replace?: true
  readonly flips: boolean
  readonly examples: string
  readonly format: string
}

export function registerRollback(program: Command, cli: Cli): void {
  const command = program
    .command('rollback')
    .description(
      'take back a call that ran, as its tool says; or, without a receipt, return to an earlier policy',
    )
    .argument('[receipt]', 'a log index, or the id of a decision, a request or an execution')
    .addOption(
      new Option(
        '--policy [dir]',
        'the policy repository (default: .); without a receipt: the one to return to an earlier policy',
      ),
    )
    .addOption(
      new Option('--bundle <file>', 'a compiled bundle, instead of a policy repository').conflicts(
        'policy',
      ),
    )
    .option('--role <role>', 'the role to act in (default: agent)')
    .option('--reason <text>', 'why; sealed with the call that takes the other one back')
    .option('--dry-run', 'say what it would be, and write nothing')
    .option(
      '--to <policy>',
      'the policy to return to: its digest, a commit, or `previous` (default: previous)',
    )
    .option('--base <branch>', 'the branch whose policy it is (default: the one checked out)')
    .option('--push <remote>', 'push the branch to this remote')
    .option('--pull', "with --push: open its pull request on the policy's forge")
    .option('--replace', 'put it in the place of an earlier proposal of the same policy')
    .option('--examples <count>', 'flips of recorded decisions to show of each rule', '3')
    .option('--no-flips', 'do not judge the recorded decisions by both policies')
    .action((receipt: string | undefined, flags: Flags) => rollback(cli, receipt, flags))
  withExamples(withFormat(withData(command), ['pretty', 'json', 'markdown']), [
    ['countersign rollback 7 --reason "wrong customer"', 'exit 0: may run; 1: held or denied'],
    ['countersign rollback req_4h… --dry-run', 'what would be asked, and of whom'],
    ['countersign rollback --policy --to previous', 'a branch with the policy before this one'],
    ['countersign rollback --policy --to sha256:… --push origin --pull', 'as a pull request'],
  ])
}

function rollback(cli: Cli, receipt: string | undefined, flags: Flags): Promise<void> {
  if (receipt !== undefined) return rollbackCall(cli, receipt, flags)
  if (flags.policy !== undefined) return rollbackPolicy(cli, flags)
  throw usage('expected a receipt, or --policy to return to an earlier policy')
}

const OF_POLICIES = ['to', 'base', 'push', 'pull', 'replace'] as const
const OF_CALLS = ['bundle', 'role', 'reason'] as const

async function rollbackCall(cli: Cli, receipt: string, flags: Flags): Promise<void> {
  refuse(flags, OF_POLICIES, 'is for a policy; leave the receipt out')
  const { policy, reason, dryRun, format } = flags
  if (policy === true) throw usage('expected a folder after --policy')
  if (format === 'markdown') throw usage('--format markdown is for a policy')
  const { policy: _, ...rest } = flags
  const named = { ...rest, ...(policy === undefined ? {} : { policy }) }
  const options = reason === undefined ? {} : { reason }
  if (dryRun === true) {
    const preview = await withEngine(cli, named, (parts) =>
      previewRollback(parts, receipt, options),
    )
    if (format === 'json') printJson(cli, rollbackPreviewDocument(preview))
    else printText(cli, rollbackPreviewText(preview, paintOf(cli)))
    cli.exit(preview.verdict === 'allow' || preview.verdict === 'redact' ? 0 : 1)
    return
  }
  const told = await withEngine(cli, named, (parts) =>
    engineOf(parts, async () => undefined).rollback(receipt, options),
  )
  if (format === 'json') printJson(cli, told)
  else printText(cli, rollbackText(told, paintOf(cli)))
  cli.exit(told.payload === undefined ? 1 : 0)
}

async function rollbackPolicy(cli: Cli, flags: Flags): Promise<void> {
  refuse(flags, OF_CALLS, 'is for a call; name its receipt')
  const { policy, to = 'previous', base, push, pull, format } = flags
  if (push?.startsWith('-')) throw usage('--push takes the name or the URL of a remote')
  if (pull === true && push === undefined) throw usage('--pull goes with --push')
  const progress = progressOf(cli)
  const show = (count: number) => progress.show(`judging: ${count} receipts`)
  const found = await rollBackPolicy({
    folder: policyFolder(cli.io, typeof policy === 'string' ? { policy } : {}),
    to,
    base: base ?? null,
    push: push ?? null,
    pull: pull === true ? cli.io.env : null,
    replace: flags.replace === true,
    dryRun: flags.dryRun === true,
    recorded: flags.flips ? recordedIn(resolve(cli.io.cwd, flags.data), show) : null,
    examples: exampleCount(flags.examples),
    now: Date.now(),
    onProgress: (count) => progress.show(`looking: ${count} policies`),
  }).finally(progress.clear)
  if (format === 'json') printJson(cli, policyRollbackDocument(found))
  else if (format === 'markdown') printText(cli, diffMarkdown(found.diff))
  else printText(cli, policyRollbackText(found, paintOf(cli)))
  if (format === 'json') return
  const { proposed, pull: opened } = found
  if (proposed === null) {
    printNote(cli, 'nothing was written')
    return
  }
  const branch = proposed.ref.replace(/^refs\/heads\//, '')
  printNote(cli, visible(`proposed on ${branch} (${proposed.commit.slice(0, 12)})`))
  if (opened !== null) printNote(cli, visible(`pull request ${opened.number}: ${opened.where}`))
}

function refuse(flags: Flags, names: readonly (keyof Flags)[], why: string): void {
  const name = names.find((one) => flags[one] !== undefined)
  if (name !== undefined) throw usage(`--${name} ${why}`)
}
