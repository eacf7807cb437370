import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { joinPointer } from '../base/pointer.ts'
import type { AskedRoute, Finding, Request } from '../model/generated/types.ts'
import type { OpenedRequest, WaitingRequest } from '../model/inbox.ts'
import { broken, digestHead, type InboxLine, line, outside, timeLeft } from './inbox-line.ts'

/** What a person reads before they decide: why it waits, every field, who decides. Nothing of it is cut off. */
export function requestLines(
  opened: OpenedRequest,
  about: {
    readonly waiting: WaitingRequest | null
    readonly comment: string | undefined
    readonly now: number
    readonly columns: number
  },
): InboxLine[] {
  const { request } = opened.found
  const { columns, now, comment } = about
  const say = (text: string) => broken(text, columns)
  return [
    ...broken(
      `${outside(request.service)}.${outside(request.action)} for ${outside(request.agent)}`,
      columns,
      { style: 'bold' },
    ),
    ...(request.ratifies === undefined
      ? []
      : broken(
          `It has run: the glass was broken on ${outside(request.ratifies)}. Approve to ratify that, reject to disavow it.`,
          columns,
          { style: 'yellow' },
        )),
    ...say(
      `priority ${request.priority}, ${timeLeft(request.expires_at, now)} left (until ${outside(request.expires_at)})`,
    ),
    ...say(`digest ${outside(request.root)}`),
    ...(request.members === undefined
      ? []
      : say(
          `a batch: one review covers ${request.members.length} requests, which run as they are or not at all`,
        )),
    ...say(`request ${outside(request.id)}, policy ${digestHead(outside(request.policy))}`),
    ...(request.principal === undefined ? [] : say(`on behalf of ${outside(request.principal)}`)),
    ...(opened.where === null ? [] : say(`at ${outside(opened.where)}`)),
    ...(comment === undefined ? [] : say(`your comment: ${outside(comment)}`)),
    ...section(
      'Why it waits',
      request.findings.flatMap((one) => findingLines(one, columns)),
    ),
    ...section('Behaviour', behaviourLines(request.findings, columns)),
    ...section('What happens to the payload before it runs', obligationLines(request, columns)),
    ...memoised(opened, columns),
    ...section('Who decides', deciderLines(opened, about)),
  ]
}

function section(title: string, lines: readonly InboxLine[]): InboxLine[] {
  return lines.length === 0 ? [] : [line(''), line(title, 'bold'), ...lines]
}

function findingLines(finding: Finding, columns: number): InboxLine[] {
  const { verdict, mode, rule, file, line: row, message, code, evidence } = finding
  const shadow = mode === 'shadow' ? ' (shadow: only reported)' : ''
  const place = file === '' ? '' : `  ${file}:${row}`
  const style = mode === 'shadow' ? 'dim' : verdict === 'deny' ? 'red' : 'yellow'
  const head = outside(`${verdict}${shadow} ${rule}${place}${code === undefined ? '' : ` ${code}`}`)
  return [
    ...broken(`  ${head}`, columns, { style, indent: 6 }),
    ...broken(`    ${outside(message)}`, columns, { indent: 4 }),
    ...Object.entries(evidence)
      .filter(([name]) => !isBehaviour(finding) || !BEHAVIOUR.has(name))
      .flatMap(([name, value]) =>
        broken(`    ${outside(name)}: ${outside(JSON.stringify(value))}`, columns, {
          style: 'dim',
          indent: 6,
        }),
      ),
  ]
}

/** What a rule says that judges behaviour, as `decide/evaluate/behaviour.ts` writes it down. */
const BEHAVIOUR: ReadonlySet<string> = new Set([
  ...['baseline', 'from', 'to', 'seen', 'surprisal_bits', 'expected_bits'],
  ...['odder_sessions', 'calibration_sessions', 'missing'],
])

function isBehaviour({ evidence }: Finding): boolean {
  return Object.hasOwn(evidence, 'baseline') && Object.hasOwn(evidence, 'surprisal_bits')
}

function behaviourLines(findings: readonly Finding[], columns: number): InboxLine[] {
  return findings.filter(isBehaviour).flatMap(({ rule, evidence }) => {
    const word = (name: string) =>
      outside(
        typeof evidence[name] === 'string'
          ? evidence[name]
          : JSON.stringify(Object.hasOwn(evidence, name) ? (evidence[name] ?? null) : null),
      )
    const say = (text: string) => broken(`  ${text}`, columns)
    return [
      ...say(`${word('from')} -> ${word('to')}: seen ${word('seen')} times before`),
      ...say(
        `surprise ${word('surprisal_bits')} bits, usual is ${word('expected_bits')}; odder were ${word('odder_sessions')} of ${word('calibration_sessions')} sessions`,
      ),
      ...say(`baseline ${word('baseline')}, by ${outside(rule)}`),
    ]
  })
}

function obligationLines({ obligations }: Request, columns: number): InboxLine[] {
  return obligations.flatMap(({ kind, paths, rule }) =>
    broken(`  ${kind} ${outside(paths.join(', '))}, by ${outside(rule)}`, columns),
  )
}

