import { pairKey } from './chain.ts'
import { CALLS_LEARNED_MAX, NODES_MAX, REPEATS_MAX, SAMPLE_MAX } from './limits.ts'
import type { Snapshot, TableName } from './snapshot.ts'
import { nodeOfId, rowsMax, rowsOf, TABLES } from './snapshot.ts'

/** What no learning gives: in which table, and in which of its rows, from 0. */
export type Flaw = {
  readonly table: TableName | 'sample'
  readonly row: number
  readonly message: string
  /** Whether it is beyond a bound, rather than wrong. */
  readonly large: boolean
}

/**
 * Where a snapshot contradicts itself; the first of each table. It takes the rows' form and order for granted. Paths may
 * count less than calls, since they age; the other sums are exact.
 */
export function findFlaws(snapshot: Snapshot): readonly Flaw[] {
  const large = tooLarge(snapshot)
  if (large.length > 0) return large
  const containing = new Map<number, number>()
  for (const [id, sessions] of rowsOf(snapshot, 'containing')) containing.set(id, sessions)
  const checks = [
    () => pathFlaw(snapshot, containing),
    () => edgeFlaw(snapshot),
    () => containingFlaw(snapshot),
    () => precedingFlaw(snapshot, containing),
    () => runFlaw(snapshot, containing),
    () => cycleFlaw(snapshot),
    () => duplicateFlaw(snapshot),
    () => sampleFlaw(snapshot, containing),
  ]
  return checks.flatMap((check) => check() ?? [])
}

type Containing = ReadonlyMap<number, number>

const [BEGIN, END, FIRST] = [0, 1, 2]

function tooLarge(snapshot: Snapshot): readonly Flaw[] {
  if (snapshot.nodes.length > NODES_MAX) {
    const message = `expected at most ${NODES_MAX} different calls, found ${snapshot.nodes.length}`
    return [{ table: 'containing', row: 0, message, large: true }]
  }
  return (Object.keys(TABLES) as TableName[]).flatMap((table) => {
    const max = rowsMax(table)
    return snapshot[table].length / TABLES[table].columns <= max
      ? []
      : [{ table, row: max, message: `expected at most ${max} rows`, large: true }]
  })
}

function pathFlaw(snapshot: Snapshot, containing: Containing): Flaw | null {
  const { sessions, calls } = snapshot
  const flawAt = flawOf('paths')
  const made = new Set<number>()
  for (const [from, to, number] of rowsOf(snapshot, 'edges')) {
    if (number > 0) made.add(pairKey(from, to))
  }
  let [row, all, starts, ends] = [0, 0, 0, 0]
  for (const [first, second, to, count, last] of rowsOf(snapshot, 'paths')) {
    if (first === END || second === END || to === BEGIN || (second === BEGIN && first !== BEGIN)) {
      return flawAt(row, 'expected "^" before the first call only, and "$" after the last')
    }
    if ([first, second, to].some((id) => id >= FIRST && !containing.has(id))) {
      return flawAt(row, 'expected each call in the table "containing" too')
    }
    if (count < 1) return flawAt(row, 'expected a count from 1; leave the row out')
    if (last < 1 || last > sessions) {
      return flawAt(row, `expected the number of a session, from 1 to ${sessions}`)
    }
    if (!made.has(pairKey(second, to))) {
      return flawAt(row, 'expected its last two calls in the table "edges", made by a session')
    }
    if (to === END) ends += count
    else all += count
    if (second === BEGIN) starts += count
    row += 1
  }
  if (all > calls) return flawAt(0, `expected counts that add up to at most ${calls} calls`)
  if (Math.max(starts, ends) > sessions) {
    return flawAt(0, `expected at most ${sessions} sessions to begin and to end`)
  }
  return null
}

function edgeFlaw(snapshot: Snapshot): Flaw | null {
  const flawAt = flawOf('edges')
  let row = 0
  for (const [from, to, sessions] of rowsOf(snapshot, 'edges')) {
    if (from === END || to === BEGIN) {
      return flawAt(row, 'expected "^" before the first call only, and "$" after the last')
    }
    if (sessions > snapshot.sessions) return flawAt(row, tooMany(snapshot.sessions))
    row += 1
  }
  return null
}

