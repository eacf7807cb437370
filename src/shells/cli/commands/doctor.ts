import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Examination, examine } from '../../../app/doctor.ts'
import type { Paint } from '../../../report/paint.ts'
import type { EngineFlags } from '../engine.ts'
import { policySource, withData, withFormat, withPolicyOrBundle } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = EngineFlags & { readonly format: string }

export function registerDoctor(program: Command, cli: Cli): void {
  const command = program
    .command('doctor')
    .description('look at all that the engine stands on, and say what is wrong')
    .action((flags: Flags) => doctor(cli, flags))
  withFormat(withData(withPolicyOrBundle(command)), ['pretty', 'json'])
}

async function doctor(cli: Cli, flags: Flags): Promise<void> {
  const source = policySource(cli.io, flags)
  const found = await examine({
    ...('bundle' in source ? { bundle: source.bundle } : { policy: source.folder }),
    store: resolve(cli.io.cwd, flags.data),
  })
  if (flags.format === 'json') printJson(cli, found)
  else printText(cli, found.map((one) => line(one, paintOf(cli))).join('\n'))
  cli.exit(found.some(({ state }) => state === 'failed') ? 1 : 0)
}

function line({ name, state, message }: Examination, paint: Paint): string {
  const mark = {
    ok: paint.green('ok     '),
    warning: paint.yellow('warning'),
    failed: paint.red('failed '),
  }
  return `${mark[state]}  ${name.padEnd(12)}${message}`
}
