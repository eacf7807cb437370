import { PolicyError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json-value.ts'
import type { Finding } from '../../model/generated/types.ts'
import type { Evaluation, StateSlice } from '../../model/nouns.ts'
import type { Judge, Question } from './judge.ts'
import {
  commonPredicate,
  type Predicate,
  type PredicateParts,
  stateDigest,
  type Undoes,
} from './record.ts'
import { withoutReserved } from './reservations.ts'

// What becomes of an evaluation, without the store: the engine decides with it, and so does who derives a receipt again.

/** What the evaluation said; every failure of the engine itself is a denial that names its code. */
export async function evaluateOrDeny(
  judge: Pick<Judge, 'evaluate'>,
  question: Question,
): Promise<Evaluation> {
  try {
    return await judge.evaluate(question)
  } catch (error) {
    const code = error instanceof PolicyError ? error.code : 'ENGINE_FAILED'
    const message = error instanceof PolicyError ? error.message : 'the evaluation failed'
    return denial(code, message)
  }
}

/** Whether what a verdict is about may run. */
export function runs(verdict: string): boolean {
  return verdict === 'allow' || verdict === 'redact'
}

/** A verdict of the engine itself. */
export function denial(code: PolicyError['code'], message: string): Evaluation {
  const finding: Finding = {
    rule: `engine/${code.toLowerCase().replaceAll('_', '-')}`,
    kind: 'engine',
    verdict: 'deny',
    mode: 'enforce',
    message: message.slice(0, MESSAGE_LENGTH_MAX).toWellFormed(),
    code,
    evidence: {},
    file: '',
    line: 0,
    column: 0,
  }
  return { verdict: 'deny', findings: [finding], obligations: [], route: [], state: {} }
}

/** The denial that takes a verdict's place after its evaluation: the attempt counts, and nothing is set aside. */
export function deniedInstead(
  evaluation: Evaluation,
  { code, message }: Pick<PolicyError, 'code' | 'message'>,
): Evaluation {
  return { ...denial(code, message), state: withoutReserved(evaluation) }
}

export function tooManyWaiting(waiting: number): PolicyError {
  return new PolicyError(
    'REQUESTS_TOO_MANY',
    `${waiting} requests of this agent wait for people already; answer those first`,
  )
}

/** Whether an error says that a receipt cannot be written as it is. Nothing has been appended then. */
export function isUnreceivable(error: unknown): error is PolicyError {
  if (!(error instanceof PolicyError)) return false
  return error.code === 'RECEIPT_TOO_LARGE' || error.code === 'RECEIPT_INVALID'
}

export function unreceived({ code, message }: PolicyError): PolicyError {
  return new PolicyError(code, `no receipt can hold what was found: ${message}`)
}

/** What a verdict's receipt says. */
export function verdictPredicate(
  parts: PredicateParts,
  made: {
    readonly id: string
    /** Unix milliseconds. */
    readonly now: number
    /** What remains of the action after its private fields became commitments. */
    readonly remains: JsonObject
    readonly evaluation: Evaluation
    readonly state: StateSlice
    /** The decision that allowed the call, where the action is its result. */
    readonly call?: string
    /** The receipt of the call that the action takes back. */
    readonly undoes?: Undoes
    /** The id of the request that it opens. */
    readonly request?: string
  },
): Predicate {
  const { id, now, remains, state, call, undoes, request } = made
  const { verdict, findings, obligations, route } = made.evaluation
  return {
    ...commonPredicate(parts, { id, at: now, remains }),
    stage: 'verdict',
    decision: verdict,
    findings,
    obligations,
    route,
    ...(findings.some(isOfTheMachine) ? { rederivable: false as const } : {}),
    stateDigest: stateDigest(state),
    ...(call === undefined ? {} : { call }),
    ...(undoes === undefined ? {} : { undoes }),
    ...(request === undefined ? {} : { request }),
  }
}

const MESSAGE_LENGTH_MAX = 2_000 // `schemas/verdict.schema.json` takes 2,048 UTF-16 code units.

/** Whether a finding came of the clock or of a fault, so that the same inputs may give another one. */
function isOfTheMachine({ code }: Finding): boolean {
  return code === 'ENGINE_TIMEOUT' || code === 'ENGINE_FAILED'
}