function containingFlaw(snapshot: Snapshot): Flaw | null {
  const flawAt = flawOf('containing')
  let [row, sum] = [0, 0]
  for (const [id, sessions] of rowsOf(snapshot, 'containing')) {
    if (id === BEGIN) return flawAt(row, 'expected a call, found the mark of a beginning')
    if (sessions < 1 || sessions > snapshot.sessions) {
      return flawAt(row, tooMany(snapshot.sessions))
    }
    if (id !== END) sum += sessions
    row += 1
  }
  return sum > snapshot.calls
    ? flawAt(0, `expected sessions that add up to at most ${snapshot.calls} calls`)
    : null
}

function precedingFlaw(snapshot: Snapshot, containing: Containing): Flaw | null {
  const flawAt = flawOf('preceding')
  let row = 0
  for (const [id, earlier, sessions] of rowsOf(snapshot, 'preceding')) {
    const most = Math.min(containing.get(id) ?? 0, containing.get(earlier) ?? 0)
    if (id === earlier) return flawAt(row, 'expected two different calls')
    if (sessions < 1 || sessions > most) return flawAt(row, tooMany(most))
    row += 1
  }
  return null
}

function runFlaw(snapshot: Snapshot, containing: Containing): Flaw | null {
  const flawAt = flawOf('runs')
  const sums = new Map<number, number>()
  let row = 0
  for (const [id, repeats, sessions] of rowsOf(snapshot, 'runs')) {
    if (!containing.has(id)) return flawAt(row, 'expected a call of the table "containing"')
    if (sessions < 1 || repeats > REPEATS_MAX) return flawAt(row, NO_HISTOGRAM)
    sums.set(id, (sums.get(id) ?? 0) + sessions)
    row += 1
  }
  for (const [id, sessions] of containing) {
    if (id === END || sums.get(id) === sessions) continue
    const found = `${sums.get(id) ?? 0} of ${JSON.stringify(nodeOfId(snapshot, id))}`
    return flawAt(0, `expected the ${sessions} sessions that contain a call, found ${found}`)
  }
  return null
}

function cycleFlaw(snapshot: Snapshot): Flaw | null {
  const flawAt = flawOf('cycles')
  const sums = [0, 0]
  let row = 0
  for (const [period, repeats, sessions] of rowsOf(snapshot, 'cycles')) {
    if (period !== 2 && period !== 3) return flawAt(row, 'expected a period of 2 or 3')
    if (sessions < 1 || repeats > REPEATS_MAX) return flawAt(row, NO_HISTOGRAM)
    sums[period - 2] = (sums[period - 2] ?? 0) + sessions
    row += 1
  }
  const [two = 0, three = 0] = sums
  return two === three && two <= snapshot.sessions
    ? null
    : flawAt(0, 'expected the same sessions for both periods')
}

function duplicateFlaw(snapshot: Snapshot): Flaw | null {
  const flawAt = flawOf('duplicates')
  let [row, sum] = [0, 0]
  for (const [calls, sessions] of rowsOf(snapshot, 'duplicates')) {
    if (sessions < 1 || calls > REPEATS_MAX) return flawAt(row, NO_HISTOGRAM)
    sum += sessions
    row += 1
  }
  return sum <= snapshot.sessions
    ? null
    : flawAt(0, `expected rows that add up to at most ${snapshot.sessions} sessions`)
}

function sampleFlaw(snapshot: Snapshot, containing: Containing): Flaw | null {
  const { sample, sessions } = snapshot
  const flawAt = flawOf('sample')
  const size = Math.min(sessions, SAMPLE_MAX)
  if (sample.length !== size) return flawAt(0, `expected ${size} sessions, found ${sample.length}`)
  const known = new Set([...containing.keys()].map((id) => nodeOfId(snapshot, id)))
  const row = sample.findIndex(
    ({ steps }) => steps.length > CALLS_LEARNED_MAX || steps.some(({ node }) => !known.has(node)),
  )
  if (row < 0) return null
  const message = `expected at most ${CALLS_LEARNED_MAX} calls, each of the table "containing"`
  return flawAt(row, message)
}

const NO_HISTOGRAM = `expected at least 1 session and at most ${REPEATS_MAX} repeats`

function tooMany(most: number): string {
  return `expected from 1 to ${most} sessions`
}

function flawOf(table: Flaw['table']): (row: number, message: string) => Flaw {
  return (row, message) => ({ table, row, message, large: false })
}
