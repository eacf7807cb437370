import type { IntendedReview } from '../../../model/inbox.ts'
import { bodyHeight, bodyLength } from '../../../report/inbox-text.ts'
import {
  type BasePage,
  glassRoutes,
  type InboxPage,
  type InboxView,
  isReadable,
  listedIds,
  type RequestPage,
} from '../../../report/inbox-view.ts'
import { complain, edit } from './edited.ts'
import type { Key, Step } from './state.ts'

/** What a key does on the page that is shown. */
export function pressed(view: InboxView, key: Key): Step {
  if (key.ctrl) return controlled(view, key)
  const fresh = view.said === null ? view : { ...view, said: null }
  const { page } = fresh
  if (key.pasted === true && page.name !== 'input') {
    return stay(complain(view, 'paste works only where you type'))
  }
  switch (page.name) {
    case 'input':
      return onInput(fresh, page, key)
    case 'confirm':
      return onConfirm(fresh, page, key)
    case 'invalid':
      if (key.name === 'return') return edit(fresh, page.back, page.text)
      return isBack(key) ? show(fresh, page.back) : stay(fresh)
    case 'help':
      if (isBack(key) || key.text === '?') return show(fresh, page.back)
      return key.text === 'q' ? quit(fresh) : scroll(fresh, page, key)
    case 'request':
      return onRequest(fresh, page, key)
    case 'list':
      return onList(fresh, key)
  }
}

function controlled(view: InboxView, { name }: Key): Step {
  if (name === 'c') return quit(view)
  if (name === 'z') return { view, effects: [{ type: 'suspend' }] }
  return name === 'l' ? { view, effects: [{ type: 'redraw' }] } : stay(view)
}

function onList(view: InboxView, key: Key): Step {
  const ids = listedIds(view)
  const at = ids.indexOf(view.selected ?? '')
  const target = moved(key, { at, last: ids.length - 1, page: bodyHeight(view) - 1 })
  if (target !== null) return stay({ ...view, selected: ids[target] ?? null })
  if (isBack(key)) return view.filter === '' ? stay(view) : filtered(view, '')
  const { selected } = view
  switch (key.text) {
    case 'q':
      return quit(view)
    case '?':
      return show(view, { name: 'help', top: 0, back: { name: 'list' } })
    case '/':
      return show(view, ask('filter', view.filter, { name: 'list' }))
  }
  if (selected === null) return stay(view)
  if (key.name === 'return' || key.name === 'right') return open(view, selected, null)
  // Nobody signs what they have not seen.
  const meant = Object.hasOwn(MEANT, key.text) ? MEANT[key.text] : undefined
  return meant === undefined ? stay(view) : open(view, selected, `read it first, then ${meant}`)
}

const MEANT: Readonly<Record<string, string>> = {
  a: 'press a to approve',
  b: 'press b to break the glass',
  r: 'press r to reject',
  e: 'press e to edit',
  c: 'press c to comment',
  p: 'press p to comment',
}

function onRequest(view: InboxView, page: RequestPage, key: Key): Step {
  if (isBack(key) || key.name === 'left') return show(view, { name: 'list' })
  switch (key.text) {
    case 'q':
      return quit(view)
    case '?':
      return show(view, { name: 'help', top: 0, back: page })
    case '/':
      return show(view, ask('filter', view.filter, { name: 'list' }))
    case 'c':
    case 'p':
      return show(view, ask('comment', view.comments.get(page.id) ?? '', page))
    case 'a':
    case 'b':
    case 'r':
    case 'e':
      return review(view, page, key.text)
  }
  return scroll(view, page, key)
}

/** The way to a review: refused where none could be signed, so that nobody writes words in vain. */
function review(view: InboxView, page: RequestPage, key: 'a' | 'b' | 'r' | 'e'): Step {
  const { reviewer, busy } = view
  if (busy !== null) return stay(complain(view, `wait: ${busy}`))
  if (page.opened === null) return stay(complain(view, 'it is still being read'))
  const { clear, masked, found } = page.opened
  if (reviewer === null) return stay(complain(view, NO_KEY))
  if (clear === null) return stay(complain(view, masked))
  const comment = view.comments.get(page.id)
  if (key === 'e') {
    const { ratifies, members } = found.request
    if (members !== undefined) return stay(complain(view, 'a batch is decided as it is'))
    if (ratifies !== undefined) return stay(complain(view, 'it has run: there is nothing to edit'))
    return edit(view, page)
  }
  if (key === 'r') return show(view, ask('reject', comment ?? '', page))
  if (key === 'a') {
    const words = comment === undefined ? {} : { comment }
    return confirm(view, page, { verdict: 'approve', ...words })
  }
  if (glassRoutes(found.request, reviewer).length > 0) {
    return show(view, ask('break-glass', comment ?? '', page))
  }
  return stay(complain(view, `${reviewer.person} may not break the glass on this request`))
}

