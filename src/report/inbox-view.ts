import type { Change } from '../base/diff.ts'
import type { AskedRoute, Request } from '../model/generated/types.ts'
import type {
  InboxReviewer,
  IntendedReview,
  OpenedRequest,
  WaitingRequest,
} from '../model/inbox.ts'

/** Everything that decides what an inbox looks like. */
export type InboxView = {
  readonly size: { readonly rows: number; readonly columns: number }
  /** Unix milliseconds. */
  readonly now: number
  /** Who reviews: a person on the roster, and what they sign with; null for whoever only looks. */
  readonly reviewer: InboxReviewer | null
  readonly items: readonly WaitingRequest[]
  /** Whether anybody has looked yet. */
  readonly looked: boolean
  readonly filter: string
  /** The request that the list's mark stands on. */
  readonly selected: string | null
  /** The first line of the list that is shown. */
  readonly listTop: number
  /** Comments that go with the next review, by request. */
  readonly comments: ReadonlyMap<string, string>
  /** Payloads as they were left in the editor, by request. */
  readonly drafts: ReadonlyMap<string, string>
  /** What is under way; no other review begins then. */
  readonly busy: string | null
  readonly said: { readonly kind: 'note' | 'error'; readonly text: string } | null
  readonly page: InboxPage
}

/** A page that lies below another one. */
export type RequestPage = {
  readonly name: 'request'
  readonly id: string
  /** Null until it has been read. */
  readonly opened: OpenedRequest | null
  readonly top: number
}

export type BasePage = { readonly name: 'list' } | RequestPage

export type InboxPage =
  | BasePage
  | { readonly name: 'help'; readonly top: number; readonly back: BasePage }
  | {
      readonly name: 'input'
      readonly purpose: 'filter' | 'comment' | 'reject' | 'break-glass'
      readonly text: string
      readonly back: BasePage
    }
  | {
      readonly name: 'confirm'
      readonly review: IntendedReview
      /** What a patch changes. */
      readonly changes: readonly Change[]
      readonly top: number
      readonly back: RequestPage
    }
  | {
      /** An edited payload that cannot be signed. */
      readonly name: 'invalid'
      readonly text: string
      readonly error: string
      readonly back: RequestPage
    }

/** The waiting requests of one agent, the riskiest first. */
export type InboxGroup = { readonly agent: string; readonly items: readonly WaitingRequest[] }

/**
 * The requests that the filter leaves, by agent and risk: priority, then deadline. The agent with the riskiest request
 * comes first.
 */
export function arranged({
  items,
  filter,
}: Pick<InboxView, 'items' | 'filter'>): readonly InboxGroup[] {
  const left = items.filter((item) => matches(item, filter)).sort(byRisk)
  const byAgent = Map.groupBy(left, ({ found }) => found.request.agent)
  return [...byAgent].map(([agent, members]) => ({ agent, items: members }))
}

/** The ids in the order in which the list shows them. */
export function listedIds(view: Pick<InboxView, 'items' | 'filter'>): readonly string[] {
  return arranged(view).flatMap(({ items }) => items.map(({ found }) => found.request.id))
}

function matches({ found: { request } }: WaitingRequest, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  const text = [
    ...[request.agent, `${request.service}.${request.action}`, request.priority, request.id],
    ...request.routes.map(({ id }) => id),
  ]
    .join(' ')
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

/** The routes on which this person may break the glass, as they were asked. */
export function glassRoutes(
  request: Request,
  reviewer: InboxReviewer | null,
): readonly AskedRoute[] {
  const person = reviewer?.person ?? null
  return request.routes.filter(({ break_glass: glass }) =>
    glass?.reviewers.some((one) => one === person),
  )
}

/** Whether a screen has room for what must be read before it is signed. */
export function isReadable({ size }: Pick<InboxView, 'size'>): boolean {
  return size.rows >= 4 && size.columns >= 10
}

const PRIORITIES: readonly string[] = ['critical', 'high', 'medium', 'low']

function byRisk(a: WaitingRequest, b: WaitingRequest): number {
  const [first, second] = [a.found.request, b.found.request]
  const rank = PRIORITIES.indexOf(first.priority) - PRIORITIES.indexOf(second.priority)
  if (rank !== 0) return rank
  const deadline = Date.parse(first.expires_at) - Date.parse(second.expires_at)
  if (deadline !== 0) return deadline
  return first.id < second.id ? -1 : 1
}
