import { relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { openSigner } from '../../../app/approvals/reviewer.ts'
import { buildPolicy } from '../../../app/policy/build-policy.ts'
import { policyFolder, withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, printJson, printText, refusePolicy } from '../output.ts'

type Flags = {
  readonly policy?: string
  readonly output: string
  readonly key?: string
  readonly format: string
}

export function registerBuild(program: Command, cli: Cli): void {
  const command = program
    .command('build')
    .description('compile a policy repository into one bundle, and print its digest')
    .option('-o, --output <file>', 'the bundle', 'policy.bundle')
    .option('--key <file>', 'sign it with this SSH key, into a file beside it that ends in .sig')
    .action((flags: Flags) => build(cli, flags))
  withExamples(withFormat(withPolicy(command), ['pretty', 'json']), [
    ['countersign build -o policy.bundle', 'the same files give the same digest anywhere'],
    ['countersign build --key ~/.ssh/id_ed25519', 'for engines that take signed bundles only'],
  ])
}

async function build(cli: Cli, flags: Flags): Promise<void> {
  const output = resolve(cli.io.cwd, flags.output)
  const { bundle, diagnostics, files, bytes } = await buildPolicy(
    policyFolder(cli.io, flags),
    output,
    flags.key === undefined
      ? undefined
      : { signer: await openSigner(cli.io.cwd, flags.key), now: Date.now() },
  )
  if (bundle === null) {
    refusePolicy(cli, { diagnostics, files }, flags.format)
    return
  }
  const { digest, manifest } = bundle
  if (flags.format === 'json') {
    const { project } = manifest
    printJson(cli, { policy: digest, project, output: relative(cli.io.cwd, output), bytes })
  } else printText(cli, digest)
}
