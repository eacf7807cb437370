import type { JsonObject } from '../src/base/json-value.ts'
import { AGENTS } from './policy-files.ts'
import { type Random, seeded } from './random.ts'
import {
  AMOUNT_MAX,
  type BenchTool,
  CHANNELS_BARRED,
  NOTE_LENGTH_MAX,
  REGIONS,
  rulesOf,
  SHAPES,
  type Shape,
  shapeAt,
  UNRULED,
} from './rules.ts'

/** One action, as an agent sends it, and what the peer is told beside it. */
export type BenchInput = {
  readonly action: JsonObject & {
    readonly service: string
    readonly action: string
    readonly agent: string
  }
  /** Milliseconds after the start of one pass over all inputs. */
  readonly at: number
  /** Attempts of this agent at this tool for this user within the pass, this one included. */
  readonly attempts: number
}

/** How tools are drawn: `usual` has few favourites and many rare ones (Zipf), `spread` draws all alike. */
export type Spread = 'usual' | 'spread'

/** A pass lasts less than the velocity rules' ten minutes, and the next one starts later than that. */
export const SPACING_MS = 50
export const PASS_MS = 60 * 60 * 1000

/** Of `spread` there are more than an engine remembers selections for, so that none of them is remembered. */
export const INPUTS: Readonly<Record<Spread, number>> = { usual: 4_096, spread: 8_192 }

/** Actions about the tools of a policy of `rules` rules, one in ten about a tool without a rule; seeded. */
export function benchInputs(
  rules: number,
  count?: number,
  spread: Spread = 'usual',
): readonly BenchInput[] {
  const random = seeded(0x5eed + rules)
  const draws = SHAPES.flatMap((shape) => drawer(toolsOf(rules, shape, random), spread, random))
  const draw = () => random.pick(draws)()
  const attempts = new Map<string, number>()
  return Array.from({ length: count ?? INPUTS[spread] }, (_, index) => {
    const { tool, shape } = random.chance(0.1)
      ? { tool: random.pick(UNRULED), shape: random.pick(SHAPES) }
      : draw()
    const action = actionOf(tool, shape, random)
    const key = JSON.stringify([
      action.service,
      action.action,
      action.agent,
      action['payload']['user_id'],
    ])
    const attempt = (attempts.get(key) ?? 0) + 1
    attempts.set(key, attempt)
    return { action, at: index * SPACING_MS, attempts: attempt }
  })
}

/** The document that the peer reads, of the form that a Rego package of ours reads. */
export function peerInput({ action, at, attempts }: BenchInput, start: number): JsonObject {
  return {
    action: { project: 'bench', role: 'agent', fingerprint: null, effect: 'write', ...action },
    state: { attempts },
    now: new Date(start + at).toISOString(),
  }
}

type ToolAndShape = { readonly tool: BenchTool; readonly shape: Shape }

function toolsOf(rules: number, shape: Shape, random: Random): readonly ToolAndShape[] {
  const tools = rulesOf(rules)
    .flatMap(({ on }) => (on === null ? [] : [on]))
    .map((tool, index) => ({ tool, shape: shapeAt(index) }))
    .filter((one) => one.shape === shape)
  // Shuffled, so that the favourites are of many services.
  for (let last = tools.length - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[tools[last], tools[other]] = [tools[other]!, tools[last]!]
  }
  return tools
}

/** Every shape has the same share of the actions, however many rules there are: the mix of rule kinds stays. */
function drawer(
  tools: readonly ToolAndShape[],
  spread: Spread,
  random: Random,
): readonly (() => ToolAndShape)[] {
  if (tools.length === 0) return []
  const rank = spread === 'usual' ? zipf(tools.length, random) : () => random.below(tools.length)
  return [() => tools[rank()]!]
}

/** Draws a rank with a chance that falls as 1/rank. */
function zipf(count: number, random: Random): () => number {
  const sums: number[] = []
  let sum = 0
  for (let rank = 1; rank <= count; rank++) {
    sum += 1 / rank
    sums.push(sum)
  }
  return () => {
    const wanted = random.next() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

function actionOf({ service, action }: BenchTool, shape: Shape, random: Random) {
  const session = `run-${random.below(1e9).toString(36)}`
  return {
    agent: random.pick(AGENTS),
    session,
    principal: `user-${random.below(500)}@example.com`,
    service,
    action,
    payload: {
      user_id: `u${random.below(25)}`,
      note: noteOf(random),
      ...PAYLOADS[shape](random),
    },
    context: {
      channel: random.chance(0.01)
        ? random.pick(CHANNELS_BARRED)
        : random.pick(['chat', 'mail', 'api']),
      trace: random.below(2 ** 32).toString(16),
      turn: random.below(40),
    },
    priority: random.pick(['low', 'medium', 'high']),
  }
}

const PAYLOADS: Readonly<Record<Shape, (random: Random) => JsonObject>> = {
  payment: (random) => ({
    amount: random.chance(0.05) ? AMOUNT_MAX + 1 + random.below(700) : 1 + random.below(AMOUNT_MAX),
    currency: random.pick(['EUR', 'USD', 'GBP']),
    items: itemsOf(random),
  }),
  query: (random) => ({
    command: random.chance(0.05)
      ? random.pick([
          'DROP TABLE orders',
          'delete from users',
          'GRANT ALL on orders to x',
          'x UNION SELECT y',
        ])
      : `SELECT id, total FROM orders WHERE customer = ${random.below(1e6)} AND state = 'open' LIMIT 50`,
    database: 'orders',
    read_only: random.chance(0.5),
  }),
  message: (random) => ({
    to: [`person${random.below(1000)}@example.com`],
    subject: `Your order ${random.below(1e6)} is on its way`,
    attachments: [{ name: `invoice-${random.below(1e6)}.pdf`, bytes: random.below(1e6) }],
  }),
  deploy: (random) => ({
    region: random.chance(0.05) ? 'ap-south-2' : random.pick(REGIONS),
    image: `registry.example.com/shop/web:${random.below(1e6)}`,
    replicas: 1 + random.below(8),
    labels: { team: 'shop', tier: 'web', stage: random.pick(['test', 'live']) },
  }),
}

function itemsOf(random: Random): JsonObject[] {
  return Array.from({ length: 3 }, () => ({
    id: `sku-${random.below(1e5)}`,
    quantity: random.chance(0.01) ? 41 : 1 + random.below(9),
  }))
}

const WORDS = [
  'the',
  'customer',
  'asked',
  'for',
  'a',
  'refund',
  'after',
  'delivery',
  'was',
  'late',
  'again',
  'today',
]

function noteOf(random: Random): string {
  const words = Array.from({ length: 22 }, () => random.pick(WORDS)).join(' ')
  if (random.chance(0.01)) return words.padEnd(NOTE_LENGTH_MAX + 1, '.')
  return random.chance(0.01) ? `Internal only: ${words}` : words
}
