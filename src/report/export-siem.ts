import { canonicalize } from '../base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../base/json-value.ts'
import { plainLine } from '../base/plain-text.ts'
import type { ExportHeader, ExportRecord } from '../model/receipt-export.ts'
import type { ExportFacts } from './export-facts.ts'
import { factsOf } from './export-facts.ts'

/** What a SIEM is told of a receipt; null for receipts that are no event, as the beginning of a log. */
export type SiemWriter = (
  record: ExportRecord,
  header: ExportHeader,
  version: string,
) => string | null

/**
 * A receipt as one line of OCSF 1.4.0: API Activity (class 6003) with the profile `security_control`. What the class has
 * no place for stands in `unmapped`.
 */
export const ocsfEvent: SiemWriter = (record, header, version) => {
  const facts = factsOf(record, header)
  const word = wordOf(facts)
  if (word === null) return null
  const { decision, principal, service, action, policy, policyName } = facts
  const agent = actorOf(facts)
  const api = {
    operation: action === '' ? decision : action,
    ...(service === '' ? {} : { service: { name: service } }),
    request: { uid: facts.id },
  }
  const event: JsonObject = {
    ...{ category_uid: 6, category_name: 'Application Activity' },
    ...{ class_uid: 6003, class_name: 'API Activity' },
    ...{
      activity_id: 99,
      activity_name: facts.stage,
      type_uid: 600399,
      type_name: 'API Activity: Other',
    },
    time: Date.parse(facts.time),
    ...{ severity_id: word.severity, severity: SEVERITIES[word.severity] ?? 'Other' },
    ...{ status_id: 1, status: 'Success', status_code: decision },
    ...{ action_id: word.action[0], action: word.action[1] },
    ...{ disposition_id: word.disposition[0], disposition: word.disposition[1] },
    message: messageOf(facts),
    actor: { app_name: agent, ...(isNamed(principal) ? { user: { name: principal } } : {}) },
    src_endpoint: { name: agent },
    api,
    ...(policy === ''
      ? {}
      : { policy: { uid: policy, ...(policyName === '' ? {} : { name: policyName }) } }),
    metadata: {
      version: '1.4.0',
      profiles: ['security_control'],
      product: { name: 'Countersign', vendor_name: 'Countersign', version },
      ...{ uid: `${header.origin}#${facts.index}`, sequence: facts.index, log_name: header.origin },
      ...(facts.request === '' ? {} : { correlation_uid: facts.request }),
    },
    ...(facts.reviews.length === 0 ? {} : { enrichments: facts.reviews.map(enrichment) }),
    unmapped: unmappedOf(facts),
  }
  return canonicalize(event)
}

