import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A terminal with a shell in it, driven as a person would: real keys, and what is really on the screen. */
export type Tmux = {
  /** Types keys as tmux names them: `Enter`, `C-c`, `j`. */
  keys(...keys: readonly string[]): void
  /** Types text as it is. */
  type(text: string): void
  /** Pastes as terminals do, with marks around it where the program asks for them. */
  paste(text: string): void
  screen(): string
  /** The screen, once it shows this. */
  shows(text: string | RegExp): Promise<string>
  /** The process that the shell runs in the foreground. */
  job(): number
  resize(columns: number, rows: number): void
  close(): void
}

export function openTmux(options: {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
}): Tmux {
  const { cwd, env, columns = 80, rows = 24 } = options
  // A server of its own, with nobody's configuration.
  const socket = `countersign-test-${randomBytes(6).toString('hex')}`
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', TERM: 'xterm', ...env },
    })
  const size = ['-x', String(columns), '-y', String(rows)]
  tmux('new-session', '-d', '-s', 'main', '-c', cwd, ...size, '/bin/sh -i')
  const screen = () => tmux('capture-pane', '-p', '-t', 'main')
  return {
    keys: (...keys) => void tmux('send-keys', '-t', 'main', ...keys),
    type: (text) => void tmux('send-keys', '-t', 'main', '-l', text),
    paste: (text) => {
      tmux('set-buffer', '--', text)
      tmux('paste-buffer', '-p', '-r', '-t', 'main')
    },
    screen,
    shows: async (text) => {
      const end = performance.now() + SHOWN_MS_MAX
      for (;;) {
        const shown = screen()
        if (typeof text === 'string' ? shown.includes(text) : text.test(shown)) return shown
        if (performance.now() > end) throw new Error(`expected ${text}, the screen shows\n${shown}`)
        await sleep(50)
      }
    },
    job: () => {
      const shell = tmux('display-message', '-p', '-t', 'main', '#{pane_pid}').trim()
      return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').split(' ')[0])
    },
    resize: (x, y) => void tmux('resize-window', '-t', 'main', '-x', String(x), '-y', String(y)),
    close: () => {
      try {
        tmux('kill-server')
      } catch {
        // The shell has ended, and the server with it.
      }
    },
  }
}

const SHOWN_MS_MAX = 180_000 // A bound for what hangs, not for what is slow.
