import { fromUtf8 } from '../../../src/base/digest.ts'
import type { DecisionReceipt } from '../../../src/model/generated/types.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf, type Opened, openTest } from '../support.ts'

// A shop whose tools can be taken back, and an engine whose clock the test moves.

const HEAD = 'apiVersion: countersign/v1\nkind: '
export const START = Date.parse('2026-03-01T10:00:00Z')

export const TOOLS = `${HEAD}Tools
service: shop
tools:
  read_order: { effect: read }
  refund: { effect: irreversible, priority: high }
  delete: { effect: irreversible, priority: critical }
  mail:
    effect: write
    private: [principal]
    undo: { action: recall, payload: { to: { from: payload.to }, text: { from: payload.text }, loud: { value: false } } }
  recall: { effect: write, private: [principal] }
  order:
    effect: write
    undo: { action: cancel, payload: { id: { from: 'result.id' } }, within: 24h }
  cancel: { effect: write }
  pay:
    effect: write
    undo: { action: unpay, payload: { amount: { from: payload.amount } } }
  unpay: { effect: write }
  open: { effect: write, undo: { action: close, payload: { door: { from: payload.door } } } }
  close: { effect: write, undo: { action: open, payload: { door: { from: payload.door } } } }
  ask: { effect: write, undo: { action: unask, payload: {} } }
  unask: { effect: write }
  note: { effect: write }
`

export const RULES = `${HEAD}Guardrails
rules:
  - { id: pay/any, on: { action: pay }, then: hold, route: payments }
  - { id: ask/back, on: { action: unask }, then: hold, route: board }
  - { id: mail/card-number, on: { action: mail, phase: call }, pattern: { path: payload.text, matches: '[0-9]{16}', if_missing: pass }, then: redact, redact: [payload.text] }
`

const AGENT = `${HEAD}Agent
agent: clerk
scopes: [{ tools: ['shop.*'] }]
`

export function rollbackBundle(changes: Readonly<Record<string, string>> = {}): Promise<Bundle> {
  return bundleOf({
    'policies/tools/shop.yaml': TOOLS,
    'policies/guardrails/refunds.yaml': RULES,
    'policies/agents/clerk.yaml': AGENT,
    ...changes,
  })
}

export type Scene = Opened & {
  readonly bundle: Bundle
  readonly wait: (ms: number) => void
  /** Has one call decided on. */
  readonly call: (
    action: string,
    payload?: Record<string, string | number>,
    more?: Record<string, unknown>,
  ) => Promise<{ decision: string; request: string; grant: string; index: number }>
  readonly receipt: (index: number) => Promise<DecisionReceipt>
  /** The last receipt. */
  readonly last: () => Promise<DecisionReceipt>
}

export async function openScene(
  options: NonNullable<Parameters<typeof openTest>[0]> & {
    readonly files?: Readonly<Record<string, string>>
  } = {},
): Promise<Scene> {
  let now = START
  const bundle = options.bundle ?? (await rollbackBundle(options.files))
  const opened = await openTest({ clock: () => now, ...options, bundle })
  const { engine, parts } = opened
  const receipt = async (index: number) => {
    const [bytes = new Uint8Array()] = await parts.store.receipts(index, 1)
    return JSON.parse(fromUtf8(bytes)) as DecisionReceipt
  }
  return {
    ...opened,
    bundle,
    wait: (ms) => {
      now += ms
    },
    call: async (action, payload = {}, more = {}) => {
      const asked = { agent: 'clerk', service: 'shop', action, payload, ...more }
      const { decision, request, grant = '', receipt: at } = await engine.decide(asked)
      return { decision, request: request?.id ?? '', grant, index: at.index }
    },
    receipt,
    last: async () => receipt((await parts.store.size()) - 1),
  }
}
