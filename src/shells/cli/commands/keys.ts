import { resolve } from 'node:path'
import type { Command } from 'commander'
import { publicGrantKeys } from '../../../app/engine/grant-keys.ts'
import { currentTrustedRoot } from '../../../app/receipts/trusted-root.ts'
import { withData, withExamples } from '../options.ts'
import { type Cli, printJson } from '../output.ts'

type RootFlags = { readonly tufMirror?: string; readonly tufRoot?: string }

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
  const root = keys
    .command('trusted-root')
    .description("fetch a Sigstore's trusted root from its TUF repository, verified, and print it")
    .option('--tuf-mirror <url>', 'the repository (default: that of the public Sigstore)')
    .option('--tuf-root <file>', 'the root.json that it is trusted by (default: the public one)')
    .action(async ({ tufMirror: mirror, tufRoot: file }: RootFlags) => {
      printJson(cli, await currentTrustedRoot({ folder: cli.io.cwd, mirror, file }))
    })
  withExamples(root, [
    [
      'countersign keys trusted-root > policies/sigstore/trusted_root.json',
      'what reviews are checked against, to be committed with the policy',
    ],
  ])
}
