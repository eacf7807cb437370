import { canonicalize } from '../../base/canonical-json.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { CustodyReceipt, CustodyStep } from '../../model/generated/types.ts'

/** What a custody step's receipt says beside its envelope. */
export type CustodyFields = CustodyReceipt['predicate']

/** What the acting agent signs, and what the receipt is about: the RFC 8785 text of the step. */
export function custodyStatement(step: CustodyStep): string {
  return canonicalize(step as unknown as JsonObject)
}

/** The id of a step's receipt. */
export function custodyId({ delivery, step }: Pick<CustodyStep, 'delivery' | 'step'>): string {
  return `cus_${delivery}.${step}`
}

/** Whether a step is the engine's own: no agent can take it. */
export function isEngineStep({ type }: Pick<CustodyStep, 'type'>): boolean {
  return type === 'escalate' || type === 'release' || type === 'refund'
}

/** What a custody receipt should be and is not, whatever stands around it in the log; or null. */
export function custodyProblem({
  id,
  issuerId,
  step,
  signed,
  vouched,
}: CustodyFields): string | null {
  if (id !== custodyId(step)) return "the step's delivery and number as its id"
  if (step.log !== issuerId) return 'a step for the log that it stands in'
  for (const name of ['previous', 'previousAt'] as const) {
    if ((step[name] === undefined) !== (step.step === 1)) return `\`${name}\` but in the first step`
  }
  const isEngines = isEngineStep(step)
  if ((step.agent === undefined) !== isEngines)
    return 'an agent that acts, but in the engine’s steps'
  const proofs = [signed, vouched].filter((proof) => proof !== undefined).length
  if (proofs !== (isEngines ? 0 : 1)) return 'a signature or a credential of who acts'
  return memberProblem(step)
}

/** Each kind of step has its own members, and no others. */
function memberProblem(step: CustodyStep): string | null {
  const { needs, may = [] } = MEMBERS[step.type]
  const missing = needs.find((name) => step[name] === undefined)
  if (missing !== undefined) return `\`${missing}\` in \`${step.type}\``
  const known = new Set<string>([...COMMON, ...needs, ...may])
  const other = Object.keys(step).find((name) => !known.has(name))
  if (other !== undefined) return `no \`${other}\` in \`${step.type}\``
  return step.type === 'handoff' ? handoffProblem(step) : ownProblem(step)
}

function handoffProblem({ step, held, deadline, outcomeBy }: CustodyStep): string | null {
  if ((outcomeBy === undefined) === (step === 1)) return '`outcomeBy` in the first step alone'
  if (held !== undefined && step !== 1) return '`held` in the first handoff alone'
  return (held === undefined) === (deadline === undefined) ? null : '`deadline` with `held`'
}

function ownProblem({ type, held = [], request, resolvedAt }: CustodyStep): string | null {
  if (type === 'escalate') return held.length === 1 ? null : 'one thing that is held'
  return (request === undefined) === (resolvedAt === undefined)
    ? null
    : '`resolvedAt` with `request`'
}

type Member = keyof CustodyStep
const COMMON: readonly Member[] = [
  ...(['type', 'log', 'project', 'delivery', 'step', 'agent', 'mandates'] as const),
  ...(['previous', 'previousAt'] as const),
]
const MEMBERS: Readonly<
  Record<
    CustodyStep['type'],
    { readonly needs: readonly Member[]; readonly may?: readonly Member[] }
  >
> = {
  handoff: {
    needs: ['to', 'decision', 'decidedAt', 'root'],
    may: ['outcomeBy', 'held', 'deadline'],
  },
  accept: { needs: [] },
  outcome: { needs: ['outcome'] },
  escalate: { needs: ['held', 'because', 'request', 'heldAt'] },
  release: { needs: ['held'], may: ['request', 'resolvedAt'] },
  refund: { needs: ['held'], may: ['request', 'resolvedAt'] },
}
