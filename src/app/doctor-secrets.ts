import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { parseSecretReference } from '../base/secret-reference.ts'
import type { CompiledPolicy, DecisionReceipt, Receipt } from '../model/generated/types.ts'
import type { Store } from '../model/ports.ts'
import type { Examination } from './doctor.ts'
import type { Secrets } from './engine/secrets.ts'

/**
 * Looks at the secrets that agents may use: which must be another one by now or soon, which cannot be had, and which were
 * named where the agent may not use them. Holds no value, and keeps none.
 */
export async function examineSecretUse(about: {
  readonly policy: CompiledPolicy
  readonly secrets: Pick<Secrets, 'read'>
  /** Null before the first decision. */
  readonly store: Pick<Store, 'receipts' | 'size'> | null
  /** Unix milliseconds. */
  readonly now: number
}): Promise<readonly Examination[]> {
  const { policy, secrets, store, now } = about
  const credentials = policy.agents.flatMap(({ agent, credentials: listed = [] }) =>
    listed.map((one) => ({ ...one, agent })),
  )
  if (credentials.length === 0) return []
  const found = credentials.flatMap((credential) => examineRotation(credential, now))
  const references = [...new Set(credentials.map(({ secret }) => secret))]
  for (const text of references.slice(0, REFERENCES_MAX)) {
    found.push(...(await examineProvider(policy, secrets, text)))
  }
  if (store !== null) found.push(...(await examineUses(store)))
  return found
}

const REFERENCES_MAX = 64
const DAY_MS = 24 * 60 * 60 * 1000
const ROTATION_NEAR_DAYS = 14

function examineRotation(
  credential: {
    readonly agent: string
    readonly secret: string
    readonly rotate_by: string | null
  },
  now: number,
): Examination[] {
  const { agent, secret, rotate_by: day } = credential
  if (day === null) return []
  // The day itself still counts.
  const left = Math.ceil((Date.parse(day) + DAY_MS - now) / DAY_MS) - 1
  const what = `${secret} of ${agent} must be another one by ${day}`
  if (left < 0) return [{ name: 'rotation', state: 'failed', message: `${what}, which is past` }]
  if (left > ROTATION_NEAR_DAYS) return []
  const when = left === 0 ? 'today' : `in ${left} day${left === 1 ? '' : 's'}`
  return [{ name: 'rotation', state: 'warning', message: `${what}: ${when}` }]
}

async function examineProvider(
  policy: CompiledPolicy,
  secrets: Pick<Secrets, 'read'>,
  text: string,
): Promise<Examination[]> {
  const reference = parseSecretReference(text)
  // With a glob it is not known which secrets it stands for.
  if (reference === null) return []
  try {
    await secrets.read(policy, reference)
    return [{ name: 'secret', state: 'ok', message: `${text} can be had` }]
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return [{ name: 'secret', state: 'failed', message: `${error.code}: ${error.message}` }]
  }
}

const RECEIPTS_MAX = 1_000

/** Uses that were refused, or that a rule was about, in the newest receipts. */
async function examineUses(store: Pick<Store, 'receipts' | 'size'>): Promise<Examination[]> {
  const size = await store.size()
  const receipts = await store.receipts(Math.max(0, size - RECEIPTS_MAX), RECEIPTS_MAX)
  const counts = new Map<string, number>()
  for (const bytes of receipts) {
    const receipt = JSON.parse(fromUtf8(bytes)) as Receipt
    if (!isDecision(receipt)) continue
    const { findings, action } = receipt.predicate
    for (const { rule, code, kind } of findings) {
      if (code !== 'SECRET_OUT_OF_SCOPE' && kind !== 'credential') continue
      const what = `${rule} for ${String(action['agent'])}`
      counts.set(what, (counts.get(what) ?? 0) + 1)
    }
  }
  return [...counts].sort().map(([what, count]) => ({
    name: 'secret use',
    state: 'warning',
    message: `${what}: ${count} of the newest ${receipts.length} receipts`,
  }))
}

function isDecision(receipt: Receipt): receipt is DecisionReceipt {
  return 'findings' in receipt.predicate
}
