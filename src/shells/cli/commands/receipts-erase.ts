import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type ErasedWho, eraseInputs } from '../../../app/receipts/erase.ts'
import { retainStore } from '../../../app/receipts/retain-store.ts'
import { erasureText, retentionText } from '../../../report/erasure.ts'
import {
  type PolicyFlags,
  policySource,
  usage,
  withData,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'
import { timeOf } from './receipts-export.ts'

type Flags = {
  readonly data: string
  readonly format: string
  readonly principal?: string
  readonly agent?: string
  readonly decision?: string
  readonly reason: string
  readonly by?: string
  readonly before?: string
  readonly dryRun?: boolean
}

type RetainFlags = PolicyFlags & Pick<Flags, 'data' | 'format' | 'dryRun'>

/** `receipts erase` and `receipts retain`. */
export function registerErase(receipts: Command, cli: Cli): void {
  const erase = receipts
    .command('erase')
    .description(
      'erase the clear values of one subject, or of one decision; receipts and proofs stay valid',
    )
    .option('--principal <name>', 'on whose behalf the actions were')
    .option('--agent <name>', "the agent, of its actions on nobody's behalf")
    .option('--decision <id>', 'one decision, and what was written of the same action')
    .requiredOption('--reason <text>', 'why; it stands in the log for good, so name nobody')
    .option('--by <name>', 'who erases')
    .option('--before <time>', 'only what is older, such as 2026-11-21T09:00:00Z')
    .option('--dry-run', 'say what would be erased')
    .action((flags: Flags) => eraseOne(cli, flags))
  withExamples(withFormat(withData(erase), ['pretty', 'json']), [
    [
      'countersign receipts erase --principal u-17 --reason "asked for it, case 88" --dry-run',
      'what would go',
    ],
  ])
  const retain = receipts
    .command('retain')
    .description('erase what was kept as long as `retention` in countersign.yaml says')
    .option('--dry-run', 'say what would be erased')
    .action((flags: RetainFlags) => retainAll(cli, flags))
  withFormat(withData(withPolicyOrBundle(retain)), ['pretty', 'json'])
}

async function eraseOne(cli: Cli, flags: Flags): Promise<void> {
  const { reason, by, before, dryRun } = flags
  const report = await eraseInputs({
    data: resolve(cli.io.cwd, flags.data),
    who: whoOf(flags),
    reason,
    ...(by === undefined ? {} : { by }),
    ...(before === undefined ? {} : { before: Date.parse(timeOf(before, '--before')) }),
    dryRun: dryRun === true,
    now: Date.now(),
  })
  if (flags.format === 'json') printJson(cli, report)
  else printText(cli, erasureText(report, paintOf(cli)))
}

function whoOf({ principal, agent, decision, before }: Flags): ErasedWho {
  const named: ErasedWho[] = [
    ...(principal === undefined ? [] : [{ principal }]),
    ...(agent === undefined ? [] : [{ agent }]),
    ...(decision === undefined ? [] : [{ decision }]),
  ]
  const [who, ...more] = named
  if (who === undefined || more.length > 0) {
    throw usage('expected one of --principal, --agent and --decision')
  }
  if ('decision' in who && before !== undefined) throw usage('--before is for a subject')
  return who
}

async function retainAll(cli: Cli, flags: RetainFlags): Promise<void> {
  const report = await retainStore({
    data: resolve(cli.io.cwd, flags.data),
    source: policySource(cli.io, flags),
    dryRun: flags.dryRun === true,
    now: Date.now(),
  })
  if (flags.format === 'json') printJson(cli, report)
  else printText(cli, retentionText(report, paintOf(cli)))
}
