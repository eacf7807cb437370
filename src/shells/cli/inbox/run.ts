import type { Inbox } from '../../../app/approvals/inbox.ts'
import { PolicyError } from '../../../base/errors.ts'
import { inboxScreen, paintScreen, shownIds } from '../../../report/inbox-text.ts'
import type { InboxView } from '../../../report/inbox-view.ts'
import type { Paint } from '../../../report/paint.ts'
import { editText } from './editor.ts'
import { type InboxEffect, type InboxEvent, newInbox, step } from './state.ts'
import { openTerminal, type Terminal, type TerminalStreams } from './terminal.ts'

export type InboxOptions = {
  readonly streams: TerminalStreams
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly paint: Paint
  readonly coloured: boolean
  /** Between two looks, in milliseconds. */
  readonly everyMs: number
  readonly now: () => number
  /** Said at the start, such as why there is no key. */
  readonly note: string | null
  /** Ends the inbox from outside. */
  readonly signal: AbortSignal
  /** Called with the terminal, so that what asks for a passphrase can have it. */
  readonly lend?: (aside: Terminal['aside']) => void
  /** Called with what looks at once, for when a webhook says that something has changed. */
  readonly onLook?: (look: () => void) => void
}

/**
 * Shows the inbox on the whole terminal until the person quits, and a review that they have begun to sign is posted or
 * has failed.
 *
 * @returns what became of such a review after the screen had gone
 */
export async function runInbox(inbox: Inbox, options: InboxOptions): Promise<readonly string[]> {
  const ended = new AbortController()
  const { promise: over, resolve } = Promise.withResolvers<void>()
  ended.signal.addEventListener('abort', () => resolve())
  const quit = () => ended.abort()
  options.signal.addEventListener('abort', quit)
  const held: { failure: unknown } = { failure: null }
  const send = (event: InboxEvent): void => {
    if (ended.signal.aborted) return
    try {
      const taken = step(view, event)
      view = taken.view
      for (const effect of taken.effects) perform(effect)
      if (!ended.signal.aborted) draw()
    } catch (error) {
      held.failure = error
      quit()
    }
  }
  const terminal = openTerminal(options.streams, {
    key: (key) => send({ type: 'key', key }),
    resize: () => send({ type: 'resized', ...terminal.size() }),
    end: quit,
    back: () => send({ type: 'resized', ...terminal.size() }),
    warning: (words) => send({ type: 'troubled', words }),
  })
  let view: InboxView = newInbox({
    size: terminal.size(),
    now: options.now(),
    reviewer: inbox.reviewer,
    said: options.note === null ? null : { kind: 'error', text: options.note },
  })
  const draw = (): void => terminal.draw(linesOf(view, options))
  const looker = openLooker(inbox, () => shownIds(view), options, send)
  const [running, late] = [new Set<Promise<void>>(), [] as string[]]
  const world = {
    running,
    late,
    inbox,
    terminal,
    options,
    send,
    look: looker.now,
    quit,
    ended: ended.signal,
  }
  const perform = (effect: InboxEffect): void => performed(effect, world)
  options.lend?.(terminal.aside)
  options.onLook?.(looker.now)
  const clock = setInterval(() => send({ type: 'tick', now: options.now() }), TICK_MS)
  try {
    draw()
    looker.now()
    await over
  } finally {
    clearInterval(clock)
    options.signal.removeEventListener('abort', quit)
    terminal.close()
    await looker.stop()
    await Promise.all(running)
  }
  if (held.failure !== null) throw held.failure
  return late
}

const TICK_MS = 1_000

function linesOf(view: InboxView, { paint, coloured }: InboxOptions): string[] {
  const inverse = (text: string) => (coloured ? `\u001b[7m${text}\u001b[27m` : text)
  return paintScreen(inboxScreen(view), paint, inverse)
}

type World = {
  readonly inbox: Inbox
  readonly terminal: Terminal
  readonly options: InboxOptions
  readonly send: (event: InboxEvent) => void
  readonly look: () => void
  readonly quit: () => void
  /** Of the whole inbox. */
  readonly ended: AbortSignal
  /** What the inbox does not end before. */
  readonly running: Set<Promise<void>>
  /** What there was to say when it had ended. */
  readonly late: string[]
}

function performed(effect: InboxEffect, world: World): void {
  const { terminal, send } = world
  if (effect.type === 'look') world.look()
  else if (effect.type === 'redraw') terminal.forget()
  else if (effect.type === 'suspend') terminal.suspend()
  else if (effect.type === 'quit') world.quit()
  else {
    const work = answered(effect, world)
      .catch((error): InboxEvent => ({ type: 'failed', words: wordsOf(error) }))
      .then((event) => {
        const isLate = world.ended.aborted && effect.type === 'sign'
        if (isLate && 'words' in event) world.late.push(event.words)
        else send(event)
      })
      .finally(() => void world.running.delete(work))
    world.running.add(work)
  }
}

type Asked = Extract<InboxEffect, { readonly id: string }>

/** What the world answers. */
async function answered(effect: Asked, world: World): Promise<InboxEvent> {
  const { inbox, terminal, ended } = world
  const { environment } = world.options
  const { id } = effect
  switch (effect.type) {
    case 'open':
      return { type: 'opened', id, opened: await inbox.open(id) }
    case 'check':
      return { ...effect, type: 'checked', problem: await inbox.check(id, effect.payload) }
    case 'edit': {
      const work = () => editText(environment, 'payload.json', effect.text, ended)
      return { type: 'edited', id, text: await terminal.aside(work) }
    }
    case 'sign': {
      const { review, root } = effect
      const { resolution } = await inbox.review(id, review, root)
      const end = resolution === null ? 'more people are needed' : `ended as ${resolution.decision}`
      const glass = 'breakGlass' in review ? ', the glass is broken' : ''
      return { type: 'signed', id, words: `signed: ${review.verdict}${glass}; ${end}` }
    }
  }
}

/** Looks again and again, one look at a time, and at once when asked. */
function openLooker(
  inbox: Inbox,
  wanted: () => readonly string[],
  { everyMs, now }: InboxOptions,
  send: (event: InboxEvent) => void,
): { now(): void; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let [isAsked, isStopped, isFirst] = [false, false, true]
  const look = async (): Promise<void> => {
    try {
      send({ type: 'looked', items: await inbox.look(wanted()), now: now() })
    } catch (error) {
      send({ type: 'troubled', words: wordsOf(error) })
    }
  }
  const turn = (): void => {
    if (isStopped) return
    if (running !== null) {
      isAsked = true
      return
    }
    clearTimeout(timer)
    isAsked = false
    running = look().finally(() => {
      running = null
      // The first look could not know what would be on the screen.
      if (isAsked || isFirst) {
        isFirst = false
        turn()
      } else if (!isStopped) timer = setTimeout(turn, everyMs)
    })
  }
  return {
    now: turn,
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** One line about what went wrong; anything but an error of ours has no words for people. */
function wordsOf(error: unknown): string {
  if (error instanceof PolicyError) return `${error.code}: ${error.message}`
  return `ENGINE_FAILED: ${error instanceof Error ? error.message : String(error)}`
}