// A payload may have many fields, and a screen is drawn every second.
const memory = new WeakMap<OpenedRequest, { columns: number; lines: readonly InboxLine[] }>()

function memoised(opened: OpenedRequest, columns: number): readonly InboxLine[] {
  const known = memory.get(opened)
  if (known?.columns === columns) return known.lines
  const lines = contentLines(opened, columns)
  memory.set(opened, { columns, lines })
  return lines
}

/** The fields of a request; of a batch those of each of its requests. */
function contentLines(opened: OpenedRequest, columns: number): InboxLine[] {
  const { clear, masked, members, found } = opened
  const why = masked === '' ? [] : broken(`  ${outside(masked)}`, columns, { style: 'yellow' })
  const title = clear === null ? 'Fields, as the forge shows them' : 'Fields, in clear'
  if (members.length === 0) {
    return section(title, [...why, ...fieldLines(clear, found.request, columns)])
  }
  const known = new Set(found.request.findings.map((one) => JSON.stringify(one)))
  return members.flatMap(({ found: { request }, clear: own }, i) => [
    line(''),
    ...broken(
      `Request ${i + 1} of ${members.length} that one review decides: ${outside(request.id)}`,
      columns,
      { style: 'bold' },
    ),
    ...broken(`  digest ${outside(request.root)}`, columns),
    ...why,
    ...request.findings
      .filter((one) => !known.has(JSON.stringify(one)))
      .flatMap((one) => findingLines(one, columns)),
    ...fieldLines(own, request, columns),
  ])
}

function fieldLines(
  clear: OpenedRequest['clear'],
  { fields }: Request,
  columns: number,
): InboxLine[] {
  if (clear !== null) {
    const { payload, context } = clear
    const leaves = leavesOf({ payload, context } as JsonObject)
    return leaves.flatMap(([pointer, value]) =>
      broken(`  ${outside(pointer)}  ${outside(JSON.stringify(value))}`, columns, { indent: 6 }),
    )
  }
  return fields.flatMap(({ pointer, shown, value, type }) => {
    const text = shown === 'clear' ? outside(JSON.stringify(value) ?? '') : `(${type})`
    return broken(`  ${outside(pointer)}  ${text}`, columns, { indent: 6 })
  })
}

/** Each field by its JSON pointer, in the action's order; containers that are empty count as fields. */
function leavesOf(value: JsonValue, pointer = ''): [string, JsonValue][] {
  if (typeof value !== 'object' || value === null) return [[pointer, value]]
  const members = Object.entries(value as JsonObject)
  if (members.length === 0) return [[pointer, value]]
  return members.flatMap(([name, member]) => leavesOf(member, joinPointer(pointer, name)))
}

function deciderLines(
  opened: OpenedRequest,
  { waiting, now, columns }: Parameters<typeof requestLines>[1],
): InboxLine[] {
  const say = (text: string, indent = 6) => broken(text, columns, { indent })
  const missing = waiting?.missing ?? null
  const obstacle = waiting?.obstacle ?? ''
  return [
    ...opened.found.request.routes.flatMap((route) => {
      const need = missing?.find((one) => one.route === route.id)?.need ?? 0
      const still = missing === null ? '' : need === 0 ? ', has them' : `, ${need} still missing`
      return [
        ...say(
          `  ${outside(route.id)}: ${route.quorum} of ${names(route.reviewers)}${still}; signature: ${route.signature}`,
        ),
        ...routeLines(route, now).flatMap((text) => say(`    ${text}`)),
      ]
    }),
    ...opened.reviews.flatMap(({ reviewer, verdict, comment }) =>
      say(
        `  ${outside(reviewer)} signed: ${verdict}${comment === undefined ? '' : ` — ${outside(comment)}`}`,
      ),
    ),
    ...(obstacle === '' ? [] : broken(`  ${outside(obstacle)}`, columns, { style: 'red' })),
  ]
}

/** What a route says besides: its groups, who comes in later, who may break the glass. */
function routeLines(route: AskedRoute, now: number): string[] {
  const { groups, delegates, escalation, break_glass: glass, on_time_out: late } = route
  return [
    ...(groups ?? []).map(
      ({ id, quorum, reviewers }) => `group ${outside(id)}: ${quorum} of ${names(reviewers)}`,
    ),
    ...(delegates ?? []).map(
      ({ person, for: whom, until }) =>
        `${outside(person)} for ${outside(whom)}, until ${outside(until)}`,
    ),
    ...(escalation === undefined
      ? []
      : [
          `${names(escalation.reviewers)} too, ${Date.parse(escalation.at) <= now ? 'since' : 'from'} ${outside(escalation.at)}`,
        ]),
    ...(glass === undefined
      ? []
      : [`break-glass: ${glass.quorum} of ${names(glass.reviewers)}, reviewed afterwards`]),
    ...(late === 'reject' ? ['rejected when its time is over'] : []),
  ]
}

function names(people: readonly string[]): string {
  return people.length === 0 ? 'nobody' : outside(people.join(', '))
}
