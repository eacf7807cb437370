import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { changes, keyOf, openTerminal } from '../../../../src/shells/cli/inbox/terminal.ts'

// What is sent to a terminal, and how keys come from it. That the real thing works is shown in tmux:
// test/integration/inbox.test.ts.

test.for([
  {
    name: 'a letter',
    text: 'a',
    raw: { name: 'a', sequence: 'a' },
    want: { name: 'a', text: 'a' },
  },
  { name: 'a capital', text: 'G', raw: { name: 'g', shift: true }, want: { name: 'g', text: 'G' } },
  { name: 'a wide letter', text: '返', raw: { name: undefined }, want: { name: '', text: '返' } },
  { name: 'return', text: '\r', raw: { name: 'return' }, want: { name: 'return', text: '' } },
  { name: 'a line feed', text: '\n', raw: { name: 'enter' }, want: { name: 'return', text: '' } },
  {
    name: 'an arrow',
    text: undefined,
    raw: { name: 'up', sequence: '\u001b[A' },
    want: { name: 'up', text: '' },
  },
  {
    name: 'escape',
    text: undefined,
    raw: { name: 'escape', meta: true, sequence: '\u001b' },
    want: { name: 'escape', text: '' },
  },
  {
    name: 'alt and a letter',
    text: undefined,
    raw: { name: 'y', meta: true, sequence: '\u001by' },
    want: { name: 'y', text: '' },
  },
  {
    name: 'backspace',
    text: '\u007f',
    raw: { name: 'backspace' },
    want: { name: 'backspace', text: '' },
  },
])('$name', ({ text, raw, want }) => {
  expect(keyOf(text, raw)).toEqual({ ctrl: false, ...want })
})

test('control and a letter write nothing', () => {
  expect(keyOf('\u0003', { name: 'c', ctrl: true })).toEqual({ name: 'c', ctrl: true, text: '' })
})

describe('drawing', () => {
  test('writes only lines that differ', () => {
    const written = changes(['one', 'two', 'three'], ['one', 'TWO', 'three'])
    // Erased first: where the terminal counts fewer cells than we do, the end of the old line would stay.
    expect(written).toBe('\u001b[2;1H\u001b[0m\u001b[2KTWO\u001b[0m')
    expect(changes(['one'], ['one'])).toBe('')
  })

  test('of another size writes everything', () => {
    const written = changes(['one'], ['one', 'two'])
    expect(written.startsWith('\u001b[2J')).toBe(true)
    expect(written).toMatch(/one.*two/)
  })
})

class FakeStream extends EventEmitter {
  rows = 24
  columns = 80
  raw = false
  text = ''
  setRawMode(raw: boolean) {
    this.raw = raw
  }
  resume() {}
  pause() {}
  write(text: string) {
    this.text += text
    return true
  }
}

function openFake() {
  const [stdin, stdout] = [new FakeStream(), new FakeStream()]
  const on = { key: vi.fn(), resize: vi.fn(), end: vi.fn(), back: vi.fn(), warning: vi.fn() }
  const terminal = openTerminal({ stdin, stdout } as never, on)
  return { stdin, stdout, on, terminal }
}

const GIVEN_BACK = '\u001b[?2004l\u001b[?7h\u001b[?25h\u001b[?1049l'

describe('a terminal', () => {
  test('is taken, and given back once', () => {
    const { stdin, stdout, terminal } = openFake()
    expect(stdin.raw).toBe(true)
    expect(stdout.text.startsWith('\u001b[?1049h')).toBe(true)
    terminal.close()
    terminal.close()
    expect(stdin.raw).toBe(false)
    expect(stdout.text.split(GIVEN_BACK)).toHaveLength(2)
    terminal.draw(['late'])
    expect(stdout.text).not.toContain('late')
  })

  test.for(['exit', 'uncaughtExceptionMonitor'])('is given back at %s', (name) => {
    const before = process.listeners(name as 'exit')
    const { stdin, stdout } = openFake()
    const [mine] = process.listeners(name as 'exit').filter((one) => !before.includes(one))
    ;(mine as () => void)()
    expect(stdout.text.endsWith(GIVEN_BACK)).toBe(true)
    expect(stdin.raw).toBe(false)
    expect(process.listeners(name as 'exit')).toEqual(before)
  })

  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('tells of %s', (name) => {
    const { on, terminal } = openFake()
    process.emit(name)
    expect(on.end).toHaveBeenCalledTimes(1)
    terminal.close()
    expect(process.listeners(name)).not.toContain(on.end)
  })

  test('is lent to something else, also when that fails, and everything is drawn anew', async () => {
    const { stdin, stdout, on, terminal } = openFake()
    terminal.draw(['one'])
    await expect(
      terminal.aside(async () => {
        expect(stdin.raw).toBe(false)
        expect(stdout.text.endsWith(GIVEN_BACK)).toBe(true)
        process.emit('SIGINT') // For the editor.
        terminal.draw(['hidden'])
        throw new Error('it failed')
      }),
    ).rejects.toThrow('it failed')
    expect(on.end).not.toHaveBeenCalled()
    expect(on.back).toHaveBeenCalledTimes(1)
    expect(stdin.raw).toBe(true)
    expect(stdout.text).not.toContain('hidden')
    stdout.text = ''
    terminal.draw(['one'])
    expect(stdout.text).toContain('one')
    terminal.close()
  })

  test('what is pasted is text: no line feed of it ends an input, and no letter of it is a key', () => {
    const { stdin, stdout, on, terminal } = openFake()
    expect(stdout.text).toContain('\u001b[?2004h')
    const sent = (text: string | undefined, name?: string) => stdin.emit('keypress', text, { name })
    sent(undefined, 'paste-start')
    sent('a', 'a')
    sent('\r', 'return')
    sent('y', 'y')
    sent(undefined, 'up')
    sent(undefined, 'paste-end')
    sent('y', 'y')
    expect(on.key.mock.calls.map(([key]) => key)).toEqual([
      { name: '', ctrl: false, text: 'a', pasted: true },
      { name: '', ctrl: false, text: ' ', pasted: true },
      { name: '', ctrl: false, text: 'y', pasted: true },
      { name: 'y', ctrl: false, text: 'y' },
    ])
    terminal.close()
  })

  test('takes warnings, which would be written across it, and gives them back', () => {
    const before = process.listeners('warning')
    const { on, terminal } = openFake()
    process.emit('warning', new Error('something odd'))
    expect(on.warning).toHaveBeenCalledWith('something odd')
    terminal.close()
    expect(process.listeners('warning')).toEqual(before)
  })

  test('has a size even when it says none', () => {
    const { stdout, terminal } = openFake()
    Object.assign(stdout, { rows: 0, columns: undefined })
    expect(terminal.size()).toEqual({ rows: 24, columns: 80 })
    terminal.close()
  })
})
