import { describe, expect, test } from 'vitest'
import type { WaitingRequest } from '../../../../src/model/inbox.ts'
import { inboxScreen } from '../../../../src/report/inbox-text.ts'
import type { InboxView } from '../../../../src/report/inbox-view.ts'
import {
  type InboxEffect,
  type InboxEvent,
  type Key,
  step,
} from '../../../../src/shells/cli/inbox/state.ts'
import { inboxOf, itemOf, NOON, openedOf } from '../../../fakes/inbox-items.ts'

// The state machine alone: events in, view and effects out.

const ITEMS = [
  itemOf('a', { priority: 'low' }),
  itemOf('b', { priority: 'critical', agent: 'buyer', action: 'order' }),
  itemOf('c', { priority: 'high' }),
  itemOf('d', { priority: 'high', expires_at: '2026-01-01T12:30:00.000Z' }),
]

const idOf = (item: WaitingRequest | undefined) => item?.found.request.id ?? ''
const C = ITEMS[2] as WaitingRequest
const ROOT = C.found.request.root

function key(word: string): Key {
  if (word.startsWith('ctrl-')) return { name: word.slice(5), ctrl: true, text: '' }
  if (NAMES.has(word)) return { name: word, ctrl: false, text: '' }
  return { name: word.toLowerCase(), ctrl: false, text: word }
}

const NAMES = new Set([
  ...['up', 'down', 'left', 'right', 'return', 'escape', 'backspace'],
  ...['pageup', 'pagedown', 'home', 'end'],
])

type Ran = { readonly view: InboxView; readonly effects: readonly InboxEffect[] }

/** Takes events in turn; words are keys, and effects are those of all of them. */
function play(view: InboxView, ...events: readonly (string | InboxEvent)[]): Ran {
  return events.reduce<Ran>(
    (ran, event) => {
      const taken = step(
        ran.view,
        typeof event === 'string' ? { type: 'key', key: key(event) } : event,
      )
      return { view: taken.view, effects: [...ran.effects, ...taken.effects] }
    },
    { view, effects: [] },
  )
}

const looked = (items: readonly WaitingRequest[]): InboxEvent => ({
  type: 'looked',
  items,
  now: NOON,
})
const listed = (size?: { rows: number; columns: number }) => play(inboxOf(size), looked(ITEMS)).view

const opened = (item = C, changes = {}) => {
  const id = idOf(item)
  const view = { ...listed(), selected: id }
  return play(view, 'return', { type: 'opened', id, opened: openedOf(item, changes) }).view
}

