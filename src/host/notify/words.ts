import { plainLine } from '../../base/plain-text.ts'
import type { NoticeEvent } from '../../model/ports.ts'

/** A notice in plain words, a line each; control characters of what an agent wrote are spelled out. */
export type NoticeWords = {
  readonly title: string
  /** Names and their values. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  /** Where to review: an address for a browser, or a path on the engine's machine; null while there is none. */
  readonly where: string | null
}

/** What people are told of an event: no field of the action, no finding, no comment. */
export function noticeWords({
  kind,
  request,
  where,
  people,
  resolution,
}: NoticeEvent): NoticeWords {
  const { agent, service, action, priority, id, routes, expires_at: until } = request
  const { members } = request
  const times = members === undefined ? '' : ` (${members.length} times)`
  const tool = `${plainLine(`${service}.${action}`, NAME_LENGTH_MAX)}${times}`
  const by = (resolution?.by ?? []).map((person) => plainLine(person, NAME_LENGTH_MAX))
  const decision = resolution?.decision
  return {
    title: `${lead(kind, decision)}: ${tool} for ${plainLine(agent, NAME_LENGTH_MAX)} [${priority}]`,
    facts: shortened([
      ['Request', plainLine(id, NAME_LENGTH_MAX)],
      ['Route', routes.map((route) => plainLine(route.id, NAME_LENGTH_MAX)).join(', ') || 'none'],
      ...(decision === undefined
        ? [['Waits until', plainLine(until, NAME_LENGTH_MAX)] as const]
        : [['Ended as', decision] as const]),
      ...(by.length === 0 ? [] : [['By', by.join(', ')] as const]),
      ...(decision !== undefined || people.length === 0
        ? []
        : [
            ['For', people.map((person) => plainLine(person, NAME_LENGTH_MAX)).join(', ')] as const,
          ]),
    ]),
    where: where === null ? null : plainLine(where, WHERE_LENGTH_MAX),
  }
}

/** Slack refuses a whole message for one field of more than 2,000 characters. */
function shortened(facts: NoticeWords['facts']): NoticeWords['facts'] {
  return facts.map(([name, value]) => [name, plainLine(value, FACT_LENGTH_MAX)])
}

const FACT_LENGTH_MAX = 1_500

function lead(kind: NoticeEvent['kind'], decision: string | undefined): string {
  if (kind === 'resolved') return decision === undefined ? 'Ended' : (ENDINGS[decision] ?? decision)
  return LEADS[kind]
}

const LEADS = {
  held: 'Approval wanted',
  reminded: 'Still waits for approval',
  escalated: 'Escalated to you: approval wanted',
  'break-glass': 'BREAK-GLASS USED',
} as const

const ENDINGS: Readonly<Record<string, string>> = {
  APPROVED: 'Approved',
  APPROVED_WITH_MODIFICATIONS: 'Approved with changes',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
}

// UTF-16 code units: what a phone shows, and less than what Slack takes in one block.
const NAME_LENGTH_MAX = 120
const WHERE_LENGTH_MAX = 500
