import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { Chain } from './chain.ts'
import {
  addContaining,
  addPath,
  addRun,
  idOf,
  learnSteps,
  newChain,
  pairKey,
  pairOf,
  pathKey,
} from './chain.ts'
import { MICRO, newDecay } from './decay.ts'
import { NODES_MAX, PATHS_MAX, ROWS_MAX, SAMPLE_MAX } from './limits.ts'
import { BEGIN, END } from './node.ts'
import type { ObservedSession, Trail } from './session.ts'
import { trailOf } from './session.ts'

/**
 * What was learned: integers only, in one order, so that equal knowledge has equal bytes. Tables are flat lists of
 * rows; a number in them stands for a node: 0 before the first call, 1 after the last, then `nodes` in order.
 */
export type Snapshot = {
  readonly sessions: number
  readonly calls: number
  /** Sorted by their text. */
  readonly nodes: readonly string[]
  /** Rows of five: two nodes, the one after them, how often, and the number of the session that did so last. */
  readonly paths: readonly number[]
  /** Rows of five: two nodes in a row, sessions that did so, approvals by people, rejections by people. */
  readonly edges: readonly number[]
  /** Rows of two: a node, sessions that contain it; of the mark of an end, sessions that ended. */
  readonly containing: readonly number[]
  /** Rows of three: a node, another one, sessions in which the other came before the first occurrence. */
  readonly preceding: readonly number[]
  /** Rows of three: a node, the longest run of it in a session less one, how many sessions. */
  readonly runs: readonly number[]
  /** Rows of three: a period of 2 or 3, the most repeats of it in a session, how many sessions. */
  readonly cycles: readonly number[]
  /** Rows of two: calls of a session that repeat an earlier one exactly, how many sessions. */
  readonly duplicates: readonly number[]
  /** Of all sessions those with the smallest digests, at most `SAMPLE_MAX`, in that order. */
  readonly sample: readonly Trail[]
}

/** The number of columns of each table, and how many of them name a row. */
export const TABLES = {
  paths: { columns: 5, key: 3 },
  edges: { columns: 5, key: 2 },
  containing: { columns: 2, key: 1 },
  preceding: { columns: 3, key: 2 },
  runs: { columns: 3, key: 2 },
  cycles: { columns: 3, key: 2 },
  duplicates: { columns: 2, key: 1 },
} as const

export type TableName = keyof typeof TABLES

/** How many columns of a row are nodes: its first ones. */
export const NODE_COLUMNS: Readonly<Record<TableName, number>> = {
  paths: 3,
  edges: 2,
  containing: 1,
  preceding: 2,
  runs: 1,
  cycles: 0,
  duplicates: 0,
}

export const EMPTY_SNAPSHOT: Snapshot = {
  sessions: 0,
  calls: 0,
  nodes: [],
  paths: [],
  edges: [],
  containing: [],
  preceding: [],
  runs: [],
  cycles: [],
  duplicates: [],
  sample: [],
}

/**
 * Learns sessions. Their order changes nothing, and learning them in parts that are merged gives the same.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function learn(sessions: Iterable<ObservedSession>): Snapshot {
  const chain = newChain()
  const trails: Trail[] = []
  for (const session of sessions) {
    const trail = trailOf(session)
    learnSteps(chain, trail)
    trails.push(trail)
  }
  return snapshotOf(chain, sampleOf(trails))
}

/** The trails with the smallest digests: a bottom-k sketch, which merges exactly. */
function sampleOf(trails: readonly Trail[]): readonly Trail[] {
  const sorted = [...trails].sort(
    // A session that two machines learned may be in a group of each.
    (a, b) => compareText(a.digest, b.digest) || compareText(a.group, b.group),
  )
  return sorted.slice(0, SAMPLE_MAX)
}

/**
 * Adds what two machines learned. Any order gives the same.
 *
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function merge(a: Snapshot, b: Snapshot): Snapshot {
  const sessions = a.sessions + b.sessions
  return combine([
    { snapshot: a, lastOf: (last) => sessions - (a.sessions - last) },
    { snapshot: b, lastOf: (last) => sessions - (b.sessions - last) },
  ])
}

/**
 * A baseline after further sessions: what they did not do is that many sessions older, and paths that have decayed to
 * less than half a call are left out. A transition that people rejected, before or now, learns nothing: its paths stay
 * as the baseline has them.
 *
 * @param halfLife - sessions after which an unused path counts half; null for no decay
 * @throws {PolicyError} BASELINE_TOO_LARGE
 */
export function advance(base: Snapshot, delta: Snapshot, halfLife: number | null): Snapshot {
  const next = combine([
    { snapshot: base, lastOf: (last) => last },
    {
      snapshot: withoutTransitions(delta, rejectedIn([base, delta])),
      lastOf: (last) => base.sessions + last,
    },
  ])
  if (halfLife === null) return next
  const paths: number[] = []
  const decayed = newDecay(halfLife)
  for (let i = 0; i < next.paths.length; i += 5) {
    const row = next.paths.slice(i, i + 5)
    const [, , , count = 0, last = 0] = row
    if (2 * decayed(count, next.sessions - last) >= MICRO) paths.push(...row)
  }
  return { ...next, paths }
}

