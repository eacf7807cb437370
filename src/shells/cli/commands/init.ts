import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type InitResult, initPolicy } from '../../../app/policy/init-policy.ts'
import type { Paint } from '../../../report/paint.ts'
import { withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = {
  readonly project?: string
  readonly reviewer?: string
  readonly reviewerKey?: string
  readonly library?: string
  readonly format: string
}

export function registerInit(program: Command, cli: Cli): void {
  const command = program
    .command('init')
    .description('make a policy repository that passes check and test at once')
    .argument('<dir>', 'the folder to make it in')
    .option('--project <name>', "the project's name (default: the folder's)")
    .option('--reviewer <name>', 'who reviews, as the roster calls them (default: reviewer)')
    .option(
      '--reviewer-key <file>',
      'their SSH public key (default: yours in ~/.ssh, else a new one in DIR/.countersign)',
    )
    .option(
      '--library <names>',
      'copy rules that come with the package: categories, rules or profiles, comma separated, or `all` (default: none)',
    )
    .action((folder: string, flags: Flags) => init(cli, folder, flags))
  withExamples(withFormat(command, ['pretty', 'json']), [
    ['countersign init my-policy', 'the project is called my-policy'],
    ['countersign init . --reviewer ana --reviewer-key ana.pub', 'in this folder, reviewed by Ana'],
    ['countersign init my-policy --library injection,tools,gdpr', 'with rules of the library'],
  ])
}

async function init(cli: Cli, folder: string, flags: Flags): Promise<void> {
  const { project, reviewer, reviewerKey, library } = flags
  const home = cli.io.env['HOME'] ?? cli.io.env['USERPROFILE']
  const result = await initPolicy({
    folder: resolve(cli.io.cwd, folder),
    ...(project === undefined ? {} : { project }),
    ...(reviewer === undefined ? {} : { reviewer }),
    ...(reviewerKey === undefined ? {} : { reviewerKey: resolve(cli.io.cwd, reviewerKey) }),
    ...(library === undefined ? {} : { library: library.split(',').map((name) => name.trim()) }),
    ...(home === undefined ? {} : { home }),
  })
  if (flags.format === 'json') printJson(cli, { folder, ...result })
  else printText(cli, initText(folder, result, paintOf(cli)))
}

function initText(folder: string, result: InitResult, paint: Paint): string {
  const { project, files, library, reviewer } = result
  const { id, fingerprint, key, made } = reviewer
  return [
    `${paint.green('made')} the project ${paint.bold(project)} in ${folder}: ${files.length} files`,
    made
      ? `${id} reviews with a new key, ${key}, which Git ignores; put your own on policies/roster.yaml`
      : `${id} reviews with ${key}`,
    paint.dim(`  ${fingerprint}`),
    ...(library.length === 0
      ? []
      : [
          `copied ${library.length} of the library's rules and profiles to policies/library; check lists the tools to name`,
        ]),
    'next:',
    `  countersign check --policy ${folder}`,
    `  countersign test --policy ${folder}`,
  ].join('\n')
}
