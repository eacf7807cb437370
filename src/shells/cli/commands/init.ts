import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type GithubResult, initGithub } from '../../../app/policy/init-github.ts'
import { type InitResult, initPolicy } from '../../../app/policy/init-policy.ts'
import type { Paint } from '../../../report/paint.ts'
import { usage, withExamples, withFormat } from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = {
  readonly project?: string
  readonly reviewer?: string
  readonly reviewerKey?: string
  readonly library?: string
  readonly github?: true
  readonly action?: string
  readonly owners?: string
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
    .option('--github', 'make what guards it on GitHub too: workflow, CODEOWNERS, a ruleset')
    .option(
      '--action <reference>',
      "with --github: the gate's action, OWNER/REPO@DIGEST; a version may follow as `# v1.2.0`",
    )
    .option(
      '--owners <names>',
      'with --github: who must approve changes of the policy: @ana,@acme/security',
    )
    .action((folder: string, flags: Flags) => init(cli, folder, flags))
  withExamples(withFormat(command, ['pretty', 'json']), [
    ['countersign init my-policy', 'the project is called my-policy'],
    ['countersign init . --reviewer ana --reviewer-key ana.pub', 'in this folder, reviewed by Ana'],
    ['countersign init my-policy --library injection,tools,gdpr', 'with rules of the library'],
    ['countersign init . --github --action OWNER/REPO@DIGEST --owners @ana', 'guard it on GitHub'],
  ])
}

async function init(cli: Cli, folder: string, flags: Flags): Promise<void> {
  const { project, reviewer, reviewerKey, library, github, action, owners } = flags
  const home = cli.io.env['HOME'] ?? cli.io.env['USERPROFILE']
  const request = {
    folder: resolve(cli.io.cwd, folder),
    ...(project === undefined ? {} : { project }),
    ...(reviewer === undefined ? {} : { reviewer }),
    ...(reviewerKey === undefined ? {} : { reviewerKey: resolve(cli.io.cwd, reviewerKey) }),
    ...(library === undefined ? {} : { library: library.split(',').map((name) => name.trim()) }),
    ...(home === undefined ? {} : { home }),
  }
  if (github === undefined) {
    if (action !== undefined || owners !== undefined) throw usage('give --github too')
    const result = await initPolicy(request)
    if (flags.format === 'json') printJson(cli, { folder, ...result })
    else printText(cli, initText(folder, result, paintOf(cli)))
    return
  }
  if (action === undefined || owners === undefined) {
    throw usage(
      "--github needs --action, the gate's action, and --owners, who answers for the policy",
    )
  }
  const made = await initGithub({ ...request, action, owners })
  if (flags.format === 'json') printJson(cli, { folder, ...made.policy, github: made.github })
  else printText(cli, githubText(folder, made, paintOf(cli)))
}

function githubText(folder: string, { policy, github }: GithubResult, paint: Paint): string {
  const { top, files, kept, warnings } = github
  const place = top === '' ? folder : `the repository that ${folder} lies in`
  return [
    ...(policy === null ? [] : [initText(folder, policy, paint)]),
    ...(files.length === 0 ? [] : [`${paint.green('made')} in ${place}:`]),
    ...files.map((file) => `  ${file}`),
    ...(kept.length === 0 ? [] : ['kept as it was:', ...kept.map((file) => `  ${file}`)]),
    ...warnings.map((warning) => `${paint.yellow('warning')}: ${warning}`),
    'next: push it, import .github/rulesets/countersign.json in the settings (Rules, Rulesets), then',
    '  countersign doctor --github --repository OWNER/NAME',
  ].join('\n')
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
