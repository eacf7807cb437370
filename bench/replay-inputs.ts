import type { JsonObject } from '../src/base/json-value.ts'
import { type Random, seeded } from './random.ts'

type Step = { readonly service: string; readonly action: string; readonly payload: JsonObject }
type Session = { readonly session: string; readonly agent: string; readonly steps: readonly Step[] }

const SEED = 20_260_101
const AGENTS = ['retail-tc', 'retail-tcpre', 'retail-assertA', 'retail-assertB']
const STEPS_MIN = 4
const STEPS_SPREAD = 17

/** What a support agent of the retail example does, session by session; the same on every machine. */
export function retailSessions(actions: number): readonly Session[] {
  const random = seeded(SEED)
  const sessions: Session[] = []
  for (let left = actions; left > 0; ) {
    const count = Math.min(left, STEPS_MIN + random.below(STEPS_SPREAD))
    sessions.push({
      session: `s-${sessions.length}`,
      agent: random.pick(AGENTS),
      steps: Array.from({ length: count }, (_, at) => stepOf(random, at)),
    })
    left -= count
  }
  return sessions
}

/** Most sessions start by finding the customer; one in twenty tool calls breaks a rule about its arguments. */
function stepOf(random: Random, at: number): Step {
  const identifies = at === 0 && random.chance(0.9)
  const action = identifies ? 'find_user_id_by_email' : random.pick(Object.keys(PAYLOADS))
  return { service: 'retail', action, payload: PAYLOADS[action]?.(random) ?? {} }
}

const PAYLOADS: Readonly<Record<string, (random: Random) => JsonObject>> = {
  find_user_id_by_email: (random) => ({ email: `customer-${random.below(1e5)}@example.com` }),
  get_user_details: (random) => ({ user_id: userOf(random) }),
  get_order_details: (random) => ({ order_id: orderOf(random) }),
  get_product_details: (random) => ({ product_id: String(random.below(1e10)) }),
  calculate: (random) => ({ expression: `${random.below(900)}.50 + ${random.below(90)} * 3` }),
  think: (random) => ({ thought: thoughtOf(random) }),
  modify_user_address: (random) => ({
    user_id: userOf(random),
    address1: `${random.below(999)} Main Street`,
    city: 'Springfield',
    zip: String(10_000 + random.below(89_999)),
  }),
  modify_pending_order_items: (random) => ({ ...itemsOf(random), new_item_ids: [itemOf(random)] }),
  cancel_pending_order: (random) => ({ order_id: orderOf(random), reason: 'no longer needed' }),
  return_delivered_order_items: itemsOf,
  exchange_delivered_order_items: (random) => ({
    ...itemsOf(random),
    new_item_ids: [itemOf(random)],
  }),
  transfer_to_human_agents: (random) => ({
    summary: random.chance(0.05)
      ? 'Paid twice with 4000 0000 0000 0002, wants one payment back.'
      : thoughtOf(random),
  }),
}

function itemsOf(random: Random): JsonObject {
  return {
    order_id: orderOf(random),
    item_ids: Array.from({ length: 1 + random.below(3) }, () => itemOf(random)),
    payment_method_id: `paypal_${1_000_000 + random.below(8_999_999)}`,
  }
}

function orderOf(random: Random): string {
  const id = 1_000_000 + random.below(8_999_999)
  return random.chance(0.05) ? String(id) : `#W${id}`
}

function itemOf(random: Random): string {
  return String(4_410_200_000 + random.below(9_999))
}

function userOf(random: Random): string {
  return `customer_${random.below(1e5)}`
}

const WORDS = ['the', 'customer', 'wants', 'two', 'shirts', 'and', 'the', 'order', 'is', 'pending']

function thoughtOf(random: Random): string {
  return Array.from({ length: 30 }, () => random.pick(WORDS)).join(' ')
}
