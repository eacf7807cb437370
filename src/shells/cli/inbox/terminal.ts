import { emitKeypressEvents } from 'node:readline'
import type { Key } from './state.ts'

/** The streams of a terminal, and the process that owns them. */
export type TerminalStreams = {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
}

/** A terminal that is ours: the whole screen, every key. */
export type Terminal = {
  size(): { readonly rows: number; readonly columns: number }
  /** Shows a screen; only lines that differ from those that are there are written. */
  draw(lines: readonly string[]): void
  /** The next drawing writes everything. */
  forget(): void
  /** Gives the terminal back while something else uses it, such as an editor, and takes it again afterwards. */
  aside<T>(work: () => Promise<T>): Promise<T>
  /** Stops this process, and all of its job, until somebody goes on with it. */
  suspend(): void
  /** Gives the terminal back for good. */
  close(): void
}

/**
 * Takes the terminal: the alternate screen, no cursor, keys as they are pressed. However the process ends, but by
 * SIGKILL, the terminal gets back what it showed: `close` is also called when it exits or crashes.
 */
export function openTerminal(
  { stdin, stdout }: TerminalStreams,
  on: {
    readonly key: (key: Key) => void
    readonly resize: () => void
    /** Ends the program: SIGTERM, SIGHUP, or SIGINT from elsewhere than the keyboard. */
    readonly end: () => void
    /** Somebody has taken the screen meanwhile. */
    readonly back: () => void
    /** A warning of Node, which would else be written across the screen. */
    readonly warning: (text: string) => void
  },
): Terminal {
  let [isTaken, isAside, isClosed] = [false, false, false]
  let shown: readonly string[] = []
  const keypress = openKeys(on.key)
  const warnings = takeWarnings(on.warning)
  const take = (): void => {
    if (isTaken || isClosed) return
    isTaken = true
    shown = []
    stdin.setRawMode(true)
    stdin.resume()
    stdin.on('keypress', keypress)
    stdout.write(TAKE)
  }
  const give = (): void => {
    if (!isTaken) return
    isTaken = false
    stdin.removeListener('keypress', keypress)
    stdin.pause()
    // A terminal that went away cannot be told anything.
    attempt(() => stdin.setRawMode(false))
    attempt(() => stdout.write(GIVE))
  }
  const stop = (): void => {
    if (isAside) return
    give()
    process.removeListener('SIGTSTP', stop)
    // The whole job: a Node that started us waits for us, and the shell for it. Whoever goes on with us comes back here.
    process.kill(0, 'SIGTSTP')
    process.on('SIGTSTP', stop)
    again()
  }
  const again = (): void => {
    if (isAside || isClosed) return
    take()
    shown = []
    on.back()
  }
  const close = (): void => {
    give()
    isClosed = true
    warnings.release()
    process.removeListener('exit', close).removeListener('SIGTSTP', stop)
    process.removeListener('SIGCONT', again).removeListener('uncaughtExceptionMonitor', close)
    for (const name of ENDS) process.removeListener(name, on.end)
    stdout.removeListener('resize', on.resize)
  }
  emitKeypressEvents(stdin)
  process.on('exit', close).on('SIGTSTP', stop).on('SIGCONT', again)
  // Before Node prints what went wrong, or it would go with the screen.
  process.on('uncaughtExceptionMonitor', close)
  for (const name of ENDS) process.on(name, on.end)
  stdout.on('resize', on.resize)
  take()
  return {
    size: () => ({ rows: stdout.rows || ROWS_DEFAULT, columns: stdout.columns || COLUMNS_DEFAULT }),
    draw: (lines) => {
      if (!isTaken) return
      stdout.write(changes(shown, lines))
      shown = lines
    },
    forget: () => {
      shown = []
    },
    aside: async (work) => {
      give()
      isAside = true
      // What runs meanwhile is stopped by the terminal's keys, and we with it: this is then its job, not ours.
      process.removeListener('SIGTSTP', stop)
      process.removeListener('SIGINT', on.end).on('SIGINT', ignore)
      try {
        return await work()
      } finally {
        isAside = false
        process.removeListener('SIGINT', ignore)
        if (!isClosed) process.on('SIGINT', on.end).on('SIGTSTP', stop)
        again()
      }
    },
    suspend: stop,
    close,
  }
}

const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// What a terminal that says nothing has: DEC VT100.
const ROWS_DEFAULT = 24
const COLUMNS_DEFAULT = 80

// XTerm control sequences: alternate screen with saved cursor (1049), cursor (25), no wrapping at the margin (7), marks
// around what is pasted (2004).
const TAKE = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2004h\u001b[2J'
const GIVE = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l'

/** What to write so that a screen with `before` shows `after`. */
export function changes(before: readonly string[], after: readonly string[]): string {
  const clear = before.length === after.length ? '' : '\u001b[2J'
  const old = clear === '' ? before : []
  const lines = after.map((text, row) =>
    // Erased before, since erasing behind a line as wide as the screen would take its last character.
    old[row] === text ? '' : `\u001b[${row + 1};1H\u001b[0m\u001b[2K${text}\u001b[0m`,
  )
  return clear + lines.join('')
}

type RawKey = {
  readonly name?: string | undefined
  readonly ctrl?: boolean
  readonly meta?: boolean
  readonly sequence?: string
}

/**
 * Keys as they come, and what somebody pastes as text: else a line feed in it would end an input, and the letters after
 * it would review. Ctrl-C ends a paste that a terminal never ends.
 */
function openKeys(send: (key: Key) => void): (text: string | undefined, raw: RawKey) => void {
  let isPasted = false
  return (text, raw) => {
    const isMark = raw.name === 'paste-start' || raw.name === 'paste-end'
    if (isMark || (raw.ctrl === true && raw.name === 'c')) isPasted = raw.name === 'paste-start'
    if (isMark) return
    const key = keyOf(text, raw)
    if (!isPasted) return send(key)
    const written = key.name === 'return' || key.name === 'tab' ? ' ' : key.text
    if (written !== '') send({ name: '', ctrl: false, text: written, pasted: true })
  }
}

/** A key of node:readline. */
export function keyOf(text: string | undefined, { name, ctrl, meta, sequence }: RawKey): Key {
  const written = text ?? sequence ?? ''
  const isText = ctrl !== true && meta !== true && !CONTROL.test(written)
  const known = name === 'enter' ? 'return' : (name ?? '')
  return { name: known, ctrl: ctrl === true, text: isText ? written : '' }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a key that writes nothing sends
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** Node prints warnings on standard error unless somebody else takes them. */
function takeWarnings(show: (text: string) => void): { release(): void } {
  const printers = process.listeners('warning')
  const print = ({ message }: Error) => show(message)
  process.removeAllListeners('warning').on('warning', print)
  return {
    release: () => {
      process.removeListener('warning', print)
      for (const printer of printers) process.on('warning', printer)
    },
  }
}

function ignore(): void {
  // Ctrl-C is for what runs in our place.
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // The terminal is gone.
  }
}