describe('the list', () => {
  test('is by agent, the riskiest first, then by deadline', () => {
    const rows = inboxScreen(listed())
      .map(({ text }) => text.trim())
      .slice(1, 7)
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2).join(' '))).toEqual([
      'buyer (1)',
      '> critical 1:00:00',
      'clerk (3)',
      'high 30:00',
      'high 1:00:00',
      'low 1:00:00',
    ])
  })

  test.for([
    { keys: [], at: 1 },
    { keys: ['j'], at: 3 },
    { keys: ['down', 'down'], at: 2 },
    { keys: ['j', 'k'], at: 1 },
    { keys: ['k'], at: 1 },
    { keys: ['G'], at: 0 },
    { keys: ['G', 'j'], at: 0 },
    { keys: ['end', 'home'], at: 1 },
    { keys: ['pagedown'], at: 0 },
  ])('$keys marks item $at', ({ keys, at }) => {
    expect(play(listed(), ...keys).view.selected).toBe(idOf(ITEMS[at]))
  })

  test('keeps the mark on the screen', () => {
    const many = Array.from({ length: 40 }, (_, i) => itemOf(`n${String(i).padStart(2, '0')}`))
    let { view } = play(inboxOf({ rows: 8, columns: 60 }), looked(many))
    for (const word of [...Array(39).fill('j'), ...Array(39).fill('k')]) {
      view = play(view, word).view
      expect(inboxScreen(view).some(({ text }) => text.startsWith('>'))).toBe(true)
    }
    expect(view.listTop).toBe(0)
  })

  test('keeps the mark on a request that stays, and near one that has ended', () => {
    const view = { ...listed(), selected: idOf(C) }
    expect(play(view, looked(ITEMS.slice(1))).view.selected).toBe(idOf(C))
    expect(play(view, looked(ITEMS.filter((item) => item !== C))).view.selected).toBe(
      idOf(ITEMS[0]),
    )
    expect(play(view, looked([])).view.selected).toBeNull()
  })

  test.for([
    { filter: 'buyer', left: ['b'] },
    { filter: 'HIGH', left: ['d', 'c'] },
    { filter: 'clerk low', left: ['a'] },
    { filter: 'payments', left: ['b', 'd', 'c', 'a'] },
    { filter: 'nothing', left: [] },
  ])('/$filter leaves $left', ({ filter, left }) => {
    const { view } = play(listed(), '/', ...filter, 'return')
    expect(view.page.name).toBe('list')
    expect(view.selected).toBe(left.length === 0 ? null : idOf(itemOf(left[0] as string)))
    const shown = inboxScreen(view).filter(({ text }) => text.includes('#7'))
    expect(shown).toHaveLength(left.length)
    expect(play(view, 'escape').view.filter).toBe('')
  })

  test.for(['a', 'r', 'e', 'c'])('%s opens the request first: nobody signs unseen', (word) => {
    const { view, effects } = play(listed(), word)
    expect(effects).toEqual([{ type: 'open', id: idOf(ITEMS[1]) }])
    expect(view.page).toMatchObject({ name: 'request', opened: null })
    expect(view.said?.text).toContain(`press ${word}`)
  })

  test.for(['q', 'ctrl-c'])('%s quits', (word) => {
    expect(play(listed(), word).effects).toEqual([{ type: 'quit' }])
    expect(play(opened(), word).effects.at(-1)).toEqual({ type: 'quit' })
  })

  test('ctrl-z stops and ctrl-l draws anew, on every page', () => {
    expect(play(listed(), 'ctrl-z', '?', 'ctrl-l').effects).toEqual([
      { type: 'suspend' },
      { type: 'redraw' },
    ])
  })
})

