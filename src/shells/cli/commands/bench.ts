import { resolve } from 'node:path'
import type { Command } from 'commander'
import { benchPolicy } from '../../../app/policy/bench-policy.ts'
import { benchText } from '../../../report/bench-text.ts'
import {
  type PolicyFlags,
  policySource,
  usage,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = PolicyFlags & { readonly rounds: string; readonly format: string }

export function registerBench(program: Command, cli: Cli): void {
  const command = program
    .command('bench')
    .description('measure what each rule costs, and which are never selected')
    .argument('[file...]', 'traces: one session of JSON a line (default: the decision tests)')
    .option('--rounds <count>', 'passes to measure', '5')
    .action((files: string[], flags: Flags) => bench(cli, files, flags))
  withExamples(withFormat(withPolicyOrBundle(command), ['pretty', 'json']), [
    ['countersign bench', 'on the actions of the decision tests'],
    ['countersign bench yesterday.jsonl --format json', 'on recorded sessions'],
  ])
}

async function bench(cli: Cli, files: readonly string[], flags: Flags): Promise<void> {
  if (!/^[1-9]\d{0,2}$/.test(flags.rounds)) {
    throw usage(`expected --rounds to be a whole number from 1 to 999, found ${flags.rounds}`)
  }
  const report = await benchPolicy({
    source: policySource(cli.io, flags),
    traces: files.map((file) => resolve(cli.io.cwd, file)),
    rounds: Number(flags.rounds),
  })
  if (flags.format === 'json') printJson(cli, report)
  else printText(cli, benchText(report, paintOf(cli)))
}
