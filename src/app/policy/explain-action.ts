import { hmacKey } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { explain, loadPolicy, stateKeys } from '../../decide/evaluate/index.ts'
import { openDataFolder } from '../../host/data-folder.ts'
import { parseActionText } from '../../model/action.ts'
import type { Explanation } from '../../model/explanation.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { StateSlice } from '../../model/nouns.ts'
import type { ReviewSigner } from '../../model/ports.ts'
import { REPLAY_KEY } from '../../policy/analyse/judging.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import { openDecision, type Predicate } from '../engine/record.ts'
import { openBundle, type PolicySource } from './compile-policy.ts'

/** An explanation, and what it explains. */
export type Explained = {
  readonly explanation: Explanation
  /** The digest of the policy that was asked. */
  readonly policy: string
  /** Whether values are shown in clear. */
  readonly clear: boolean
  /** Of a recorded decision: what it was, and under which policy. */
  readonly recorded: {
    readonly decision: string
    readonly verdict: string
    readonly policy: string
  } | null
}

/**
 * Why an action would get its verdict. Its values are shown in clear: whoever asks gave them. Nothing is written and
 * nobody is asked.
 *
 * @param request.data - an engine's folder, whose state counts; null starts from none
 * @throws {PolicyError} as `parseActionText` and `openBundle`; STORE_FAILED for a folder without a store
 */
export async function explainAction(request: {
  readonly source: PolicySource
  /** JSON. */
  readonly action: string
  readonly role: string
  /** Unix milliseconds. */
  readonly now: number
  readonly data: string | null
  readonly all: boolean
}): Promise<Explained> {
  const { source, data, now, all, role } = request
  const bundle = await openBundle(source)
  const credential = { project: bundle.policy.project, agents: ['*'], role }
  const action = parseActionText(request.action, credential)
  const policy = loadPolicy(bundle)
  const key = data === null ? REPLAY_KEY : keyOf(data)
  const state = data === null ? {} : await readState(data, stateKeys(policy, action, key))
  const explanation = explain(policy, { action, state, now, key }, { clear: true, all })
  return { explanation, policy: bundle.digest, clear: true, recorded: null }
}

/**
 * Why a recorded decision got its verdict, from the state that it read. Under the policy of its day that is the verdict
 * in its receipt; under another it is what that would say.
 *
 * @param request.signer - a person who may see values in clear: on a route that the decision waited for, or, when it
 *   waited for nobody, on the roster. Null shows HMACs.
 * @throws {PolicyError} RECEIPT_UNKNOWN, STORE_KEY_MISMATCH when what it was made from was erased, KEY_NOT_PINNED,
 *   REVIEWER_NOT_ON_ROUTE; USAGE_INVALID for the receipt of how a request ended
 */
export async function explainDecision(request: {
  readonly source: PolicySource
  readonly decision: string
  readonly data: string
  readonly signer: ReviewSigner | null
  readonly all: boolean
}): Promise<Explained> {
  const { source, decision, data, signer, all } = request
  const store = openStoreForReading(data)
  try {
    const { inputs, predicate } = await openDecision(store, decision)
    if (predicate.stage !== 'verdict') {
      const message = `${decision} says how a request ended; explain the decision that held its action`
      throw new PolicyError('USAGE_INVALID', message)
    }
    const bundle = await openBundle(source)
    if (signer !== null) checkReader(bundle.policy, predicate, signer)
    const { action, state, now } = inputs
    const input = { action, state, now, key: keyOf(data) }
    const clear = signer !== null
    const recorded = {
      decision,
      verdict: predicate.decision,
      policy: `sha256:${predicate.policyDigest.sha256}`,
    }
    const explanation = explain(loadPolicy(bundle), input, { clear, all })
    return { explanation, policy: bundle.digest, clear, recorded }
  } finally {
    await store.close()
  }
}

function keyOf(data: string) {
  return hmacKey(openDataFolder(data).evidenceKey)
}

async function readState(data: string, keys: readonly string[]): Promise<StateSlice> {
  const store = openStoreForReading(data)
  try {
    return await store.transact((tx) => tx.readState(keys))
  } finally {
    await store.close()
  }
}

/** As with requests: clear values are for the people whom the policy asks. */
function checkReader(policy: CompiledPolicy, { route }: Predicate, signer: ReviewSigner): void {
  const person = policy.people.find(({ keys }) =>
    keys.some((key) => key.fingerprint === signer.fingerprint && key.revoked_at === null),
  )
  if (person === undefined) {
    const message = `no person on the roster has the key ${signer.fingerprint}`
    throw new PolicyError('KEY_NOT_PINNED', message)
  }
  const asked = policy.routes.filter(({ id }) => route.includes(id))
  if (route.length === 0 || asked.some(({ reviewers }) => reviewers.includes(person.id))) return
  const message = `${person.id} is on none of the routes ${route.join(', ')}`
  throw new PolicyError('REVIEWER_NOT_ON_ROUTE', message)
}
