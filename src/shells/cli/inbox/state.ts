import type { JsonObject } from '../../../base/json-value.ts'
import type { IntendedReview, OpenedRequest, WaitingRequest } from '../../../model/inbox.ts'
import { bodyHeight, bodyLength, listRow } from '../../../report/inbox-text.ts'
import { type InboxView, listedIds } from '../../../report/inbox-view.ts'
import { afterEdit, confirmPatch, dropRequest } from './edited.ts'
import { pressed } from './keys.ts'

/** A key as a terminal sends it. */
export type Key = {
  /** `up`, `return`, `escape`, `a`, …; empty for text that is no single key. */
  readonly name: string
  readonly ctrl: boolean
  /** What it writes; empty for a key that writes nothing. */
  readonly text: string
  /** Part of a text that somebody pasted: it is typed, and does nothing else. */
  readonly pasted?: true
}

export type InboxEvent =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'tick'; readonly now: number }
  | { readonly type: 'resized'; readonly rows: number; readonly columns: number }
  | { readonly type: 'looked'; readonly items: readonly WaitingRequest[]; readonly now: number }
  | { readonly type: 'opened'; readonly id: string; readonly opened: OpenedRequest }
  /** The editor has ended. */
  | { readonly type: 'edited'; readonly id: string; readonly text: string }
  /** Whether an edited payload could run; null when it could. */
  | {
      readonly type: 'checked'
      readonly id: string
      readonly payload: JsonObject
      readonly problem: string | null
    }
  /** A review was signed and posted. */
  | { readonly type: 'signed'; readonly id: string; readonly words: string }
  | { readonly type: 'failed'; readonly words: string }
  /** A look went wrong, or something else that nobody waits for. */
  | { readonly type: 'troubled'; readonly words: string }

/** What the state asks the world to do; it answers with an event. */
export type InboxEffect =
  | { readonly type: 'look' }
  | { readonly type: 'open'; readonly id: string }
  | { readonly type: 'edit'; readonly id: string; readonly text: string }
  | { readonly type: 'check'; readonly id: string; readonly payload: JsonObject }
  | {
      readonly type: 'sign'
      readonly id: string
      /** The digest that the person saw. */
      readonly root: string
      readonly review: IntendedReview
    }
  | { readonly type: 'redraw' }
  | { readonly type: 'suspend' }
  | { readonly type: 'quit' }

export type Step = { readonly view: InboxView; readonly effects: readonly InboxEffect[] }

/** An inbox that nobody has looked into yet. */
export function newInbox(given: Pick<InboxView, 'size' | 'now' | 'reviewer' | 'said'>): InboxView {
  return {
    ...given,
    items: [],
    looked: false,
    filter: '',
    selected: null,
    listTop: 0,
    comments: new Map(),
    drafts: new Map(),
    busy: null,
    page: { name: 'list' },
  }
}

/** One event: the next state, and what it asks for. Pure. */
export function step(view: InboxView, event: InboxEvent): Step {
  const { view: next, effects } = taken(view, event)
  return { view: settled(next), effects }
}

function taken(view: InboxView, event: InboxEvent): Step {
  const only = (changes: Partial<InboxView>): Step => ({
    view: { ...view, ...changes },
    effects: [],
  })
  switch (event.type) {
    case 'key':
      return pressed(view, event.key)
    case 'tick':
      return only({ now: event.now })
    case 'resized':
      return only({ size: { rows: event.rows, columns: event.columns } })
    case 'looked':
      return looked(view, event.items, event.now)
    case 'opened':
      return only(isOn(view, event.id) ? { page: withOpened(view, event.opened) } : {})
    case 'edited':
      return afterEdit(view, event.id, event.text)
    case 'checked':
      return confirmPatch(view, event)
    case 'signed':
      return {
        view: {
          ...dropRequest(view, event.id),
          busy: null,
          said: { kind: 'note', text: event.words },
          ...(isOn(view, event.id) ? { page: { name: 'list' } as const } : {}),
        },
        effects: [{ type: 'look' }],
      }
    case 'troubled':
      return only({ said: { kind: 'error', text: event.words } })
    case 'failed':
      return only({ busy: null, said: { kind: 'error', text: event.words } })
  }
}

/** Requests that came and went; the mark stays where it is as far as it can. */
function looked(view: InboxView, items: readonly WaitingRequest[], now: number): Step {
  const { page, selected } = view
  const before = listedIds(view)
  const after = listedIds({ items, filter: view.filter })
  const at = Math.max(0, before.indexOf(selected ?? ''))
  const next =
    selected !== null && after.includes(selected)
      ? selected
      : (after[Math.min(at, after.length - 1)] ?? null)
  const gone =
    page.name === 'request' &&
    view.items.some(({ found }) => found.request.id === page.id) &&
    !items.some(({ found }) => found.request.id === page.id)
  const said = gone ? ({ kind: 'note', text: 'this request has ended' } as const) : view.said
  return { view: { ...view, items, now, looked: true, selected: next, said }, effects: [] }
}

function isOn({ page }: InboxView, id: string): boolean {
  if (page.name === 'list') return false
  if (page.name === 'request') return page.id === id
  return page.back.name === 'request' && page.back.id === id
}

function withOpened({ page }: InboxView, opened: OpenedRequest): InboxView['page'] {
  if (page.name === 'request') return { ...page, opened }
  if (page.name === 'list' || page.name === 'confirm' || page.name === 'invalid') return page
  return page.back.name === 'request' ? { ...page, back: { ...page.back, opened } } : page
}

/** Keeps the mark on the screen, and the scrolling within the page. */
function settled(view: InboxView): InboxView {
  const height = bodyHeight(view)
  const { page, selected } = view
  if (page.name === 'request' || page.name === 'confirm' || page.name === 'help') {
    const last = Math.max(0, bodyLength(view) - height)
    const top = Math.min(Math.max(0, page.top), last)
    return top === page.top ? view : { ...view, page: { ...page, top } }
  }
  if (page.name !== 'list') return view
  const row = selected === null ? 0 : Math.max(0, listRow(view, selected))
  const last = Math.max(0, bodyLength(view) - height)
  // The agent's name above its first request comes along where there is room.
  const from = Math.max(0, height > 1 ? row - 1 : row)
  const low = Math.max(0, row - height + 1)
  const listTop = Math.min(Math.max(Math.min(view.listTop, from), low), last)
  return listTop === view.listTop ? view : { ...view, listTop }
}
