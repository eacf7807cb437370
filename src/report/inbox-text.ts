import { type Change, formatDiff } from '../base/diff.ts'
import type { WaitingRequest } from '../model/inbox.ts'
import { cellsOf, fitted, lastCells } from './cells.ts'
import {
  broken,
  digestHead,
  ends,
  type InboxLine,
  type LineStyle,
  line,
  outside,
  timeLeft,
} from './inbox-line.ts'
import { requestLines } from './inbox-request.ts'
import type { InboxPage, InboxView } from './inbox-view.ts'
import { arranged, glassRoutes } from './inbox-view.ts'
import type { Paint } from './paint.ts'

/**
 * The inbox as a terminal shows it: exactly as many lines as the size says, each exactly as wide. Whatever an agent or
 * a reviewer wrote stands in it with control characters spelled out.
 */
export function inboxScreen(view: InboxView): readonly InboxLine[] {
  const { rows, columns } = view.size
  const height = bodyHeight(view)
  const body = bodyLines(view).slice(topOf(view), topOf(view) + height)
  const filler = Array.from({ length: height - body.length }, () => line(''))
  const lines = [titleLine(view), ...body, ...filler, statusLine(view), hintLine(view)]
  return lines.slice(0, rows).map(({ text, style }) => line(fitted(text, columns), style))
}

/** A screen as text with colours. */
export function paintScreen(lines: readonly InboxLine[], paint: Paint, inverse: Inverse): string[] {
  return lines.map(({ text, style }) => {
    if (style === 'plain') return text
    return style === 'inverse' ? inverse(text) : paint[style](text)
  })
}

type Inverse = (text: string) => string

/** Lines between the title and the two lines at the bottom. */
export function bodyHeight({ size }: Pick<InboxView, 'size'>): number {
  return Math.max(1, size.rows - 3)
}

/** How many lines the page has; scrolling ends there. */
export function bodyLength(view: InboxView): number {
  return bodyLines(view).length
}

/** In which line of the list a request stands. */
export function listRow(view: InboxView, id: string): number {
  const rows = arranged(view).flatMap(({ items }) => [
    null,
    ...items.map(({ found }) => found.request.id),
  ])
  return rows.indexOf(id)
}

/** The requests that the list shows now. */
export function shownIds(view: InboxView): readonly string[] {
  const rows = arranged(view).flatMap(({ items }) => [
    null,
    ...items.map(({ found }) => found.request.id),
  ])
  const shown = rows.slice(view.listTop, view.listTop + bodyHeight(view))
  return shown.filter((id) => id !== null)
}

function topOf(view: InboxView): number {
  const { page } = view
  if (page.name === 'list') return view.listTop
  if (page.name === 'input') return page.back.name === 'list' ? view.listTop : page.back.top
  return page.name === 'invalid' ? 0 : page.top
}

function bodyLines(view: InboxView): InboxLine[] {
  const { page } = view
  if (page.name === 'input') return bodyLines({ ...view, page: page.back })
  if (page.name === 'help') return HELP.flatMap((text) => broken(text, view.size.columns))
  if (page.name === 'confirm') return confirmLines(view, page)
  if (page.name === 'invalid') return invalidLines(view, page)
  if (page.name === 'list') return listLines(view)
  if (page.opened === null) return [line('reading …', 'dim')]
  return requestLines(page.opened, {
    waiting: view.items.find(({ found }) => found.request.id === page.id) ?? null,
    comment: view.comments.get(page.id),
    now: view.now,
    columns: view.size.columns,
  })
}

function listLines(view: InboxView): InboxLine[] {
  if (!view.looked) return [line('looking …', 'dim')]
  const groups = arranged(view)
  if (groups.length === 0) {
    return [line(view.filter === '' ? 'nothing waits for people' : 'nothing matches', 'dim')]
  }
  return groups.flatMap(({ agent, items }) => [
    line(`${outside(agent)}  (${items.length})`, 'bold'),
    ...items.map((item) => rowLine(view, item)),
  ])
}

function rowLine(view: InboxView, item: WaitingRequest): InboxLine {
  const { request, pull } = item.found
  const marked = request.id === view.selected
  const left = timeLeft(request.expires_at, view.now)
  const head = `${marked ? '>' : ' '} ${request.priority.padEnd(8)} ${left.padStart(8)}  `
  const times = request.members === undefined ? '' : ` (${request.members.length} times)`
  const what = `${outside(`${request.service}.${request.action}`)}${times}`
  const text = ends(`${head}${what}`, `${needText(item)}  #${pull ?? '-'}`, view.size.columns)
  const style: LineStyle =
    request.priority === 'critical' ? 'red' : request.priority === 'high' ? 'yellow' : 'plain'
  return line(text, marked ? 'inverse' : style)
}

/** Routes and how many reviews are missing: `payments needs 2`. */
function needText({ found, missing, obstacle }: WaitingRequest): string {
  if (obstacle !== '') return 'blocked'
  const { routes } = found.request
  if (missing === null) return outside(routes.map(({ id }) => id).join(', '))
  return missing.map(({ route, need }) => `${outside(route)} needs ${need}`).join(', ') || 'ends'
}

function titleLine(view: InboxView): InboxLine {
  const { items, filter, reviewer, size } = view
  const count = view.looked ? `${items.length} waiting` : ''
  const only = filter === '' ? '' : `  /${outside(filter)}`
  const who = reviewer === null ? 'only looking' : outside(reviewer.person)
  return line(ends(`Countersign inbox  ${count}${only}`, who, size.columns), 'inverse')
}

