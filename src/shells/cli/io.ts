/** Somewhere to write text. */
export type Sink = { write(text: string): unknown }

/** Everything of its surroundings that a command may use, so that tests run commands in their own process. */
export type Io = {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute. */
  readonly cwd: string
  readonly isTerminal: {
    readonly stdin: boolean
    readonly stdout: boolean
    readonly stderr: boolean
  }
  /** Columns of the terminal. */
  readonly width: number
}

/** 0 fine; 1 the policy said no; 2 the input is bad; 3 the engine failed. */
export type ExitCode = 0 | 1 | 2 | 3

/** This process as a command sees it. */
export function processIo(): Io {
  const { stdout, stderr, stdin } = process
  return {
    stdout,
    stderr,
    stdin,
    env: process.env,
    cwd: process.cwd(),
    isTerminal: {
      stdin: stdin.isTTY === true,
      stdout: stdout.isTTY === true,
      stderr: stderr.isTTY === true,
    },
    width: stdout.columns ?? WIDTH_DEFAULT,
  }
}

/**
 * Whether to colour a stream: only a terminal, and only when NO_COLOR (https://no-color.org) does not object.
 * FORCE_COLOR, as Node itself reads it, colours anything but `--format json`.
 */
export function isColoured(io: Io, stream: 'stdout' | 'stderr'): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = io.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0') return true
  return io.isTerminal[stream] && TERM !== 'dumb'
}

const WIDTH_DEFAULT = 80
