import { resolve } from 'node:path'
import type { Command } from 'commander'
import { replayTrace } from '../../../app/policy/replay-trace.ts'
import { replayDocument, replayText } from '../../../report/replay-text.ts'
import {
  type PolicyFlags,
  policySource,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText, progressOf } from '../output.ts'

type Flags = PolicyFlags & { readonly carry?: true; readonly format: string }

export function registerReplay(program: Command, cli: Cli): void {
  const command = program
    .command('replay')
    .description('run recorded sessions through a policy and count the verdicts')
    .argument('<file...>', 'traces: one session of JSON a line')
    .option('--carry', 'keep the state from one session to the next (default: each starts fresh)')
    .action((files: string[], flags: Flags) => replay(cli, files, flags))
  withExamples(withFormat(withPolicyOrBundle(command), ['pretty', 'json']), [
    ['countersign replay yesterday.jsonl', 'what this policy would have said'],
    [
      'countersign replay --bundle old.bundle yesterday.jsonl --format json',
      'compare verdict_digest',
    ],
  ])
}

async function replay(cli: Cli, files: readonly string[], flags: Flags): Promise<void> {
  const progress = progressOf(cli)
  try {
    const { summary, policy, actionsPerSecond } = await replayTrace({
      source: policySource(cli.io, flags),
      files: files.map((file) => resolve(cli.io.cwd, file)),
      carry: flags.carry === true,
      onProgress: ({ sessions, bytes, bytesAll }) => {
        const share = bytesAll === 0 ? '' : `, ${Math.floor((100 * bytes) / bytesAll)}%`
        progress.show(`replaying: ${sessions} sessions${share}`)
      },
    })
    progress.clear()
    const run = { policy, actionsPerSecond }
    if (flags.format === 'json') printJson(cli, replayDocument(summary, run))
    else printText(cli, replayText(summary, run, paintOf(cli)))
  } finally {
    progress.clear()
  }
}
