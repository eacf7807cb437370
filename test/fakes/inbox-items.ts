import type { Request } from '../../src/model/generated/types.ts'
import type { OpenedRequest, WaitingRequest } from '../../src/model/inbox.ts'
import { newInbox } from '../../src/shells/cli/inbox/state.ts'

/** 2026-01-01, noon. */
export const NOON = Date.UTC(2026, 0, 1, 12)

export type ItemChanges = Partial<Request> & {
  readonly missing?: WaitingRequest['missing']
  readonly obstacle?: string
}

export function requestOf(name: string, changes: Partial<Request> = {}): Request {
  return {
    apiVersion: 'countersign/v1',
    kind: 'Request',
    id: `req_${name.padEnd(26, '0')}`,
    decision: 'dec_1',
    root: `sha256:${'ab12'.repeat(16)}`,
    policy: `sha256:${'cd34'.repeat(16)}`,
    project: 'shop',
    agent: 'clerk',
    role: 'agent',
    service: 'shop',
    action: 'refund',
    priority: 'medium',
    routes: [
      {
        id: 'payments',
        quorum: 2,
        reviewers: ['ana', 'bo'],
        signature: 'signed',
        expires_at: '2026-01-01T13:00:00.000Z',
      },
    ],
    findings: [
      {
        ...{ rule: 'refunds/any', kind: 'velocity', verdict: 'hold', mode: 'enforce' },
        ...{ message: 'A person looks at every refund.', evidence: { seen: 3, limit: 2 } },
        ...{ file: 'policies/guardrails/refunds.yaml', line: 8, column: 5, route: 'payments' },
      },
    ],
    obligations: [],
    fields: [
      { pointer: '/payload/amount', shown: 'clear', value: 900 },
      { pointer: '/payload/to', shown: 'masked', type: 'string' },
    ],
    nonce: '0'.repeat(32),
    created_at: '2026-01-01T11:00:00.000Z',
    expires_at: '2026-01-01T13:00:00.000Z',
    ...changes,
  }
}

export function itemOf(name: string, changes: ItemChanges = {}): WaitingRequest {
  const { missing = [{ route: 'payments', need: 2 }], obstacle = '', ...request } = changes
  return {
    found: {
      request: requestOf(name, request),
      heldAt: 1,
      pull: 7,
      resolution: null,
      published: false,
    },
    where: 'https://github.com/acme/approvals/pull/7',
    missing,
    obstacle,
  }
}

export const PAYLOAD = { amount: 900, to: 'customer-7' } as const

export function openedOf(
  { found, where }: WaitingRequest,
  changes: Partial<OpenedRequest> = {},
): OpenedRequest {
  return {
    ...{ found, where, masked: '', reviews: [], members: [] },
    clear: { payload: { ...PAYLOAD }, context: {} },
    ...changes,
  }
}

export function inboxOf(size = { rows: 24, columns: 80 }) {
  return newInbox({
    size,
    now: NOON,
    reviewer: { person: 'ana', proof: 'SHA256:abc' },
    said: null,
  })
}
