import type { Evaluation } from '../../src/model/nouns.ts'

/** What became of one mutation, for one subject. */
export type Became =
  /** Nothing was judged: the input, or the policy, is refused, and then the engine denies. */
  | 'refused'
  /** The verdict is as strict as before, or stricter. */
  | 'stood'
  /** It is weaker, and a rule of the policy, or a principle, says so by name. */
  | { readonly exception: string }
  /** It is weaker, and nothing says so. */
  | { readonly fall: string }

type Row = { tried: number; refused: number; stood: number; excepted: number; fallen: number }

/** Counts of one part of the suite. */
export type Tally = {
  add(kind: string, became: Became): void
  readonly rows: ReadonlyMap<string, Readonly<Row>>
  readonly exceptions: ReadonlyMap<string, number>
  readonly falls: readonly string[]
}

export function newTally(): Tally {
  const rows = new Map<string, Row>()
  const exceptions = new Map<string, number>()
  const falls: string[] = []
  return {
    rows,
    exceptions,
    falls,
    add(kind, became) {
      const row = rows.get(kind) ?? { tried: 0, refused: 0, stood: 0, excepted: 0, fallen: 0 }
      rows.set(kind, row)
      row.tried += 1
      if (became === 'refused') row.refused += 1
      else if (became === 'stood') row.stood += 1
      else if ('exception' in became) {
        row.excepted += 1
        exceptions.set(became.exception, (exceptions.get(became.exception) ?? 0) + 1)
      } else {
        row.fallen += 1
        falls.push(`${kind}: ${became.fall}`)
      }
    },
  }
}

/** Counts of all parts, as people read them. */
export function report(tallies: ReadonlyMap<string, Tally>): string {
  const lines = [...tallies].flatMap(([name, { rows, exceptions }]) => [
    '',
    name,
    ...[...rows].map(([kind, { tried, refused, stood, excepted, fallen }]) =>
      [tried, refused, stood, excepted, fallen]
        .map((count) => String(count).padStart(8))
        .concat(`  ${kind}`)
        .join(''),
    ),
    ...[...exceptions]
      .sort()
      .map(([reason, count]) => `${String(count).padStart(32)}  except: ${reason}`),
  ])
  const total = [...tallies.values()].flatMap(({ rows }) => [...rows.values()])
  const tried = total.reduce((sum, row) => sum + row.tried, 0)
  return [`${tried} mutations`, '   tried refused   stood  except  fallen', ...lines].join('\n')
}

export const RANK = { allow: 0, redact: 1, hold: 2, deny: 3 } as const

type Judged = Pick<Evaluation, 'verdict' | 'obligations'>

/**
 * Whether a verdict is weaker than another: of a lower rank, or without a change of fields that the other asks for
 * before anything runs.
 */
export function isWeaker(after: Judged, intact: Judged): boolean {
  if (RANK[after.verdict] !== RANK[intact.verdict]) {
    return RANK[after.verdict] < RANK[intact.verdict]
  }
  if (after.verdict === 'deny') return false
  const kept = new Set(after.obligations.map((one) => JSON.stringify(one)))
  return intact.obligations.some((one) => !kept.has(JSON.stringify(one)))
}
