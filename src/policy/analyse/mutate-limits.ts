import type { CompiledRule, FieldTest } from '../../model/generated/types.ts'
import { kindComparator } from './diff-kinds.ts'

type Spec = CompiledRule['spec']

/** A field test that holds where the other does not, or null where no operator says that. */
export function negatedTest(
  test: FieldTest,
): { readonly test: FieldTest; readonly change: string } | null {
  for (const [operator, opposite] of OPPOSITES) {
    if (!Object.hasOwn(test, operator)) continue
    const { [operator]: value, ...rest } = test
    return { test: { ...rest, [opposite]: value }, change: `${operator} became ${opposite}` }
  }
  if (test.above !== undefined) {
    const { above, ...rest } = test
    return { test: { ...rest, below: nextUp(above) }, change: `above ${above} became not above` }
  }
  if (test.below !== undefined) {
    const { below, ...rest } = test
    return { test: { ...rest, above: -nextUp(-below) }, change: `below ${below} became not below` }
  }
  return null
}

const PAIRS = [
  ['equals', 'not_equals'],
  ['one_of', 'none_of'],
  ['matches', 'not_matches'],
] as const
const OPPOSITES: readonly (readonly [keyof FieldTest, keyof FieldTest])[] = PAIRS.flatMap(
  ([a, b]) => [
    [a, b],
    [b, a],
  ],
)

/** The least double above a number. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

/** A field test whose threshold is one step further off. */
export function weakerTest(
  test: FieldTest,
): { readonly key: string; readonly test: FieldTest; readonly change: string }[] {
  return (['above', 'below', 'longer_than'] as const).flatMap((key) => {
    const value = test[key]
    if (value === undefined) return []
    const to = stepped(value, key === 'below' ? 'down' : 'up')
    return [{ key, test: { ...test, [key]: to }, change: `${key}: ${value} became ${to}` }]
  })
}

/** Settings of a kind with one number a step weaker, whichever way that is. */
export function weakerNumbers(
  kind: string,
  spec: Spec,
): { readonly pointer: string; readonly change: string; readonly spec: Spec }[] {
  return [...numbersOf(spec, []), ...moneyOf(kind, spec)].map(({ path, value }) => {
    const name = kind === 'pattern' ? path.join('.') : `${kind}.${path.join('.')}`
    const to = weakerNumber(kind, spec, { path, value })
    return {
      pointer: `/${path.join('/')}`,
      change: `${name}: ${value} became ${to}`,
      spec: withNumber(spec, path, to),
    }
  })
}

/**
 * What `diff` calls weaker. A number of which that says nothing is taken for a limit, which is weaker when higher, unless
 * its name says that what lies below is found.
 */
function weakerNumber(kind: string, spec: Spec, { path, value }: Leaf): number {
  const [up, down] = [stepped(value, 'up'), stepped(value, 'down')]
  const isWeaker = (to: number): boolean =>
    kindComparator(kind)
      .compare(spec, withNumber(spec, path, to))
      .some(({ direction }) => direction === 'weaker')
  if (isWeaker(down) !== isWeaker(up)) return isWeaker(down) ? down : up
  return path.some((key) => key.startsWith('below')) ? down : up
}

/** The limit of a cost rule is decimal text where it is money. */
function moneyOf(kind: string, spec: Spec): Leaf[] {
  if (kind !== 'cost' || typeof spec['limit'] !== 'object') return []
  const { amount } = spec['limit'] as { readonly amount?: unknown }
  return typeof amount === 'string' ? [{ path: ['limit', 'amount'], value: Number(amount) }] : []
}

type Leaf = { readonly path: readonly string[]; readonly value: number }

const DEPTH_MAX = 4

const COMPARED: ReadonlySet<string> = new Set(['equals', 'not_equals'])

/** Numbers of the settings by name; those in lists are data, not bounds. */
function numbersOf(value: unknown, path: readonly string[]): Leaf[] {
  if (typeof value === 'number') return [{ path, value }]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  if (path.length >= DEPTH_MAX) return []
  return Object.entries(value).flatMap(([key, child]) =>
    // What a field is compared with is no bound: `equals: 3`.
    COMPARED.has(key) ? [] : numbersOf(child, [...path, key]),
  )
}

function withNumber(spec: Spec, [key = '', ...rest]: readonly string[], to: number): Spec {
  const before = spec[key]
  if (rest.length > 0) return { ...spec, [key]: withNumber(before as Spec, rest, to) }
  return { ...spec, [key]: typeof before === 'string' ? String(to) : to }
}

/** One unit of the last digit that the author wrote, so that a test at the boundary tells them apart. */
function stepped(value: number, way: 'up' | 'down'): number {
  const digits = /\.([0-9]+)$/.exec(String(value))?.[1]?.length ?? 0
  const scale = 10 ** digits
  const step = Number.isInteger(value) || digits === 0 ? 1 : 1 / scale
  const to = value + (way === 'up' ? step : -step)
  return digits === 0 ? to : Math.round(to * scale) / scale
}
