import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readCheckpoint } from '../../../app/receipts/receipts.ts'
import { reconcileExecutions } from '../../../app/receipts/reconcile.ts'
import { reconciliationText } from '../../../report/reconciliation.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { usage, withData, withExamples, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'
import { registerAttest, registerVerifyAttestation } from './log-attest.ts'
import { registerMonitor } from './log-monitor.ts'
import { registerCosign, registerPublish } from './log-publish.ts'
import { registerVerify } from './receipts-verify.ts'

export function registerLog(program: Command, cli: Cli): void {
  const log = program
    .command('log')
    .description('the receipt log: its checkpoint, its verification, and publishing it')
  const checkpoint = log
    .command('checkpoint')
    .description('bring the log folder up to the store and print its checkpoint')
    .action((flags: EngineFlags) => printCheckpoint(cli, flags))
  withData(withPolicyOrBundle(checkpoint))
  registerVerify(log, cli)
  registerAttest(log, cli)
  registerVerifyAttestation(log, cli)
  registerPublish(log, cli)
  registerCosign(log, cli)
  registerMonitor(log, cli)
  const reconcile = log
    .command('reconcile')
    .description("compare a tool's own log of executions with the redeemed grants")
    .requiredOption(
      '--executions <file>',
      'JSON Lines: objects with at, service, action, and one of jti, grant and root',
    )
    .option('--since <time>', 'redemptions before it need no execution in the file')
    .action((flags: ReconcileFlags) => reconcileLog(cli, flags))
  withExamples(withFormat(withData(reconcile), ['pretty', 'json']), [
    ['countersign log reconcile --executions tool.jsonl', 'exit 1 when something does not match'],
  ])
}

type ReconcileFlags = {
  readonly data: string
  readonly executions: string
  readonly since?: string
  readonly format: string
}

async function reconcileLog(cli: Cli, flags: ReconcileFlags): Promise<void> {
  const { since } = flags
  const from = since === undefined ? undefined : Date.parse(since)
  if (from !== undefined && Number.isNaN(from)) {
    throw usage(`--since: expected a time such as 2026-11-21T09:00:00Z, found ${since}`)
  }
  const found = await reconcileExecutions({
    data: resolve(cli.io.cwd, flags.data),
    executions: resolve(cli.io.cwd, flags.executions),
    ...(from === undefined ? {} : { since: from }),
  })
  if (flags.format === 'json') printJson(cli, found)
  else printText(cli, reconciliationText(found, paintOf(cli)))
  cli.exit(found.unredeemed.length + found.unexecuted.length === 0 ? 0 : 1)
}

/** Opening the engine publishes what the folder lacks. */
async function printCheckpoint(cli: Cli, flags: EngineFlags): Promise<void> {
  await withEngine(cli, flags, async () => {
    printText(cli, readCheckpoint(join(resolve(cli.io.cwd, flags.data), 'log')))
  })
}
