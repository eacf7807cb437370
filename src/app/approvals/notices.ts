import { sha256Hex } from '../../base/digest.ts'
import type { Request } from '../../model/generated/types.ts'
import type { NoticeEvent, PullStatus, RequestRecord } from '../../model/ports.ts'
import { codeSpan, plainLine } from '../../trust/approve/markdown.ts'
import type { Tally } from '../../trust/approve/tally.ts'
import type { Parts } from '../engine/parts.ts'
import { forgeTrouble } from './forge-trouble.ts'
import { accountsOf, type OpenedRequest, peopleOf } from './opening.ts'

/** What a look at a request that waits has seen. */
export type Seen = {
  readonly headSha: string
  readonly counted: Pick<Tally, 'missing' | 'counted'>
}

/**
 * Tells people what is due of a request that waits: that it does, on its head commit; reminders; and those who may
 * review from now on. Each once, on the forge by its key, and here by what the store remembers.
 *
 * @throws {PolicyError} FORGE_* when the forge does not take it; the rest follows when it is called again
 */
export async function attend(parts: Parts, opened: OpenedRequest, seen: Seen): Promise<void> {
  const { request, pull } = opened
  const told = await parts.store.notices(request.id)
  if (!told.includes(PENDING_KEY)) {
    await showStatus(parts, opened, seen.headSha, statusOf(null))
    await remember(parts, request.id, PENDING_KEY)
  }
  const due = dueNotices(request, { told, now: parts.clock() })
  for (const { key, kind, people, given } of due) {
    if (given) {
      const missing = kind === 'reminded' ? missingPeople(request, seen.counted, people) : people
      const reviewers = await accountsOf(parts, request, missing)
      const text = textOf(kind, request, missing)
      await parts.forge.notify(pull, { key, text, reviewers })
      if (await remember(parts, request.id, key)) {
        tell(parts, { kind, request, where: parts.forge.where(pull), people: missing })
      }
    } else await remember(parts, request.id, key)
  }
}

/** When time itself has something to do with a request next, in Unix milliseconds: when it ends, at the latest. */
export function nextDue(request: Request, told: readonly string[]): number {
  const times = timedNotices(request).filter(({ key }) => !told.includes(key))
  return Math.min(...times.map(({ at }) => at), Date.parse(request.expires_at))
}

/** Shows on the forge how a request stands. What the credentials may not do is left: it decides nothing. */
export async function showStatus(
  parts: Parts,
  { pull }: OpenedRequest,
  headSha: string,
  status: PullStatus,
): Promise<void> {
  try {
    await parts.forge.setStatus(pull, headSha, status)
  } catch (error) {
    if ((error as { retryable?: unknown }).retryable === true) throw error
    if (forgeTrouble(error) === null) throw error
  }
}

/** What the display of a request says; null while it waits. */
export function statusOf(ended: RequestRecord['resolution']): PullStatus {
  if (ended === null) return { state: 'pending', description: 'waits for people' }
  const { decision, by } = ended
  const state = decision.startsWith('APPROVED') ? 'success' : 'failure'
  const names = by.length === 0 ? '' : ` by ${by.join(', ')}`
  const said = `${decision.toLowerCase().replaceAll('_', ' ')}${names}`
  return { state, description: plainLine(said, DESCRIPTION_LENGTH_MAX - 30) }
}

const DESCRIPTION_LENGTH_MAX = 140

/** Tells people outside the forge, once a request and kind; nobody waits for it, and nothing fails with it. */
export async function tellOnce(
  parts: Parts,
  request: Request,
  kind: 'held' | 'resolved' | 'break-glass',
  more: Pick<NoticeEvent, 'where' | 'resolution'>,
): Promise<void> {
  if (parts.notifier === null) return
  if (!(await remember(parts, request.id, kind))) return
  const people =
    kind === 'break-glass'
      ? [...new Set([...peopleOf(request), ...glassPeople(request)])].sort()
      : peopleOf(request)
  tell(parts, { kind, request, people, ...more })
}