/** The transitions that people rejected, each as its two nodes. */
function rejectedIn(snapshots: readonly Snapshot[]): ReadonlySet<string> {
  const rejected = new Set<string>()
  for (const snapshot of snapshots) {
    for (const [from, to, , , rejections] of rowsOf(snapshot, 'edges')) {
      if (rejections > 0) rejected.add(transition(snapshot, from, to))
    }
  }
  return rejected
}

function transition(snapshot: Snapshot, from: number, to: number): string {
  return `${nodeOfId(snapshot, from)} ${nodeOfId(snapshot, to)}`
}

/** The same, as if no session had made these transitions. What people said of them stays. */
function withoutTransitions(snapshot: Snapshot, left: ReadonlySet<string>): Snapshot {
  if (left.size === 0) return snapshot
  const isLeft = (from: number, to: number): boolean => left.has(transition(snapshot, from, to))
  return {
    ...snapshot,
    paths: [...rowsOf(snapshot, 'paths')].filter(([, second, to]) => !isLeft(second, to)).flat(),
    edges: [...rowsOf(snapshot, 'edges')].flatMap(([from, to, sessions, approvals, rejections]) => [
      ...[from, to, isLeft(from, to) ? 0 : sessions, approvals, rejections],
    ]),
  }
}

type Part = {
  readonly snapshot: Snapshot
  /** The number of a session in the whole. */
  readonly lastOf: (last: number) => number
}

function combine(parts: readonly Part[]): Snapshot {
  const nodes = [...new Set(parts.flatMap(({ snapshot }) => snapshot.nodes))].sort(compareText)
  const idOfNode = new Map(nodes.map((node, i) => [node, i + 2]))
  const tables: Record<string, readonly number[]> = {}
  for (const name of Object.keys(TABLES) as TableName[]) {
    tables[name] = combineTable(name, parts, idOfNode)
  }
  const sum = (of: (snapshot: Snapshot) => number): number =>
    parts.reduce((total, { snapshot }) => total + of(snapshot), 0)
  return checked({
    sessions: sum(({ sessions }) => sessions),
    calls: sum(({ calls }) => calls),
    nodes,
    ...(tables as Record<TableName, readonly number[]>),
    sample: sampleOf(parts.flatMap(({ snapshot }) => snapshot.sample)),
  })
}

function combineTable(
  name: TableName,
  parts: readonly Part[],
  idOfNode: ReadonlyMap<string, number>,
): readonly number[] {
  const { columns, key }: { columns: number; key: number } = TABLES[name]
  const rows = new Map<string, number[]>()
  for (const { snapshot, lastOf } of parts) {
    const ids = [0, 1, ...snapshot.nodes.map((node) => idOfNode.get(node) ?? 0)]
    const table = snapshot[name]
    for (let i = 0; i < table.length; i += columns) {
      const row = table.slice(i, i + columns)
      for (let column = 0; column < NODE_COLUMNS[name]; column++) {
        row[column] = ids[row[column] ?? 0] ?? 0
      }
      if (name === 'paths') row[4] = lastOf(row[4] ?? 0)
      const text = row.slice(0, key).join(' ')
      const known = rows.get(text)
      if (known === undefined) {
        rows.set(text, row)
        continue
      }
      for (let column = key; column < columns; column++) {
        const latest = name === 'paths' && column === 4
        const [left, right] = [known[column] ?? 0, row[column] ?? 0]
        known[column] = latest ? Math.max(left, right) : left + right
      }
    }
  }
  return sortRows([...rows.values()]).flat()
}

