/**
 * Makes the recorded sessions of the retail example: what a support agent did in two halves of a month, and what
 * attacks on it look like. Seeded, so that the files can be compared: `--check` does so instead of writing.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Random, seeded } from '../bench/random.ts'

type Step = { readonly service: string; readonly action: string; readonly args_digest: string }

const AGENT = 'retail-tc'
const SESSIONS_PER_HALF = 120
const folder = join(import.meta.dirname, '..', 'examples', 'retail-agent', 'sessions')

/** The three files by name. */
export function retailSessions(): ReadonlyMap<string, string> {
  const random = seeded(20_261_121)
  const normal = Array.from({ length: 2 * SESSIONS_PER_HALF }, (_, i) => ({
    session: `day-${String(i + 1).padStart(3, '0')}`,
    steps: customer(random),
  }))
  const attacks = normal.slice(SESSIONS_PER_HALF).flatMap(({ session, steps }, i) => {
    const attack = ATTACKS[i % ATTACKS.length]
    if (attack === undefined || steps.length < 4) return []
    return [{ session: `${session}-${attack.name}`, steps: attack.of(steps, random) }]
  })
  return new Map([
    ['first-half.jsonl', lines(normal.slice(0, SESSIONS_PER_HALF))],
    ['second-half.jsonl', lines(normal.slice(SESSIONS_PER_HALF))],
    ['attacks.jsonl', lines(attacks)],
  ])
}

function lines(
  sessions: readonly { readonly session: string; readonly steps: readonly Step[] }[],
): string {
  return sessions
    .map(({ session, steps }) => `${JSON.stringify({ session, agent: AGENT, steps })}\n`)
    .join('')
}

/** One customer: found, looked up, and helped with one thing or two. */
function customer(random: Random): readonly Step[] {
  const steps: Step[] = []
  const call = (action: string): void => {
    steps.push(step(action, random))
  }
  if (random.chance(0.7)) call('find_user_id_by_email')
  else {
    if (random.chance(0.1)) call('find_user_id_by_email')
    call('find_user_id_by_name_zip')
  }
  call('get_user_details')
  const wishes = random.chance(0.25) ? 2 : 1
  for (let wish = 0; wish < wishes; wish++) random.pick(WISHES)(call, random)
  if (random.chance(0.08)) call('transfer_to_human_agents')
  return steps
}

type Wish = (call: (action: string) => void, random: Random) => void

const readOrders: Wish = (call, random) => {
  for (let order = 0; order <= random.below(3); order++) call('get_order_details')
}

const WISHES: readonly Wish[] = [
  (call, random) => {
    readOrders(call, random)
    if (random.chance(0.3)) call('calculate')
    call('return_delivered_order_items')
  },
  (call, random) => {
    readOrders(call, random)
    for (let product = 0; product <= random.below(2); product++) call('get_product_details')
    if (random.chance(0.4)) call('calculate')
    call('exchange_delivered_order_items')
  },
  (call, random) => {
    readOrders(call, random)
    call('cancel_pending_order')
  },
  (call, random) => {
    readOrders(call, random)
    call('get_product_details')
    if (random.chance(0.5)) call('think')
    call('modify_pending_order_items')
  },
  (call, random) => {
    readOrders(call, random)
    call('modify_pending_order_address')
    if (random.chance(0.3)) call('modify_user_address')
  },
  (call, random) => {
    if (random.chance(0.5)) call('list_all_product_types')
    call('get_product_details')
  },
]

type Attack = { readonly name: string; of(steps: readonly Step[], random: Random): readonly Step[] }

const ATTACKS: readonly Attack[] = [
  {
    name: 'loop',
    of: (steps) => [
      ...steps.slice(0, 3),
      ...Array<Step>(6).fill(steps[2] as Step),
      ...steps.slice(3),
    ],
  },
  {
    name: 'jump',
    of: (_, random) => [step('cancel_pending_order', random), step('cancel_pending_order', random)],
  },
  {
    name: 'foreign',
    of: (steps, random) => [
      ...steps.slice(0, 3),
      { ...step('send_email', random), service: 'mail' },
      ...steps.slice(3),
    ],
  },
  { name: 'reversed', of: (steps) => [...steps].reverse() },
  {
    name: 'cycle',
    of: (steps, random) => [
      ...steps.slice(0, 2),
      ...Array.from({ length: 10 }, (_, i) =>
        step(i % 2 === 0 ? 'find_user_id_by_name_zip' : 'get_user_details', random),
      ),
    ],
  },
]

function step(action: string, random: Random): Step {
  const digest = random
    .below(2 ** 32)
    .toString(16)
    .padStart(8, '0')
  return { service: 'retail', action, args_digest: digest }
}

if (import.meta.main) {
  let stale = 0
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of retailSessions()) {
    const file = join(folder, name)
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    stale += 1
    if (process.argv.includes('--check')) console.error(`${file} is stale: npm run generate`)
    else writeFileSync(file, text)
  }
  if (stale > 0 && process.argv.includes('--check')) process.exitCode = 1
  console.log(`${dirname(folder)}: ${stale} changed`)
}