/** A receipt as one line of ArcSight's Common Event Format, version 0. */
export const cefEvent: SiemWriter = (record, header, version) => {
  const facts = factsOf(record, header)
  const word = wordOf(facts)
  if (word === null) return null
  const { decision, tool, principal, reviews } = facts
  const name = tool === '' ? decision : `${decision} ${tool}`
  const head = ['CEF:0', 'Countersign', 'Countersign', version, decision, name]
  const labelled = [
    ['policyDigest', facts.policy],
    ['request', facts.request],
    [
      'reviewers',
      reviews.map(({ reviewer, verdict, by }) => `${reviewer} ${verdict} ${by}`).join('; '),
    ],
    ['routes', facts.routes.join('; ')],
    ['rules', facts.rules.join('; ')],
    ['log', header.origin],
  ].flatMap(([label = '', value = ''], i): [string, string][] =>
    value === ''
      ? []
      : [
          [`cs${i + 1}Label`, label],
          [`cs${i + 1}`, value],
        ],
  )
  const shown = [...facts.shown].filter(([, value]) => value !== '')
  const fields: (readonly [string, string])[] = [
    ['rt', String(Date.parse(facts.time))],
    ['externalId', facts.id],
    ['act', decision],
    ['outcome', word.action[1]],
    ['cat', facts.stage],
    ['sourceServiceName', actorOf(facts)],
    ['suser', isNamed(principal) ? principal : ''],
    ['destinationServiceName', facts.service],
    ['requestMethod', facts.action],
    ['reason', facts.reason],
    ['cn1Label', 'receiptIndex'],
    ['cn1', String(facts.index)],
    ...labelled,
    ['flexString1Label', shown.length === 0 ? '' : 'shown'],
    ['flexString1', shown.map(([path, value]) => `${path}: ${value}`).join('; ')],
    ['msg', messageOf(facts)],
  ]
  const extension = fields
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}=${cefValue(value)}`)
  return `${[...head.map(cefHead), CEF_SEVERITIES[word.severity] ?? '0'].join('|')}|${extension.join(' ')}`
}

type Word = {
  readonly severity: 1 | 2 | 3 | 4
  /** OCSF's `action_id` and `disposition_id` with their captions. */
  readonly action: readonly [number, string]
  readonly disposition: readonly [number, string]
}

const ALLOWED: Word = { severity: 1, action: [1, 'Allowed'], disposition: [1, 'Allowed'] }
const MODIFIED: Word = { severity: 2, action: [4, 'Modified'], disposition: [1, 'Allowed'] }
const DENIED: Word = { severity: 3, action: [2, 'Denied'], disposition: [2, 'Blocked'] }
const HELD: Word = { severity: 2, action: [99, 'Held'], disposition: [99, 'Held'] }
const SEEN: Word = { severity: 1, action: [3, 'Observed'], disposition: [17, 'Logged'] }

const WORDS: ReadonlyMap<string, Word> = new Map([
  ['allow', ALLOWED],
  ['redact', MODIFIED],
  ['hold', HELD],
  ['deny', DENIED],
  ['APPROVED', ALLOWED],
  ['APPROVED_WITH_MODIFICATIONS', MODIFIED],
  ['REJECTED', DENIED],
  ['EXPIRED', { ...DENIED, severity: 2 }],
])

/** OCSF's captions of `severity_id`, and CEF's number from 0 to 10 for each. */
const SEVERITIES: Readonly<Record<number, string>> = {
  1: 'Informational',
  2: 'Low',
  3: 'Medium',
  4: 'High',
}
const CEF_SEVERITIES: Readonly<Record<number, string>> = { 1: '1', 2: '3', 3: '6', 4: '8' }

function wordOf({ decision, tool, stage, reviews }: ExportFacts): Word | null {
  // A step of a delivery calls no tool.
  if (tool === '' && stage !== 'custody') return null
  const word = stage === 'execution' ? SEEN : (WORDS.get(decision) ?? SEEN)
  return reviews.some(({ breakGlass }) => breakGlass) ? { ...word, severity: 4 } : word
}

function messageOf(facts: ExportFacts): string {
  const { stage, decision, tool, rules, reason } = facts
  const why = reason !== '' ? reason : rules.join(', ')
  const what = `${stage} ${decision}: ${actorOf(facts)}`
  return `${what}${tool === '' ? '' : ` ${tool}`}${why === '' ? '' : ` (${why})`}`
}

/** The agent; of steps that are the engine's own, the engine. */
function actorOf({ agent }: ExportFacts): string {
  return agent === '' ? 'Countersign' : agent
}

function isNamed(principal: string): boolean {
  return principal !== '' && principal !== '(committed)'
}

function enrichment(review: ExportFacts['reviews'][number]): JsonObject {
  const { reviewer, verdict, assurance, by, breakGlass } = review
  const data = { verdict, assurance, by, break_glass: breakGlass }
  return { name: 'reviewer', value: reviewer, data }
}

function unmappedOf(facts: ExportFacts): JsonObject {
  const { index, project, role, request, heldAt, routes, rules, grant, audience, shown } = facts
  const members: [string, JsonValue][] = [
    ['receipt_index', index],
    ['project', project],
    ['role', role],
    ['request', request],
    ['held_at', heldAt],
    ['routes', routes],
    ['rules', rules],
    ['grant', grant],
    ['audience', audience],
    ['shown', Object.fromEntries([...shown].filter(([, value]) => value !== ''))],
  ]
  return Object.fromEntries(members.filter(([, value]) => !isEmpty(value)))
}

function isEmpty(value: JsonValue): boolean {
  if (value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** Within the bar-separated head, `\` and `|` are escaped; there are no line breaks. */
function cefHead(text: string): string {
  return plainLine(text, CEF_LENGTH_MAX).replaceAll('\\', '\\\\').replaceAll('|', '\\|')
}

/** Within the extension, `\` and `=` are escaped and line breaks are written as `\n` and `\r`. */
function cefValue(text: string): string {
  return text
    .split(/([\r\n])/)
    .map((part) => {
      if (part === '\n') return '\\n'
      if (part === '\r') return '\\r'
      return plainLine(part, CEF_LENGTH_MAX).replaceAll('\\', '\\\\').replaceAll('=', '\\=')
    })
    .join('')
}

const CEF_LENGTH_MAX = 1_023