/** Rows in order of their numbers, first column first. */
function sortRows(rows: number[][]): number[][] {
  return rows.sort((a, b) => {
    for (let i = 0; i < a.length; i++) {
      const difference = (a[i] ?? 0) - (b[i] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  })
}

/** What a chain counted, as if its sessions had just been seen. */
export function snapshotOf(chain: Chain, sample: readonly Trail[]): Snapshot {
  // What people rejected is known by name, though no session that was learned contains it.
  const judged = new Set([...chain.edges.keys()].flatMap((key) => pairOf(key)))
  const nodes = chain.names
    .filter((_, id) => id >= 2 && ((chain.containing[id] ?? 0) > 0 || judged.has(id)))
    .sort(compareText)
  const sorted = new Map([BEGIN, END, ...nodes].map((node, id) => [node, id]))
  const ids = chain.names.map((node) => sorted.get(node) ?? 0)
  const id = (old: number): number => ids[old] ?? 0
  const flat = (rows: number[][]): readonly number[] => sortRows(rows).flat()
  const pathRows = [...chain.afterTwo].flatMap(([key, { next }]) => {
    const [first, second] = pairOf(key)
    return [...next].map(([to, count]) => [id(first), id(second), id(to), count, chain.sessions])
  })
  const edgeRows = [...chain.edges].map(([key, { sessions, approvals, rejections }]) => {
    const [from, to] = pairOf(key)
    return [id(from), id(to), sessions, approvals, rejections]
  })
  const runRows = chain.runs.flatMap((histogram, old) =>
    [...(histogram ?? [])].map(([run, count]) => [id(old), run, count]),
  )
  return checked({
    sessions: chain.sessions,
    calls: chain.calls,
    nodes,
    paths: flat(pathRows),
    edges: flat(edgeRows),
    containing: flat(
      chain.containing.flatMap((sessions, old) => (sessions > 0 ? [[id(old), sessions]] : [])),
    ),
    preceding: flat(
      chain.preceding.flatMap((before, old) =>
        [...(before ?? [])].map(([other, count]) => [id(old), id(other), count]),
      ),
    ),
    runs: flat(runRows),
    cycles: flat(
      chain.cycles.flatMap((histogram, i) =>
        [...histogram].map(([repeats, count]) => [i + 2, repeats, count]),
      ),
    ),
    duplicates: flat([...chain.duplicates].map(([number, count]) => [number, count])),
    sample,
  })
}

/** A chain that counts what the snapshot says, unused paths decayed. */
export function chainOf(snapshot: Snapshot, halfLife: number | null): Chain {
  const chain = newChain()
  for (const node of snapshot.nodes) idOf(chain, node)
  loadPaths(chain, snapshot, halfLife)
  loadEdges(chain, snapshot.edges)
  for (const [id, sessions] of rowsOf(snapshot, 'containing')) addContaining(chain, id, sessions)
  waitPreceding(chain, snapshot.preceding)
  for (const [id, run, sessions] of rowsOf(snapshot, 'runs')) addRun(chain, { id, run }, sessions)
  for (const [period, repeats, sessions] of rowsOf(snapshot, 'cycles')) {
    chain.cycles[period === 2 ? 0 : 1].set(repeats, sessions)
  }
  for (const [number, sessions] of rowsOf(snapshot, 'duplicates')) {
    chain.duplicates.set(number, sessions)
  }
  chain.sessions = snapshot.sessions
  chain.calls = snapshot.calls
  chain.version += 1
  return chain
}

// Long tables are read by index: a baseline of 100,000 paths must load in a moment.
function loadPaths(chain: Chain, { paths, sessions }: Snapshot, halfLife: number | null): void {
  const decayed = halfLife === null ? null : newDecay(halfLife)
  for (let i = 0; i < paths.length; i += TABLES.paths.columns) {
    const [first, second, to] = [paths[i] ?? 0, paths[i + 1] ?? 0, paths[i + 2] ?? 0]
    const count = paths[i + 3] ?? 0
    const idle = sessions - (paths[i + 4] ?? 0)
    const weight = decayed === null || idle === 0 ? count : decayed(count, idle) / MICRO
    addPath(chain, [first, second, to], weight)
    if (weight < count) chain.shares.set(pathKey(first, second, to), weight / count)
  }
}

function loadEdges(chain: Chain, edges: readonly number[]): void {
  for (let i = 0; i < edges.length; i += TABLES.edges.columns) {
    chain.edges.set(pairKey(edges[i] ?? 0, edges[i + 1] ?? 0), {
      sessions: edges[i + 2] ?? 0,
      approvals: edges[i + 3] ?? 0,
      rejections: edges[i + 4] ?? 0,
    })
  }
}

/** Leaves the rows of each node where they are until somebody asks: there may be as many as pairs of nodes. */
function waitPreceding(chain: Chain, table: readonly number[]): void {
  for (let start = 0; start < table.length; ) {
    const id = table[start] ?? 0
    let end = start
    while (end < table.length && table[end] === id) end += TABLES.preceding.columns
    chain.waiting[id] = { table, start, end }
    start = end
  }
}

type Row = readonly [number, number, number, number, number]

/** The rows of a table; what a shorter row lacks is 0. */
export function* rowsOf(snapshot: Snapshot, name: TableName): Generator<Row> {
  const { columns } = TABLES[name]
  const table = snapshot[name]
  for (let i = 0; i < table.length; i += columns) {
    const cell = (column: number): number => (column < columns ? (table[i + column] ?? 0) : 0)
    yield [cell(0), cell(1), cell(2), cell(3), cell(4)]
  }
}

/** The node that a number of a table stands for. */
export function nodeOfId(snapshot: Snapshot, id: number): string {
  if (id === 0) return BEGIN
  return id === 1 ? END : (snapshot.nodes[id - 2] ?? '')
}

function checked(snapshot: Snapshot): Snapshot {
  if (snapshot.nodes.length > NODES_MAX) {
    throw new PolicyError('BASELINE_TOO_LARGE', `expected at most ${NODES_MAX} different actions`)
  }
  for (const name of Object.keys(TABLES) as TableName[]) {
    const max = rowsMax(name)
    if (snapshot[name].length / TABLES[name].columns <= max) continue
    throw new PolicyError('BASELINE_TOO_LARGE', `expected at most ${max} rows in "${name}"`)
  }
  return snapshot
}

/** The most rows that a table may have. */
export function rowsMax(name: TableName): number {
  return name === 'paths' ? PATHS_MAX : ROWS_MAX
}
