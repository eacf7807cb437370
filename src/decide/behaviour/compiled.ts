import { PolicyError } from '../../base/errors.ts'
import type { CompiledBaseline } from './baseline.ts'
import { CHANNELS } from './channels.ts'
import { NODES_MAX, SAMPLE_MAX } from './limits.ts'
import { isNode } from './node.ts'
import type { TableName } from './snapshot.ts'
import { NODE_COLUMNS, rowsMax, TABLES } from './snapshot.ts'

/**
 * Reads a compiled baseline, as a bundle holds it.
 *
 * @param text - JSON. The platform's own parser reads it, which is several times as fast on long tables as ours: nothing
 *   but the members of a known name and type is looked at
 * @throws {PolicyError} BASELINE_INVALID when it is no compiled baseline
 */
export function parseCompiledBaseline(text: string): CompiledBaseline {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid('JSON', cause)
  }
  const snapshot = member(value, 'snapshot')
  const calibration = member(value, 'calibration')
  const tails = member(calibration, 'tails')
  const rate = member(value, 'rate')
  const halfLife = member(value, 'half_life')
  const nodes = member(snapshot, 'nodes')
  if (!isNodeList(nodes)) throw invalid(`at most ${NODES_MAX} calls, sorted`)
  if (typeof rate !== 'number' || !(rate > 0 && rate < 1)) throw invalid('a rate between 0 and 1')
  if (halfLife !== null && !(isCount(halfLife) && halfLife > 0)) {
    throw invalid('a half-life of at least one session, or null')
  }
  const sessions = count(snapshot, 'sessions')
  const tables = Object.fromEntries(
    (Object.keys(TABLES) as TableName[]).map((name) => [
      name,
      table(member(snapshot, name), name, nodes.length + 2),
    ]),
  ) as Record<TableName, readonly number[]>
  for (let i = 4; i < tables.paths.length; i += TABLES.paths.columns) {
    if ((tables.paths[i] ?? 0) > sessions) throw invalid('paths of known sessions')
  }
  return {
    snapshot: { sessions, calls: count(snapshot, 'calls'), nodes, ...tables },
    calibration: {
      tails: Object.fromEntries(
        CHANNELS.map((channel) => [channel, ascending(member(tails, channel))]),
      ) as CompiledBaseline['calibration']['tails'],
      sums: ascending(member(calibration, 'sums')),
    },
    rate,
    half_life: halfLife,
  }
}

function member(value: unknown, key: string): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) {
    return (value as Readonly<Record<string, unknown>>)[key]
  }
  throw invalid(`the member "${key}"`)
}

function count(value: unknown, key: string): number {
  const found = member(value, key)
  if (isCount(found)) return found
  throw invalid(`"${key}" to be a whole number from 0`)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value)
}

function isNodeList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= NODES_MAX &&
    value.every(
      (node: unknown, i) =>
        typeof node === 'string' && isNode(node) && (i === 0 || (value[i - 1] as string) < node),
    )
  )
}

/** The cells of a table: whole rows of integers, each node one that there is, in order of their first column. */
function table(value: unknown, name: TableName, nodes: number): readonly number[] {
  const { columns } = TABLES[name]
  const nodeColumns = NODE_COLUMNS[name]
  const rows = Array.isArray(value) ? value.length / columns : Number.NaN
  if (!Array.isArray(value) || !Number.isInteger(rows) || rows > rowsMax(name)) {
    throw invalid(`rows of ${columns} in "${name}", at most ${rowsMax(name)}`)
  }
  for (let i = 0; i < value.length; i += columns) {
    for (let column = 0; column < columns; column++) {
      const cell: unknown = value[i + column]
      if (!isCount(cell) || (column < nodeColumns && cell >= nodes)) {
        throw invalid(`counts of known calls in "${name}"`)
      }
    }
    if (i > 0 && value[i] < value[i - columns]) throw invalid(`the rows of "${name}" in order`)
  }
  return value as readonly number[]
}

/** Numbers from 0, sorted: of the sample's sessions. */
function ascending(value: unknown): readonly number[] {
  const sorted =
    Array.isArray(value) &&
    value.length <= SAMPLE_MAX &&
    value.every(
      (one: unknown, i) =>
        typeof one === 'number' && one >= (i === 0 ? 0 : (value[i - 1] as number)),
    )
  if (sorted) return value as readonly number[]
  throw invalid(`at most ${SAMPLE_MAX} numbers from 0, sorted`)
}

function invalid(expected: string, cause?: unknown): PolicyError {
  return new PolicyError('BASELINE_INVALID', `expected ${expected} in a compiled baseline`, {
    cause,
  })
}