function statusLine({ said, busy, page, size }: InboxView): InboxLine {
  if (page.name === 'input') {
    const prompt = PROMPTS[page.purpose]
    const text = `${outside(page.text)}_`
    return line(prompt + lastCells(text, size.columns - cellsOf(prompt)), 'bold')
  }
  if (busy !== null) return line(`${outside(busy)} …`, 'dim')
  if (said === null) return line('')
  return line(outside(said.text), said.kind === 'error' ? 'red' : 'green')
}

const PROMPTS = {
  filter: 'filter: ',
  comment: 'comment: ',
  reject: 'why not (the agent is told): ',
  'break-glass': 'BREAK GLASS, why (all are told): ',
} as const

function hintLine({ page, said, reviewer }: InboxView): InboxLine {
  // What is typed stands where else the status does.
  if (page.name === 'input' && said?.kind === 'error') return line(outside(said.text), 'red')
  const request = page.name === 'request' ? page.opened?.found.request : undefined
  const mayBreak = request !== undefined && glassRoutes(request, reviewer).length > 0
  return line(mayBreak ? GLASS_HINT : HINTS[page.name], 'dim')
}

const GLASS_HINT = 'a approve   b break glass   r reject   e edit   c comment   esc back   ? help'
const HINTS: Readonly<Record<InboxPage['name'], string>> = {
  list: 'enter open   / filter   ? help   q quit',
  request: 'a approve   r reject   e edit payload   c comment   esc back   ? help',
  help: 'esc back',
  input: 'enter done   esc leave',
  confirm: 'y sign   n back',
  invalid: 'enter back to the editor   esc leave (the text is kept)',
}

const HELP = [
  'Requests that wait for people, by agent; the riskiest first.',
  '',
  '  arrows, j k          move, or scroll',
  '  page up, page down   a screen at a time',
  '  g G                  first, last',
  '  enter                open a request: findings, evidence, fields, who decides',
  '  a                    approve the action as it is',
  '  b                    break the glass, if you are named for that: it runs, all are told; asks why',
  '  r                    reject it; asks why',
  '  e                    edit the payload in $VISUAL or $EDITOR, see the change, sign it',
  '  c, p                 write a comment that goes with your next review',
  '  /                    show only what matches: agent, action, priority, route, id',
  '  esc                  back, or end the filter',
  '  q, ctrl-c            quit',
  '  ctrl-z               stop; fg brings it back',
  '',
  'Nothing is signed before you have seen the request and said y. Fields are in clear for people on its routes, after',
  'they were checked against the digest that you sign.',
]

type Confirm = Extract<InboxPage, { name: 'confirm' }>

function confirmLines(view: InboxView, { review, changes, back }: Confirm): InboxLine[] {
  const { columns } = view.size
  const request = back.opened?.found.request
  if (request === undefined) return []
  const { verdict, comment } = review
  const times = request.members === undefined ? '' : ` all ${request.members.length} times`
  const tool = `${outside(request.service)}.${outside(request.action)}${times}`
  const say = (text: string, style: LineStyle = 'plain') => broken(text, columns, { style })
  const words = request.ratifies === undefined ? WORDS : WORDS_AFTERWARDS
  const isLoud = 'breakGlass' in review
  return [
    ...say(
      `${isLoud ? 'BREAK THE GLASS for' : words[verdict]} ${tool} for ${outside(request.agent)}?`,
      isLoud || verdict === 'reject' ? 'red' : 'bold',
    ),
    ...(isLoud
      ? say(
          'It runs without the people who decide else. Everybody is told, the receipt says so, and they look at it afterwards.',
          'red',
        )
      : []),
    line(''),
    ...say(`  digest    ${digestHead(outside(request.root))}…`),
    ...say(`  request   ${outside(request.id)}`),
    ...say(`  priority  ${request.priority}, ${timeLeft(request.expires_at, view.now)} left`),
    ...say(`  as        ${outside(view.reviewer?.person ?? '')}`),
    ...say(`  signed by ${outside(view.reviewer?.proof ?? '')}`),
    ...say(`  comment   ${comment === undefined ? '(none)' : outside(comment)}`),
    ...(verdict === 'patch' ? [line(''), line('The patch changes', 'bold')] : []),
    ...changeLines(changes, columns),
    line(''),
    line(isLoud ? 'Break the glass and sign?  y / n' : 'Sign?  y / n', isLoud ? 'red' : 'bold'),
  ]
}

const WORDS = {
  approve: 'Approve',
  reject: 'Reject',
  patch: 'Approve with another payload',
} as const

const WORDS_AFTERWARDS = {
  ...WORDS,
  approve: 'Ratify what has run:',
  reject: 'Disavow what has run:',
} as const

// Values may be long, and a screen is drawn every second.
const memory = new WeakMap<readonly Change[], { columns: number; lines: readonly InboxLine[] }>()

function changeLines(changes: readonly Change[], columns: number): readonly InboxLine[] {
  const known = memory.get(changes)
  if (known?.columns === columns) return known.lines
  const diff = formatDiff(changes).split('\n').filter(Boolean)
  const lines = diff.flatMap((text) =>
    broken(`  ${outside(text)}`, columns, { style: diffStyle(text) }),
  )
  memory.set(changes, { columns, lines })
  return lines
}

function diffStyle(text: string): LineStyle {
  if (text.startsWith('+')) return 'green'
  return text.startsWith('-') ? 'red' : 'yellow'
}

type Invalid = Extract<InboxPage, { name: 'invalid' }>

function invalidLines({ size }: InboxView, { error }: Invalid): InboxLine[] {
  return [
    line('The payload cannot be signed as it stands', 'red'),
    line(''),
    ...broken(`  ${outside(error)}`, size.columns),
    line(''),
    ...broken('Nothing of what you wrote is lost.', size.columns),
  ]
}
