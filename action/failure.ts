import { printError } from '../src/shells/cli/error-output.ts'

/** Why a run failed, as the command line says it. */
export type Failure = {
  readonly exit: number
  readonly code: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly retryable: boolean
  readonly documentation_url: string
}

/** Has the command line name an error and its exit code, so that both shells say the same. */
export function failureOf(error: unknown, environment: NodeJS.ProcessEnv): Failure {
  let text = ''
  const stdout = { write: (part: string) => (text += part) }
  const stderr = { write: (part: string) => process.stderr.write(part) }
  const io = {
    ...{ stdout, stderr, stdin: (async function* () {})(), width: 80 },
    isTerminal: { stdin: false, stdout: false, stderr: false },
    env: environment,
    cwd: environment['GITHUB_WORKSPACE'] ?? process.cwd(),
  }
  const exit = printError(io, error, { asJson: true })
  const { error: document } = JSON.parse(text) as { error: Omit<Failure, 'exit'> }
  return { exit, ...document }
}
