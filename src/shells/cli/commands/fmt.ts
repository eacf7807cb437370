import type { Command } from 'commander'
import { Option } from 'commander'
import { formatPolicy } from '../../../app/policy/format-policy.ts'
import { lineDiff } from '../../../report/line-diff.ts'
import { policyFolder, withExamples, withFormat, withPolicy } from '../options.ts'
import { type Cli, printJson, printText, refusePolicy } from '../output.ts'

type Flags = {
  readonly policy?: string
  readonly check?: true
  readonly diff?: true
  readonly format: string
}

export function registerFmt(program: Command, cli: Cli): void {
  const command = program
    .command('fmt')
    .description('lay out YAML and Rego in the one way; comments stay')
    .addOption(new Option('--check', 'change nothing; exit 1 when something would change'))
    .addOption(new Option('--diff', 'change nothing; print what would change'))
    .action((flags: Flags) => fmt(cli, flags))
  withExamples(withFormat(withPolicy(command), ['pretty', 'json']), [
    ['countersign fmt', 'formats the files in place and names those that changed'],
    ['countersign fmt --check', 'for a pull request'],
  ])
}

async function fmt(cli: Cli, flags: Flags): Promise<void> {
  const write = flags.check !== true && flags.diff !== true
  const folder = policyFolder(cli.io, flags)
  const { files, changed, diagnostics } = await formatPolicy(folder, { write })
  if (diagnostics.length > 0) {
    refusePolicy(cli, { diagnostics, files }, flags.format)
    return
  }
  const diffs = changed.map(({ file, before, after }) => ({
    file,
    diff: lineDiff(file, before, after),
  }))
  if (flags.format === 'json') {
    printJson(cli, {
      written: write,
      files: files.size,
      changed: flags.diff === true ? diffs : changed.map(({ file }) => ({ file })),
    })
  } else if (flags.diff === true) printText(cli, diffs.map(({ diff }) => diff).join(''))
  else printText(cli, changed.map(({ file }) => `${file}\n`).join(''))
  cli.exit(flags.check === true && changed.length > 0 ? 1 : 0)
}
