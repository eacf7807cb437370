import type { Io } from '../../../src/shells/cli/io.ts'
import { run } from '../../../src/shells/cli/main.ts'

export type Ran = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output as one JSON document; undefined when it is none. */
  readonly json: unknown
}

export type Surroundings = {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly stdin?: string
  readonly terminal?: boolean
}

/** Runs one command line in this process. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<Ran> {
  const { cwd, env = {}, stdin = '', terminal = false } = surroundings
  const written = { stdout: '', stderr: '' }
  const io: Io = {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    stdin: (async function* () {
      yield stdin
    })(),
    env,
    cwd,
    isTerminal: { stdin: terminal, stdout: terminal, stderr: terminal },
    width: 100,
  }
  const code = await run(argv, io)
  return { code, ...written, json: parsed(written.stdout) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