describe('a review', () => {
  test('is signed only after y on the page that names it', () => {
    const asked = play(opened(), 'a')
    expect(asked.effects).toEqual([])
    const text = inboxScreen(asked.view)
      .map((line) => line.text)
      .join('\n')
    expect(text).toContain('Approve shop.refund for clerk?')
    expect(text).toContain('sha256:ab12ab12ab12ab12…')
    const signed = play(asked.view, 'y')
    expect(signed.effects).toEqual([
      { type: 'sign', id: idOf(C), root: ROOT, review: { verdict: 'approve' } },
    ])
    expect(signed.view.busy).toBe('signing')
  })

  test.for(['n', 'escape', 'x', 'return', 'q'])('%s does not sign', (word) => {
    expect(play(opened(), 'a', word).effects.filter(({ type }) => type === 'sign')).toEqual([])
  })

  test('is one at a time', () => {
    const { view } = play(opened(), 'a', 'y')
    expect(play(view, 'a', 'y').effects).toEqual([])
    const failed = play(view, { type: 'failed', words: 'FORGE_UNREACHABLE: away' }).view
    expect(failed.busy).toBeNull()
    expect(failed.said).toEqual({ kind: 'error', text: 'FORGE_UNREACHABLE: away' })
    expect(play(failed, 'a', 'y').effects).toHaveLength(1)
  })

  test('a look that fails does not end the wait for a signature', () => {
    const { view } = play(opened(), 'a', 'y', { type: 'troubled', words: 'away' })
    expect(view.busy).toBe('signing')
    expect(play(view, 'a', 'y').effects).toEqual([])
  })

  test('of rejection asks for a reason, which goes into it', () => {
    const { view } = play(opened(), 'r')
    expect(play(view, 'return').view.said?.text).toContain('needs a reason')
    expect(play(view, 'return', 'y').effects).toEqual([])
    const ran = play(view, ...'too much', 'return', 'y')
    expect(ran.effects).toEqual([
      { type: 'sign', id: idOf(C), root: ROOT, review: { verdict: 'reject', comment: 'too much' } },
    ])
  })

  test('takes the comment that was written for this request, and no other', () => {
    const { view } = play(opened(), 'c', ...'fine', 'return')
    expect(play(view, 'a', 'y').effects).toEqual([
      { type: 'sign', id: idOf(C), root: ROOT, review: { verdict: 'approve', comment: 'fine' } },
    ])
    const other = play(view, 'escape', 'k', 'return', {
      type: 'opened',
      id: idOf(ITEMS[3]),
      opened: openedOf(ITEMS[3] as WaitingRequest),
    })
    expect(play(other.view, 'a', 'y').effects.at(-1)).toEqual({
      type: 'sign',
      id: idOf(ITEMS[3]),
      root: ROOT,
      review: { verdict: 'approve' },
    })
    const erased = play(view, 'p', ...Array(4).fill('backspace'), 'return').view
    expect(play(erased, 'a', 'y').effects.at(-1)).toMatchObject({ review: { verdict: 'approve' } })
    expect(erased.comments.size).toBe(0)
  })

  test.for([
    { name: 'before it was read', view: () => play(listed(), 'return').view, why: 'being read' },
    { name: 'without a key', view: () => ({ ...opened(), reviewer: null }), why: '--key' },
    {
      name: 'on another route',
      view: () => opened(C, { clear: null, masked: 'ana is on none of the routes' }),
      why: 'none of the routes',
    },
  ])('$name is refused in words', ({ view, why }) => {
    for (const word of ['a', 'r', 'e']) {
      const ran = play(view(), word)
      expect(ran.effects).toEqual([])
      expect(ran.view.said).toMatchObject({ kind: 'error', text: expect.stringContaining(why) })
    }
  })

  test('that was signed leads back to the list, and looks at once', () => {
    const { view } = play(opened(), 'c', ...'x', 'return', 'a', 'y')
    const ran = play(view, { type: 'signed', id: idOf(C), words: 'signed: approve' })
    expect(ran.effects).toEqual([{ type: 'look' }])
    expect(ran.view.page.name).toBe('list')
    expect(ran.view.comments.size).toBe(0)
    expect(ran.view.busy).toBeNull()
  })

  test('does not draw somebody away who has gone on', () => {
    const { view } = play(opened(), 'a', 'y')
    const away = play(view, 'escape', 'k', 'return').view
    const ran = play(away, { type: 'signed', id: idOf(C), words: 'signed' })
    expect(ran.view.page).toMatchObject({ name: 'request', id: idOf(ITEMS[3]) })
  })

  test('a page that is longer than the screen is read to its end before it is signed', () => {
    const short = play(opened(), { type: 'resized', rows: 8, columns: 40 }, 'a').view
    const early = play(short, 'y')
    expect(early.effects).toEqual([])
    expect(early.view.said?.text).toContain('more below')
    expect(play(short, 'G', 'y').effects).toHaveLength(1)
  })

  test.for([
    { rows: 1, columns: 80 },
    { rows: 3, columns: 80 },
    { rows: 60, columns: 3 },
  ])('nothing is signed at $columns x $rows, where it cannot be read', (size) => {
    const { view } = play(opened(), 'a', { type: 'resized', ...size }, 'G', 'y')
    expect(view.said?.text).toContain('too small')
    expect(play(opened(), 'a', { type: 'resized', ...size }, 'G', 'y').effects).toEqual([])
    expect(play(view, { type: 'resized', rows: 5, columns: 20 }, 'G', 'y').effects).toHaveLength(1)
  })

  test('pasted text is typed where one types, and presses no key', () => {
    const paste = (text: string): InboxEvent[] =>
      [...text].map((one) => ({
        type: 'key',
        key: { name: '', ctrl: false, text: one, pasted: true },
      }))
    expect(play(opened(), ...paste('ay')).effects).toEqual([])
    expect(play(opened(), 'a', ...paste('y')).effects).toEqual([])
    const { view } = play(opened(), 'c', ...paste('fine y'), 'return')
    expect(view.comments.get(idOf(C))).toBe('fine y')
  })

  test('a request that ends meanwhile says so', () => {
    const { view } = play(opened(), looked(ITEMS.filter((item) => item !== C)))
    expect(view.said?.text).toBe('this request has ended')
  })
})