/** Tells everybody who has a say that somebody broke the glass, on the pull request and outside the forge. */
export async function sayBroken(
  parts: Parts,
  opened: OpenedRequest,
  resolution: NonNullable<NoticeEvent['resolution']>,
): Promise<void> {
  const { request, pull } = opened
  const names = resolution.by.map((person) => codeSpan(person, 128)).join(', ')
  const text = `**The glass was broken** by ${names}: this runs without the people it asked for. They are asked to look at it afterwards, in a request of its own.`
  const reviewers = await accountsOf(parts, request, peopleOf(request))
  await parts.forge.notify(pull, { key: 'break-glass', text, reviewers })
  await tellOnce(parts, request, 'break-glass', { where: parts.forge.where(pull), resolution })
}

/** Who may break the glass, sorted. */
function glassPeople({ routes }: Request): string[] {
  return [...new Set(routes.flatMap(({ break_glass: glass }) => glass?.reviewers ?? []))].sort()
}

function tell({ notifier }: Parts, event: NoticeEvent): void {
  // Best effort: the notifier itself tries again, and says what it has dropped.
  notifier?.notify(event).catch(() => undefined)
}

function remember(parts: Parts, id: string, key: string): Promise<boolean> {
  return parts.store.transact((tx) => tx.putNotice(id, key))
}

const PENDING_KEY = 'status-pending'

type TimedNotice = {
  readonly key: string
  readonly kind: 'reminded' | 'escalated'
  readonly at: number
  readonly people: readonly string[]
}

/** By time. A reminder is for all routes that ask for one at that moment. */
function timedNotices(request: Request): TimedNotice[] {
  const { routes } = request
  const times = [...new Set(routes.flatMap(({ reminders }) => reminders ?? []))]
  const reminders = times
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .map((time, index): TimedNotice => {
      const asked = routes.filter((route) => route.reminders?.includes(time) === true)
      const people = [...new Set(asked.flatMap(({ reviewers }) => reviewers))].sort()
      return { key: `remind-${index + 1}`, kind: 'reminded', at: Date.parse(time), people }
    })
  const escalations = routes.flatMap(({ id, escalation }): TimedNotice[] =>
    escalation === undefined
      ? []
      : [
          {
            key: `escalate-${shortened(id)}`,
            kind: 'escalated',
            at: Date.parse(escalation.at),
            people: escalation.reviewers,
          },
        ],
  )
  return [...reminders, ...escalations].sort((a, b) => a.at - b.at)
}

/** Two routes whose names begin alike have a key each. */
function shortened(id: string): string {
  if (id.length <= ROUTE_LENGTH_MAX) return id
  return `${id.slice(0, ROUTE_LENGTH_MAX - 17)}-${sha256Hex(id).slice(0, 16)}`
}

const ROUTE_LENGTH_MAX = 55 // A key has at most 64 characters.

/** What is due and was not given. Of reminders that were missed, only the last is given. */
function dueNotices(
  request: Request,
  { told, now }: { readonly told: readonly string[]; readonly now: number },
): (TimedNotice & { readonly given: boolean })[] {
  const due = timedNotices(request).filter(({ key, at }) => at <= now && !told.includes(key))
  const last = due.findLast(({ kind }) => kind === 'reminded')
  return due.map((one) => ({ ...one, given: one.kind === 'escalated' || one === last }))
}

/** Those who have not said anything that counts yet, on routes that still need somebody. */
function missingPeople(
  request: Request,
  { missing, counted }: Seen['counted'],
  people: readonly string[],
): string[] {
  const routes = new Set(missing.map(({ route }) => route))
  const done = new Set(counted.map(({ reviewer }) => reviewer))
  const wanted = request.routes
    .filter(({ id }) => routes.size === 0 || routes.has(id))
    .flatMap(({ reviewers }) => reviewers)
  return [...new Set(wanted)].filter((one) => people.includes(one) && !done.has(one)).sort()
}

function textOf(kind: TimedNotice['kind'], request: Request, people: readonly string[]): string {
  const until = plainLine(request.expires_at, 32)
  const names = people.map((person) => codeSpan(person, 128)).join(', ')
  if (kind === 'reminded') return `This still waits, until **${until}**, for: ${names || 'people'}.`
  return `Nobody has settled this in time. From now on these may review it too: ${names}. It waits until **${until}**.`
}
