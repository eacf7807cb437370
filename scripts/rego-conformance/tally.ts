import type { BackEnd, ByBackEnd } from './evaluate.ts'
import { BACK_ENDS } from './evaluate.ts'
import type { Explanation } from './explained.ts'
import type { Difference, Judgement } from './judge.ts'

export type JudgedCase = { readonly id: string; readonly judgements: ByBackEnd<Judgement> }

/** How many cases there are, and what became of them. `unexplained` counts those among `failed` and `refused`. */
export type Totals = {
  readonly cases: number
  readonly passed: number
  readonly failed: number
  readonly refused: number
  readonly unexplained: number
}

export type Report = {
  /** Of the back end that does worse. */
  readonly totals: Totals
  readonly back_ends: ByBackEnd<Totals>
  /** What no explanation covers, one line each. */
  readonly unexplained: readonly string[]
  /** Explanations of what is not so, one line each. */
  readonly stale: readonly string[]
}

/** Why cases differ, and why built-ins are not supplied. */
export type Explanations = {
  readonly differences: readonly Explanation[]
  /** By OPA's name of the built-in. */
  readonly refusals: Readonly<Record<string, string>>
}

/** Counts, and holds what differs against what is explained. */
export function tally(cases: readonly JudgedCase[], explanations: Explanations): Report {
  const unexplained: string[] = []
  const countOn = (backEnd: BackEnd): Totals => {
    const totals = { cases: cases.length, passed: 0, failed: 0, refused: 0, unexplained: 0 }
    for (const { id, judgements } of cases) {
      const judgement = judgements[backEnd]
      totals[judgement.verdict] += 1
      const missing = whyUnexplained(id, judgement, explanations)
      if (missing === undefined) continue
      totals.unexplained += 1
      unexplained.push(`${backEnd}: ${id}: ${missing}`)
    }
    return totals
  }
  const back_ends = { generated: countOn('generated'), closures: countOn('closures') }
  const totals = BACK_ENDS.map((backEnd) => back_ends[backEnd]).reduce(worse)
  return { totals, back_ends, unexplained, stale: staleAmong(cases, explanations) }
}

/** Ids of the cases that an explanation names. */
export function explainedIds(explanation: Explanation): readonly string[] {
  return 'words' in explanation ? explanation.words : Object.keys(explanation.found)
}

function whyUnexplained(
  id: string,
  judgement: Judgement,
  { differences, refusals }: Explanations,
): string | undefined {
  switch (judgement.verdict) {
    case 'passed':
      return undefined
    case 'failed': {
      const { found, wanted } = judgement
      const explained = differences.some((one) => explains(one, id, judgement))
      return explained ? undefined : `${found}, wanted ${wanted}`
    }
    case 'refused': {
      const names = judgement.builtins.filter((name) => !Object.hasOwn(refusals, name))
      return names.length === 0 ? undefined : `no built-in ${names.join(', ')}`
    }
  }
}

/** An explanation covers the difference that it tells of, and no other one of the same case. */
function explains(explanation: Explanation, id: string, difference: Difference): boolean {
  if ('words' in explanation) return difference.wordsOnly && explanation.words.includes(id)
  return Object.hasOwn(explanation.found, id) && explanation.found[id] === difference.found
}

function worse(a: Totals, b: Totals): Totals {
  const order = a.unexplained - b.unexplained || b.passed - a.passed
  return order > 0 ? a : b
}

function staleAmong(
  cases: readonly JudgedCase[],
  { differences, refusals }: Explanations,
): readonly string[] {
  const stale: string[] = []
  const failing = new Set(
    cases.flatMap(({ id, judgements }) =>
      BACK_ENDS.every((backEnd) => judgements[backEnd].verdict === 'failed') ? [id] : [],
    ),
  )
  const seen = new Set<string>()
  for (const id of differences.flatMap(explainedIds)) {
    if (!failing.has(id)) stale.push(`${id}: explained, but it does not fail`)
    if (seen.has(id)) stale.push(`${id}: explained twice`)
    seen.add(id)
  }
  const refused = new Set(
    cases.flatMap(({ judgements: { generated } }) =>
      generated.verdict === 'refused' ? generated.builtins : [],
    ),
  )
  for (const name of Object.keys(refusals)) {
    if (!refused.has(name)) stale.push(`${name}: its refusal is explained, but no case is refused`)
  }
  return stale
}