describe('breaking the glass', () => {
  const glass = (reviewers: readonly string[]) => {
    const { request } = C.found
    const routes = request.routes.map((route) => ({
      ...route,
      break_glass: { quorum: 1, reviewers: [...reviewers], review_within: '24h' },
    }))
    const item = { ...C, found: { ...C.found, request: { ...request, routes } } }
    return play(listed(), 'G', 'k', 'return', {
      type: 'opened',
      id: idOf(C),
      opened: openedOf(item),
    }).view
  }
  const textOf = (view: InboxView) =>
    inboxScreen(view)
      .map((line) => line.text)
      .join('\n')

  test('asks why, says loudly what comes of it, and is signed after y', () => {
    const view = glass(['ana'])
    expect(view.page).toMatchObject({ name: 'request', id: idOf(C) })
    expect(textOf(view)).toContain('b break glass')
    const unsaid = play(view, 'b', 'return')
    expect(unsaid.view.said?.text).toContain('needs a reason')
    expect(unsaid.effects).toEqual([])
    const asked = play(view, 'b', ...'the house burns', 'return')
    expect(asked.effects).toEqual([])
    expect(textOf(asked.view)).toContain('BREAK THE GLASS for shop.refund for clerk?')
    expect(textOf(asked.view)).toContain('the house burns')
    expect(play(asked.view, 'n').effects).toEqual([])
    expect(play(asked.view, 'y').effects).toEqual([
      {
        ...{ type: 'sign', id: idOf(C), root: ROOT },
        review: { verdict: 'approve', comment: 'the house burns', breakGlass: true },
      },
    ])
  })

  test.for([
    { name: 'somebody who is not named for it', view: () => glass(['bo']) },
    { name: 'a route without glass', view: () => opened() },
  ])('$name cannot', ({ view }) => {
    const ran = play(view(), 'b', ...'why', 'return', 'y')
    expect(ran.effects).toEqual([])
    expect(textOf(view())).not.toContain('break glass')
    expect(play(view(), 'b').view.said?.text).toContain('may not break the glass')
  })
})

test('what has run is ratified or disavowed, and not edited', () => {
  const { request } = C.found
  const after = { ...C.found, request: { ...request, ratifies: 'req_before' } }
  const view = opened(C, { found: after })
  const shown = (one: InboxView) => inboxScreen(one).map(({ text }) => text.trim())
  expect(shown(view)[2]).toBe(
    'It has run: the glass was broken on req_before. Approve to ratify that, reject',
  )
  expect(shown(play(view, 'a').view)[1]).toBe('Ratify what has run: shop.refund for clerk?')
  expect(shown(play(view, 'r', 'x', 'return').view)[1]).toBe(
    'Disavow what has run: shop.refund for clerk?',
  )
  expect(play(view, 'e').effects).toEqual([])
})

test('a batch shows each of its requests, and is decided as it is', () => {
  const found = [itemOf('m1').found, itemOf('m2', { root: `sha256:${'ef56'.repeat(16)}` }).found]
  const members = found.map(({ request: { id, decision, root, nonce, expires_at, fields } }) => ({
    ...{ request: id, decision, root, nonce, expires_at, fields },
  }))
  const batch = itemOf('c', { priority: 'high', members })
  const clear = (n: number) => ({ payload: { amount: n }, context: {} })
  const view = play(
    opened(),
    { type: 'resized', rows: 60, columns: 80 },
    {
      ...{ type: 'opened', id: idOf(C) },
      opened: openedOf(batch, {
        clear: { payload: {}, context: {} },
        members: found.map((one, i) => ({ found: one, clear: clear(700 + i) })),
      }),
    },
  ).view
  const text = (one: InboxView) =>
    inboxScreen(one)
      .map((line) => line.text.trimEnd())
      .join('\n')
  expect(text(view)).toContain('Request 1 of 2 that one review decides: req_m1')
  expect(text(view)).toContain(`digest sha256:${'ef56'.repeat(15)}`)
  for (const value of ['/payload/amount  700', '/payload/amount  701']) {
    expect(text(view)).toContain(value)
  }
  expect(play(view, 'e').view.said?.text).toBe('a batch is decided as it is')
  expect(text(play(view, 'a').view)).toContain('Approve shop.refund all 2 times for clerk?')
})

