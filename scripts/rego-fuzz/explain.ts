import type { Difference, Judged } from './judge.ts'
import type { KnownCall } from './known-calls.ts'
import { KNOWN_CALLS } from './known-calls.ts'
import type { Oracle } from './oracle.ts'
import { askOracle } from './oracle.ts'
import type { Planned } from './ours.ts'
import { evaluatorOf } from './ours.ts'
import type { Mode, Outcome } from './outcome.ts'
import { agree, CONFLICT, CRASHED } from './outcome.ts'
import type { Spelling } from './policy.ts'
import { evaluateOn, replay } from './replay.ts'
import { SPELLINGS } from './spellings.ts'

/** Why we say something else than OPA. Each is checked, on every difference that is put down to it. */
export type Explanation =
  | keyof typeof SPELLINGS
  | 'error-order'
  | 'oracle-crash'
  | 'budget'
  | KnownCall['is']

type Asked = Planned & { readonly oracle: Oracle }

/** Says of each difference why it is there, where one of the checks tells. */
export async function explain(
  asked: Asked,
  differing: readonly Difference[],
  mode: Mode,
): Promise<readonly Judged[]> {
  const explained: Judged[] = []
  const told = new Map(
    differing.map((one): [Difference, Told[]] => [one, [{ names: [], said: one.oracle }]]),
  )
  let open = differing
  const sift = async (
    why: (one: Difference) => Promise<readonly Explanation[] | undefined>,
  ): Promise<void> => {
    const rest: Difference[] = []
    for (const one of open) {
      const explanations = await why(one)
      if (explanations === undefined) rest.push(one)
      else explained.push({ ...one, explanations })
    }
    open = rest
  }
  await sift(async ({ oracle }) =>
    oracle.is === 'error' && oracle.code === CRASHED ? ['oracle-crash'] : undefined,
  )
  await sift((one) => budgetSpent(asked, one))
  for (const { names, spelling } of SUMS) {
    if (open.length === 0) break
    const cases = open.map((one) => one.case)
    const said = await askOracle(asked.oracle, asked.policy, cases, { mode, spelling })
    if (said === undefined) continue
    const spelt = new Map(open.map((one, at) => [one, said[at]!]))
    for (const [one, theirs] of spelt) told.get(one)?.push({ names, said: theirs })
    await sift(async (one) => (agree(one.ours, spelt.get(one)!) ? names : undefined))
  }
  await sift(async (one) => failsInOrder(asked, one, told.get(one) ?? []))
  await sift((one) => knownCalls(asked, one, told.get(one) ?? []))
  return [...explained, ...open]
}

/** What OPA said, asked in spellings of these names. */
type Told = { readonly names: readonly Explanation[]; readonly said: Outcome }

type Sum = { readonly names: readonly Explanation[]; readonly spelling: Spelling }

/** All spellings together, the smaller sums first. */
const SUMS: readonly Sum[] = sums(Object.entries(SPELLINGS) as [Explanation, Spelling][])
  .filter(({ names }) => names.length > 0)
  .sort((a, b) => a.names.length - b.names.length)

function sums(spellings: readonly (readonly [Explanation, Spelling])[]): readonly Sum[] {
  const [first, ...rest] = spellings
  if (first === undefined) return [{ names: [], spelling: {} }]
  const [name, spelling] = first
  return sums(rest).flatMap((sum) => [
    sum,
    { names: [name, ...sum.names], spelling: { ...spelling, ...sum.spelling } },
  ])
}

/** Whether we say the same when we may take a thousand times as long, and OPA takes long as well. */
async function budgetSpent(
  { oracle, policy, plan }: Asked,
  { case: one, mode, backEnd, ours, oracle: theirs }: Difference,
): Promise<readonly Explanation[] | undefined> {
  if (ours.is !== 'error' || ours.code !== 'REGO_BUDGET_EXCEEDED') return undefined
  const started = performance.now()
  await askOracle(oracle, policy, [one], { mode })
  const again = performance.now()
  // What compiling takes is taken off.
  await askOracle(oracle, policy, [], { mode })
  const took = again - started - (performance.now() - again)
  const budget = { steps: 1e9, outputBytes: 1e9 }
  const unbounded = evaluatorOf({ policy, plan }, { mode, backEnd, budget })(one)
  return took > HEAVY_MS && agree(unbounded, theirs) ? ['budget'] : undefined
}

/** A decision that OPA takes so long for is one that a budget is there to refuse. */
const HEAVY_MS = 100

/** Whether OPA's error is among those that we come across when none ends the evaluation. */
function failsInOrder(
  asked: Asked,
  { case: one, mode, ours }: Difference,
  told: readonly Told[],
): readonly Explanation[] | undefined {
  if (mode !== 'strict' || ours.is !== 'error') return undefined
  const { outcome, ignored } = evaluateOn(asked, one)
  const errors = outcome.is === 'error' ? [...ignored, outcome] : ignored
  const found = told.find(({ said }) =>
    errors.some(
      ({ code, place }) =>
        said.is === 'error' &&
        code === said.code &&
        (place === said.place || said.code === CONFLICT),
    ),
  )
  return found === undefined ? undefined : [...found.names, 'error-order']
}

/** Whether what we say follows from calls that we answer in another way on purpose: with OPA's answers we agree. */
async function knownCalls(
  asked: Asked,
  { case: one, mode }: Difference,
  told: readonly Told[],
): Promise<readonly Explanation[] | undefined> {
  const known = new Set<KnownCall['is']>()
  const outcome = await replay(asked.oracle, asked, one, mode, (call) => {
    const why = KNOWN_CALLS.find(({ applies }) => applies(call))
    if (why === undefined) return undefined
    known.add(why.is)
    return why.instead ?? call.oracle
  })
  const same = told.find(({ said }) => outcome !== undefined && agree(outcome, said))
  return same !== undefined && known.size > 0 ? [...same.names, ...known] : undefined
}
