import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readCheckpoint } from '../../../app/receipts.ts'
import { type EngineFlags, withEngine } from '../engine.ts'
import { withData, withPolicyOrBundle } from '../options.ts'
import { type Cli, printText } from '../output.ts'
import { registerVerify } from './receipts.ts'

export function registerLog(program: Command, cli: Cli): void {
  const log = program
    .command('log')
    .description('the receipt log: its checkpoint, and its verification')
  const checkpoint = log
    .command('checkpoint')
    .description('bring the log folder up to the store and print its checkpoint')
    .action((flags: EngineFlags) => printCheckpoint(cli, flags))
  withData(withPolicyOrBundle(checkpoint))
  registerVerify(log, cli)
}

/** Opening the engine publishes what the folder lacks. */
async function printCheckpoint(cli: Cli, flags: EngineFlags): Promise<void> {
  await withEngine(cli, flags, async () => {
    printText(cli, readCheckpoint(join(resolve(cli.io.cwd, flags.data), 'log')))
  })
}