describe('editing', () => {
  const editing = () => play(opened(), 'e')
  const edited = (text: string): InboxEvent => ({ type: 'edited', id: idOf(C), text })

  test('begins with the clear payload', () => {
    expect(editing().effects).toEqual([
      {
        type: 'edit',
        id: idOf(C),
        text: '{\n  "amount": 900,\n  "to": "customer-7"\n}\n',
      },
    ])
  })

  test('shows the change, and signs it only after y', () => {
    const ran = play(editing().view, edited('{"amount": 200, "to": "customer-7"}'))
    const payload = { amount: 200, to: 'customer-7' }
    expect(ran.effects).toEqual([{ type: 'check', id: idOf(C), payload }])
    const asked = play(ran.view, { type: 'checked', id: idOf(C), payload, problem: null })
    const text = inboxScreen(asked.view)
      .map((line) => line.text)
      .join('\n')
    expect(text).toContain('~ /amount: 900 -> 200')
    expect(play(asked.view, 'n').effects).toEqual([])
    expect(play(asked.view, 'y').effects).toEqual([
      { type: 'sign', id: idOf(C), root: ROOT, review: { verdict: 'patch', payload } },
    ])
  })

  test.for([
    { name: 'no JSON', text: '{"amount": 20', why: '1:1' },
    { name: 'a duplicate key', text: '{"amount": 1, "amount": 2}', why: 'the same key twice' },
    { name: 'a list', text: '[1]', why: 'an object' },
    { name: 'nothing', text: '', why: '' },
  ])('$name leads back to the editor, with the text as it was', ({ text, why }) => {
    const ran = play(editing().view, edited(text))
    expect(ran.view.page).toMatchObject({ name: 'invalid', error: expect.stringContaining(why) })
    expect(play(ran.view, 'y').effects).toEqual([])
    expect(play(ran.view, 'return').effects).toEqual([{ type: 'edit', id: idOf(C), text }])
    expect(play(ran.view, 'escape', 'e').effects).toEqual([{ type: 'edit', id: idOf(C), text }])
  })

  test('a payload that the engine refuses leads back to the editor too', () => {
    const text = '{"amount": 1}'
    const payload = { amount: 1 }
    const ran = play(editing().view, edited(text), {
      ...{ type: 'checked', id: idOf(C), payload, problem: 'the schema wants "to"' },
    })
    expect(ran.view.page).toMatchObject({ name: 'invalid', error: 'the schema wants "to"' })
    expect(play(ran.view, 'return').effects).toEqual([{ type: 'edit', id: idOf(C), text }])
  })

  test('the same payload is no patch', () => {
    const ran = play(editing().view, edited('{"to": "customer-7", "amount": 900}'))
    expect(ran.effects).toEqual([])
    expect(ran.view.said?.text).toBe('nothing was changed')
  })

  test('who takes a change back finds the payload as it was asked for', () => {
    const { view } = play(editing().view, edited('{"amount": 1'), 'return')
    const back = play(view, edited('{"amount": 900, "to": "customer-7"}')).view
    expect(back.said?.text).toBe('nothing was changed')
    expect(play(back, 'e').effects).toEqual(editing().effects)
  })

  test('an editor that failed loses nothing', () => {
    const draft = play(editing().view, edited('{"amount": 1'), 'return').view
    const ran = play(draft, { type: 'failed', words: 'the editor ended with 1' })
    expect(ran.view.busy).toBeNull()
    expect(play(ran.view, 'e').effects).toEqual([
      { type: 'edit', id: idOf(C), text: '{"amount": 1' },
    ])
  })
})
