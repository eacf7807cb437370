import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Examination, examine } from '../../../app/doctor.ts'
import { examineGithub, type Protection } from '../../../app/doctor-github.ts'
import type { Paint } from '../../../report/paint.ts'
import { visibleLine } from '../../../report/paint.ts'
import type { EngineFlags } from '../engine.ts'
import {
  policyFolder,
  policySource,
  usage,
  withData,
  withExamples,
  withFormat,
  withPolicyOrBundle,
} from '../options.ts'
import { type Cli, paintOf, printJson, printText } from '../output.ts'

type Flags = EngineFlags & {
  readonly github?: true
  readonly repository?: string
  readonly branch?: string
  readonly checks?: string
  readonly format: string
}

export function registerDoctor(program: Command, cli: Cli): void {
  const command = program
    .command('doctor')
    .description('look at all that the engine stands on, and say what is wrong')
    .option('--github', 'look at what protects the policy repository on GitHub instead')
    .option('--repository <name>', 'with --github: OWNER/NAME (default: as the policy says)')
    .option('--branch <name>', 'with --github: the branch (default: the default branch)')
    .option(
      '--checks <names>',
      "with --github: the gate's check runs (default: those of its modes)",
    )
    .action((flags: Flags) => (flags.github === true ? github(cli, flags) : doctor(cli, flags)))
  withExamples(withFormat(withData(withPolicyOrBundle(command)), ['pretty', 'json']), [
    ['countersign doctor', 'exits 1 when something is wrong'],
    [
      'countersign doctor --github --repository acme/policy',
      '1: missing; 3: the token cannot tell',
    ],
  ])
}

async function doctor(cli: Cli, flags: Flags): Promise<void> {
  const { repository, branch, checks } = flags
  if ([repository, branch, checks].some((one) => one !== undefined))
    throw usage('give --github too')
  const source = policySource(cli.io, flags)
  const found = await examine({
    ...('bundle' in source ? { bundle: source.bundle } : { policy: source.folder }),
    store: resolve(cli.io.cwd, flags.data),
  })
  if (flags.format === 'json') printJson(cli, found)
  else printText(cli, found.map((one) => line(one, paintOf(cli))).join('\n'))
  cli.exit(found.some(({ state }) => state === 'failed') ? 1 : 0)
}

async function github(cli: Cli, flags: Flags): Promise<void> {
  if (flags.bundle !== undefined) throw usage('--github reads a policy repository, not a bundle')
  const { repository, branch, checks } = flags
  const report = await examineGithub({
    ...{ folder: policyFolder(cli.io, flags), environment: cli.io.env },
    ...{ repository: repository ?? null, branch: branch ?? null },
    checks: checks === undefined ? null : checks.split(',').map((name) => name.trim()),
  })
  const { protections } = report
  if (flags.format === 'json') printJson(cli, report)
  else {
    const lines = protections.flatMap((one) => protectionLines(one, paintOf(cli)))
    printText(cli, [`${report.repository} ${report.branch}`, ...lines].join('\n'))
  }
  const has = (wanted: Protection['state']): boolean =>
    protections.some(({ state }) => state === wanted)
  cli.exit(has('missing') ? 1 : has('unknown') ? 3 : 0)
}

function protectionLines({ id, state, message, fix }: Protection, paint: Paint): string[] {
  const mark = {
    ok: paint.green('ok     '),
    missing: paint.red('missing'),
    unknown: paint.yellow('unknown'),
  }
  // Names of people, branches and files on the forge are others' words.
  const first = `${mark[state]}  ${id.padEnd(18)}${visibleLine(message)}`
  return fix === null ? [first] : [first, paint.dim(`         ${''.padEnd(18)}${fix}`)]
}

function line({ name, state, message }: Examination, paint: Paint): string {
  const mark = {
    ok: paint.green('ok     '),
    warning: paint.yellow('warning'),
    failed: paint.red('failed '),
  }
  return `${mark[state]}  ${name.padEnd(12)}${message}`
}
