import { Command, CommanderError } from 'commander'
import { PolicyError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { COMMANDS } from './commands/index.ts'
import { printError } from './error-output.ts'
import { type ExitCode, type Io, processIo } from './io.ts'
import { version } from './version.ts'

/** Runs the command line in this process, on its own streams. A reader that closes its end early ends it quietly. */
export function runProcess(argv: readonly string[]): Promise<ExitCode> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit()
    })
  }
  return run(argv, processIo())
}

/**
 * Runs one command line. Never throws: whatever goes wrong is printed, and told by the code.
 *
 * @param argv - without the program's own name
 */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const asJson = wantsJson(argv)
  let code: ExitCode = 0
  try {
    const program = createProgram(io, (ended) => {
      code = ended
    })
    if (argv.length === 0) program.outputHelp({ error: true })
    await program.parseAsync([...argv], { from: 'user' })
    return argv.length === 0 ? 2 : code
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0 // Help or version was asked for, and printed.
      return printError(io, usageError(error, argv), { asJson })
    }
    return printError(io, error, { asJson })
  }
}

/** The whole program as a tree of commands; shell completion reads it too. */
export function createProgram(io: Io, exit: (code: ExitCode) => void): Command {
  const program = new Command('countersign')
    .description('GitOps policy engine and CI gate for AI agents.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined, // `run` prints it, in the asked format.
      getOutHelpWidth: () => Math.min(io.width, HELP_WIDTH_MAX),
      getErrHelpWidth: () => Math.min(io.width, HELP_WIDTH_MAX),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', TOP_HELP)
  for (const register of COMMANDS) register(program, { io, exit })
  for (const command of allCommands(program)) command.helpCommand(false).allowExcessArguments(false)
  return program
}

const HELP_WIDTH_MAX = 110

const TOP_HELP = `
Exit codes: 0 fine; 1 the policy said no; 2 the input is bad; 3 the engine failed.
With --format json, standard output is exactly one JSON document.

Start with:
  $ countersign init my-policy      a policy repository that passes check and test
  $ countersign check --policy my-policy
  $ countersign test --policy my-policy
`

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)]
}

/** Read before parsing, because a failure to parse must be told in the asked format too. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '--format=json' || (word === 'json' && FORMAT_FLAGS.has(argv[index - 1] ?? '')),
  )
}

/** The second as `opa eval` has it. */
const FORMAT_FLAGS: ReadonlySet<string> = new Set(['--format', '-f'])

/** What the parser complains about, as an error of ours. */
function usageError(error: CommanderError, argv: readonly string[]): PolicyError {
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\n?\(Did you mean (?:one of )?([^)?]*)\?\)/, '; did you mean $1?')
    .trim()
  const message = text === '(outputHelp)' ? missingSubcommand(argv) : text
  return new PolicyError('USAGE_INVALID', `${message} (see countersign --help)`, { cause: error })
}

function missingSubcommand(argv: readonly string[]): string {
  const words = argv.filter((word) => !word.startsWith('-'))
  const known = ['help', 'version']
  const meant = nearest(words.at(-1) ?? '', known)
  return meant === undefined ? `'${words.join(' ')}' needs a subcommand` : `use --${meant}`
}
