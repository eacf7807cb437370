import { resolve } from 'node:path'
import type { Command } from 'commander'
import { inspectBundle } from '../../../app/policy/inspect-bundle.ts'
import { inspectDocument, inspectText } from '../../../report/inspect-text.ts'
import {
  type PolicyFlags,
  policySource,
  usage,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = PolicyFlags & { readonly format: string }

export function registerInspect(program: Command, cli: Cli): void {
  const command = program
    .command('inspect')
    .description('show what a bundle holds')
    .argument('[bundle]', 'a bundle file (default: the policy repository, compiled now)')
    .action((file: string | undefined, flags: Flags) => inspect(cli, file, flags))
  withExamples(withFormat(withPolicyOrBundle(command), ['pretty', 'json']), [
    ['countersign inspect policy.bundle', 'digest, rules, entry points, routes, files'],
  ])
}

async function inspect(cli: Cli, file: string | undefined, flags: Flags): Promise<void> {
  if (file !== undefined && (flags.policy !== undefined || flags.bundle !== undefined)) {
    throw usage('name one bundle or one policy repository, not both')
  }
  const source =
    file === undefined ? policySource(cli.io, flags) : { bundle: resolve(cli.io.cwd, file) }
  const report = await inspectBundle(source)
  if (flags.format === 'json') printJson(cli, inspectDocument(report))
  else printText(cli, inspectText(report, paintOf(cli)))
}
