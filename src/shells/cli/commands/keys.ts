import { resolve } from 'node:path'
import type { Command } from 'commander'
import { publicGrantKeys } from '../../../app/grant-keys.ts'
import { withData, withExamples } from '../options.ts'
import { type Cli, printJson } from '../output.ts'

export function registerKeys(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('the keys of the engine')
  const jwks = keys
    .command('jwks')
    .description('print the public keys that grants are signed with, as a JWKS document')
    .action(async (flags: { readonly data: string }) => {
      printJson(cli, await publicGrantKeys(resolve(cli.io.cwd, flags.data)))
    })
  withExamples(withData(jwks), [
    ['countersign keys jwks > jwks.json', 'what a tool checks grants with'],
  ])
}
