import type { JsonObject } from '../base/json-value.ts'
import type { RequestRecord } from '../model/ports.ts'
import { findingLines } from './outcome.ts'
import { type Paint, visible } from './paint.ts'

/** A request as programs read it. */
export function requestDocument({ request, pull, resolution }: RequestRecord): object {
  return {
    id: request.id,
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

/** One line a request. */
export function requestRowsText(found: readonly RequestRecord[], paint: Paint): string {
  if (found.length === 0) return 'no requests'
  return found.map((record) => rowText(record, paint)).join('\n')
}

/** A request in full; payload and context only when the person may see them. */
export function requestText(
  shown: {
    readonly found: RequestRecord
    readonly payload?: JsonObject
    readonly context?: JsonObject
  },
  paint: Paint,
): string {
  const { request } = shown.found
  const lines = [
    rowText(shown.found, paint),
    `  decision ${request.decision}, policy ${request.policy}`,
    `  root ${request.root}`,
    ...(request.principal === undefined ? [] : [`  on behalf of ${visible(request.principal)}`]),
    ...request.routes.map(
      ({ id, quorum, reviewers, expires_at }) =>
        `  route ${id}: ${quorum} of ${reviewers.join(', ')} until ${expires_at}`,
    ),
    ...request.findings.flatMap((finding) => findingLines(finding, paint)),
    ...(shown.payload === undefined
      ? maskedLines(shown.found)
      : clearLines('payload', shown.payload)),
    ...(shown.context === undefined ? [] : clearLines('context', shown.context)),
  ]
  return lines.join('\n')
}

function rowText({ request, pull, resolution }: RequestRecord, paint: Paint): string {
  const state = resolution?.decision ?? 'PENDING'
  const painted =
    state === 'PENDING'
      ? paint.yellow(state)
      : state.startsWith('APPROVED')
        ? paint.green(state)
        : paint.red(state)
  const what = `${visible(request.service)}.${visible(request.action)} for ${request.agent}, ${request.priority}`
  const why = resolution === null ? `until ${request.expires_at}` : visible(resolution.reason)
  return `${request.id}  ${painted}  ${what}  ${paint.dim(`#${pull ?? '-'}`)}  ${why}`
}

function maskedLines({ request }: RequestRecord): string[] {
  return request.fields.map(({ pointer, shown, value, type }) =>
    shown === 'clear'
      ? `  ${visible(pointer)}: ${visible(JSON.stringify(value))}`
      : `  ${visible(pointer)}: (${type})`,
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
