/** The rules of the benchmark as data: the YAML that we compile and the Rego of the peer are both printed from them. */

/** `shared` rules are about every action; each other rule is about one tool of its own. */
export type BenchRule = {
  readonly id: string
  readonly verdict: 'hold' | 'deny'
  readonly on: BenchTool | null
  readonly test: BenchTest
}

export type BenchTool = { readonly service: string; readonly action: string }

export type BenchTest =
  | { readonly kind: 'above'; readonly path: string; readonly bound: number }
  | { readonly kind: 'longer_than'; readonly path: string; readonly bound: number }
  | { readonly kind: 'matches'; readonly path: string; readonly pattern: string }
  | { readonly kind: 'one_of'; readonly path: string; readonly values: readonly string[] }
  /** Printed as a rule without a kind, with the test under `when`. */
  | { readonly kind: 'every_none_of'; readonly path: string; readonly values: readonly string[] }
  | { readonly kind: 'velocity'; readonly limit: number; readonly per: string }

/** What the payload of a tool looks like; the tool's rule reads a field of it. */
export type Shape = 'payment' | 'query' | 'message' | 'deploy'

export const SHAPES: readonly Shape[] = ['payment', 'query', 'message', 'deploy']
export const AMOUNT_MAX = 500
export const NOTE_LENGTH_MAX = 400
export const REGIONS: readonly string[] = ['eu-west-1', 'eu-central-1', 'us-east-1']
export const CHANNELS_BARRED: readonly string[] = ['unattended', 'replayed']
export const ATTEMPTS_MAX = 5
export const PATTERNS: readonly string[] = [
  '(?i)\\b(drop|truncate)\\s+table\\b',
  '(?i)\\bdelete\\s+from\\s+(users|accounts)\\b',
  '(?i)\\bgrant\\s+all\\b',
  '(?i)\\bunion\\s+select\\b',
]

/** A hundred tools a service, so that ten thousand rules name a hundred services. */
export function toolAt(index: number): BenchTool {
  const service = `service-${String(Math.floor(index / TOOLS_PER_SERVICE)).padStart(2, '0')}`
  return { service, action: `act_${String(index % TOOLS_PER_SERVICE).padStart(2, '0')}` }
}

export function shapeAt(index: number): Shape {
  return SHAPES[index % SHAPES.length]!
}

/** Tools that no rule names: the project's default speaks about them. */
export const UNRULED: readonly BenchTool[] = ['read_balance', 'read_order', 'read_user'].map(
  (action) => ({ service: 'reading', action }),
)

/** `count` rules in all. From 100 on, two of them are about every action. */
export function rulesOf(count: number): readonly BenchRule[] {
  const shared = count >= 100 ? SHARED : []
  const own = Array.from({ length: count - shared.length }, (_, index) => ruleAt(index))
  return [...shared, ...own]
}

const TOOLS_PER_SERVICE = 100

const SHARED: readonly BenchRule[] = [
  {
    id: 'shared/note-too-long',
    verdict: 'hold',
    on: null,
    test: { kind: 'longer_than', path: 'payload.note', bound: NOTE_LENGTH_MAX },
  },
  {
    id: 'shared/channel-barred',
    verdict: 'deny',
    on: null,
    test: { kind: 'one_of', path: 'context.channel', values: CHANNELS_BARRED },
  },
]

function ruleAt(index: number): BenchRule {
  const on = toolAt(index)
  const shape = shapeAt(index)
  const id = `${shape}/tool-${String(index).padStart(5, '0')}`
  switch (shape) {
    case 'payment':
      return {
        id,
        verdict: 'hold',
        on,
        test: { kind: 'above', path: 'payload.amount', bound: AMOUNT_MAX },
      }
    case 'query': {
      const pattern = PATTERNS[Math.floor(index / SHAPES.length) % PATTERNS.length]!
      return {
        id,
        verdict: 'deny',
        on,
        test: { kind: 'matches', path: 'payload.command', pattern },
      }
    }
    case 'message':
      return {
        id,
        verdict: 'hold',
        on,
        test: { kind: 'velocity', limit: ATTEMPTS_MAX, per: '10m' },
      }
    case 'deploy':
      return {
        id,
        verdict: 'deny',
        on,
        test: { kind: 'every_none_of', path: 'payload.region', values: REGIONS },
      }
  }
}
