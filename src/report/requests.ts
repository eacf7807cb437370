import type { JsonObject } from '../base/json-value.ts'
import { plainLine } from '../base/plain-text.ts'
import type { RequestRecord } from '../model/ports.ts'
import { findingLines } from './outcome.ts'
import { type Paint, visible } from './paint.ts'

/** A request as a list shows it: a batch with its requests. */
type Listed = RequestRecord & { readonly members?: readonly RequestRecord[] }

/** A request as programs read it. */
export function requestDocument({ request, pull, resolution, batch, members }: Listed): object {
  return {
    id: request.id,
    ...(batch === undefined ? {} : { batch }),
    ...(members === undefined ? {} : { members: members.map((one) => requestDocument(one)) }),
    state: resolution?.decision ?? 'PENDING',
    agent: request.agent,
    service: request.service,
    action: request.action,
    priority: request.priority,
    routes: request.routes.map(({ id, quorum, reviewers }) => ({ id, quorum, reviewers })),
    created_at: request.created_at,
    expires_at: request.expires_at,
    pull,
    ...(resolution === null
      ? {}
      : {
          reason: resolution.reason,
          by: resolution.by,
          resolved_at: new Date(resolution.resolvedAt).toISOString(),
          receipt: resolution.receiptIndex,
        }),
  }
}

/** One line a request; those of a batch below it. */
export function requestRowsText(found: readonly Listed[], paint: Paint): string {
  if (found.length === 0) return 'no requests'
  const rows = found.flatMap((record) => [
    rowText(record, paint),
    ...(record.members ?? []).map((member) => `  ${rowText(member, paint)}`),
  ])
  return rows.join('\n')
}

/** A request in full; payload and context only when the person may see them. */
export function requestText(
  shown: {
    readonly found: Listed
    readonly payload?: JsonObject
    readonly context?: JsonObject
    /** Of a batch, instead of its own. */
    readonly members?: readonly ClearRequest[]
  },
  paint: Paint,
): string {
  const { request } = shown.found
  const lines = [
    rowText(shown.found, paint),
    `  decision ${request.decision}, policy ${request.policy}`,
    `  root ${request.root}`,
    ...(request.principal === undefined ? [] : [`  on behalf of ${oneLine(request.principal)}`]),
    ...request.routes.map(
      ({ id, quorum, reviewers, expires_at }) =>
        `  route ${id}: ${quorum} of ${reviewers.join(', ')} until ${expires_at}`,
    ),
    ...request.findings.flatMap((finding) => findingLines(finding, paint)),
    ...(shown.found.members ?? []).flatMap((member) => memberLines(member, shown.members, paint)),
    ...(shown.payload === undefined
      ? maskedLines(shown.found)
      : clearLines('payload', shown.payload)),
    ...(shown.context === undefined ? [] : clearLines('context', shown.context)),
  ]
  return lines.join('\n')
}

/** A request with its clear action. */
type ClearRequest = {
  readonly found: RequestRecord
  readonly payload: JsonObject
  readonly context: JsonObject
}

/** One request of a batch: what is its own. */
function memberLines(
  member: RequestRecord,
  shown: readonly ClearRequest[] | undefined,
  paint: Paint,
): string[] {
  const { request } = member
  const clear = shown?.find(({ found }) => found.request.id === request.id)
  return [
    `  ${rowText(member, paint)}`,
    `  decision ${request.decision}, root ${request.root}`,
    ...request.findings.flatMap((finding) => findingLines(finding, paint)),
    ...(clear === undefined ? maskedLines(member) : clearLines('payload', clear.payload)),
    ...(clear === undefined ? [] : clearLines('context', clear.context)),
  ]
}

function rowText({ request, pull, resolution }: RequestRecord, paint: Paint): string {
  const state = resolution?.decision ?? 'PENDING'
  const painted =
    state === 'PENDING'
      ? paint.yellow(state)
      : state.startsWith('APPROVED')
        ? paint.green(state)
        : paint.red(state)
  const times = request.members === undefined ? '' : ` (${request.members.length} times)`
  const what = `${oneLine(request.service)}.${oneLine(request.action)}${times} for ${request.agent}, ${request.priority}`
  const why = resolution === null ? `until ${request.expires_at}` : oneLine(resolution.reason)
  return `${request.id}  ${painted}  ${what}  ${paint.dim(`#${pull ?? '-'}`)}  ${why}`
}

function maskedLines({ request }: RequestRecord): string[] {
  return request.fields.map(({ pointer, shown, value, type }) =>
    shown === 'clear'
      ? `  ${oneLine(pointer)}: ${visible(JSON.stringify(value))}`
      : `  ${oneLine(pointer)}: (${type})`,
  )
}

function clearLines(name: string, value: JsonObject): string[] {
  return [
    `  ${name}:`,
    ...JSON.stringify(value, null, 2)
      .split('\n')
      .map((line) => `    ${visible(line)}`),
  ]
}

/** Words of an agent or a reviewer, in which a line feed would begin a line that nobody wrote. */
function oneLine(text: string): string {
  return plainLine(text, text.length)
}
