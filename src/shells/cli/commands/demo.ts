import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { runDemo } from '../../../app/demo.ts'
import { PolicyError } from '../../../base/errors.ts'
import { withExamples } from '../options.ts'
import { type Cli, printText } from '../output.ts'

type Flags = { readonly interactive?: true; readonly keep?: string }

export function registerDemo(program: Command, cli: Cli): void {
  const command = program
    .command('demo')
    .description('the main job on one page: rules, an agent, three reviews, verified receipts')
    .option('--interactive', 'leave the reviewing to you')
    .option('--keep <dir>', 'make everything in this empty folder and keep it')
    .action((flags: Flags) => demo(cli, flags))
  withExamples(command, [
    ['countersign demo', 'about ten seconds, in a temporary folder'],
    ['countersign demo --interactive --keep demo', 'you review, in another terminal'],
  ])
}

async function demo(cli: Cli, flags: Flags): Promise<void> {
  const { ok, folder } = await runDemo({
    interactive: flags.interactive === true,
    ...(flags.keep === undefined ? {} : { keep: resolve(cli.io.cwd, flags.keep) }),
    say: (line) => printText(cli, `${line}\n`),
    runReviewer: (args) => runSelf(cli, args),
    command: 'npx countersign',
  })
  if (flags.keep !== undefined) printText(cli, `\nEverything is in ${folder}`)
  cli.exit(ok ? 0 : 3)
}

/** Runs this same program in a process of its own; what it prints is indented into the story. */
function runSelf(cli: Cli, args: readonly string[]): Promise<void> {
  const program = new URL(
    `../bin.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
    import.meta.url,
  )
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program.pathname, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    }
    child.on('error', failed)
    child.on('close', (code) => {
      for (const line of said.trimEnd().split('\n')) printText(cli, `   > ${line}`)
      if (code === 0) done()
      else failed(new PolicyError('ENGINE_FAILED', `the reviewer's process ended with ${code}`))
    })
  })
}
