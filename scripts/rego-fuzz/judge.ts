import type { Explanation } from './explain.ts'
import { explain } from './explain.ts'
import type { Oracle } from './oracle.ts'
import { askOracle } from './oracle.ts'
import type { Planned } from './ours.ts'
import { evaluatorOf } from './ours.ts'
import type { BackEnd, Case, Mode, Outcome } from './outcome.ts'
import { agree, BACK_ENDS, MODES } from './outcome.ts'

/** Where an evaluator of ours says something else than OPA. */
export type Difference = {
  readonly case: Case
  readonly mode: Mode
  readonly backEnd: BackEnd
  readonly ours: Outcome
  readonly oracle: Outcome
}

export type Judged = Difference & {
  /** Why, where that is known. */
  readonly explanations?: readonly Explanation[]
}

export type Judgement = {
  readonly differences: readonly Judged[]
  /** What was said on each case, by mode. */
  readonly oracle: Readonly<Record<Mode, readonly Outcome[]>>
  readonly ours: Readonly<Record<Mode, readonly Outcome[]>>
}

/**
 * Compares our evaluators with OPA's on all cases, in both modes.
 *
 * @throws {Error} when OPA's evaluator does not take the policy
 */
export async function judge(
  oracle: Oracle,
  planned: Planned,
  cases: readonly Case[],
): Promise<Judgement> {
  const differences: Judged[] = []
  const said: Record<Mode, readonly Outcome[]> = { strict: [], lax: [] }
  const ours: Record<Mode, readonly Outcome[]> = { strict: [], lax: [] }
  for (const mode of MODES) {
    const theirs = await askOracle(oracle, planned.policy, cases, { mode })
    if (theirs === undefined) throw new Error('the oracle does not take the policy')
    said[mode] = theirs
    const differing: Difference[] = []
    for (const backEnd of BACK_ENDS) {
      const own = cases.map(evaluatorOf(planned, { mode, backEnd }))
      ours[mode] = own
      for (const [at, one] of cases.entries()) {
        if (agree(own[at]!, theirs[at]!)) continue
        differing.push({ case: one, mode, backEnd, ours: own[at]!, oracle: theirs[at]! })
      }
    }
    differences.push(...(await explain({ oracle, ...planned }, differing, mode)))
  }
  return { differences, oracle: said, ours }
}