const NO_KEY = 'you have no key here that the roster knows: see --key'

function confirm(view: InboxView, back: RequestPage, review: IntendedReview): Step {
  return show(view, { name: 'confirm', review, changes: [], top: 0, back })
}

type Confirm = Extract<InboxPage, { name: 'confirm' }>

function onConfirm(view: InboxView, page: Confirm, key: Key): Step {
  if (isBack(key) || key.text === 'n') return show(view, page.back)
  if (key.text !== 'y') return scroll(view, page, key)
  if (view.busy !== null) return stay(complain(view, `wait: ${view.busy}`))
  if (!isReadable(view)) return stay(complain(view, 'the terminal is too small to read it'))
  if (bodyLength(view) - page.top > bodyHeight(view)) {
    return stay(complain(view, 'there is more below: read to the end before you sign'))
  }
  const { id, opened } = page.back
  if (opened === null) return stay(view)
  const { root } = opened.found.request
  return {
    view: { ...view, page: page.back, busy: 'signing' },
    effects: [{ type: 'sign', id, root, review: page.review }],
  }
}

type Input = Extract<InboxPage, { name: 'input' }>

function onInput(view: InboxView, page: Input, key: Key): Step {
  if (key.name === 'escape') return show(view, page.back)
  if (key.name === 'return') return entered(view, page)
  if (key.name === 'backspace') {
    return show(view, { ...page, text: [...page.text].slice(0, -1).join('') })
  }
  const text = (page.text + key.text).slice(0, INPUT_LENGTH_MAX).toWellFormed()
  return key.text === '' ? stay(view) : show(view, { ...page, text })
}

/** UTF-16 code units; what a review's statement takes is more. */
const INPUT_LENGTH_MAX = 1_000

function entered(view: InboxView, { purpose, text, back }: Input): Step {
  const words = text.trim()
  if (purpose === 'filter') return filtered({ ...view, page: { name: 'list' } }, words)
  if (back.name !== 'request') return show(view, back)
  if (purpose === 'comment') {
    const comments = new Map(view.comments)
    if (words === '') comments.delete(back.id)
    else comments.set(back.id, words)
    return show({ ...view, comments }, back)
  }
  if (purpose === 'break-glass') {
    if (words === '') return stay(complain(view, 'breaking the glass needs a reason'))
    return confirm(view, back, { verdict: 'approve', comment: words, breakGlass: true })
  }
  if (words === '') return stay(complain(view, 'a rejection needs a reason: the agent is told'))
  return confirm(view, back, { verdict: 'reject', comment: words })
}

function filtered(view: InboxView, filter: string): Step {
  const ids = listedIds({ items: view.items, filter })
  const kept = view.selected !== null && ids.includes(view.selected)
  return stay({ ...view, filter, selected: kept ? view.selected : (ids[0] ?? null) })
}

function open(view: InboxView, id: string, note: string | null): Step {
  return {
    view: {
      ...view,
      page: { name: 'request', id, opened: null, top: 0 },
      said: note === null ? null : { kind: 'note', text: note },
    },
    effects: [{ type: 'open', id }],
  }
}

function ask(purpose: Input['purpose'], text: string, back: BasePage): Input {
  return { name: 'input', purpose, text, back }
}

type Scrollable = Exclude<Extract<InboxPage, { top: number }>, { name: 'list' }>

function scroll(view: InboxView, page: Scrollable, key: Key): Step {
  const height = bodyHeight(view)
  const last = Math.max(0, bodyLength(view) - height)
  const top = moved(key, { at: page.top, last, page: Math.max(1, height - 1) })
  return top === null ? stay(view) : show(view, { ...page, top })
}

/** Where a key moves to among `last + 1` places; null for a key that does not move. */
function moved(
  { name, text }: Key,
  { at, last, page }: { readonly at: number; readonly last: number; readonly page: number },
): number | null {
  const to = (target: number) => Math.max(0, Math.min(target, last))
  if (name === 'up' || text === 'k') return to(at - 1)
  if (name === 'down' || text === 'j') return to(at + 1)
  if (name === 'pageup') return to(at - page)
  if (name === 'pagedown' || text === ' ') return to(at + page)
  if (name === 'home' || text === 'g') return 0
  return name === 'end' || text === 'G' ? to(last) : null
}

function isBack({ name }: Key): boolean {
  return name === 'escape' || name === 'backspace'
}

function show(view: InboxView, page: InboxPage): Step {
  return stay({ ...view, page })
}

function stay(view: InboxView): Step {
  return { view, effects: [] }
}

function quit(view: InboxView): Step {
  return { view, effects: [{ type: 'quit' }] }
}
