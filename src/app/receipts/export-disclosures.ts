import type { Disclosure } from '../../base/commitments.ts'
import { commitAction } from '../../base/commitments.ts'
import { decodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Path } from '../../base/path.ts'
import { readPath } from '../../base/path.ts'
import type { DecisionReceipt, Receipt } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import type { ExportLine } from '../../model/receipt-export.ts'
import { actionDocument, type Inputs, openDecision } from '../engine/record.ts'

/** What opens the shown fields of a receipt, and whether there was anything to open them with. */
export type Opening = Pick<ExportLine, 'disclosures' | 'patched'> & { readonly isErased: boolean }

type Reader = Pick<Store, 'decision' | 'subjectKey' | 'request'>

/**
 * Opens fields of a decision's action out of its sealed inputs, and those of the action as people left it. A field that
 * the action does not have, and inputs that were erased, open nothing.
 *
 * @throws {PolicyError} STORE_FAILED and its kin
 */
export async function openFields(
  store: Reader,
  receipt: Receipt,
  paths: readonly Path[],
): Promise<Opening> {
  if (paths.length === 0 || !receipt.predicateType.includes('/attestation/decision/')) {
    return { isErased: false }
  }
  const { subject, predicate } = receipt as DecisionReceipt
  const sources = await sourcesOf(store, predicate)
  if (sources === null) return { isErased: true }
  const disclosures = disclosed(sources.asked, `sha256:${subject[0]?.digest.sha256}`, paths)
  const root = predicate.resolution?.patchedRoot
  const patched = root === undefined ? [] : disclosed(sources.ran, root, paths)
  return {
    ...(disclosures.length === 0 ? {} : { disclosures }),
    ...(patched.length === 0 ? {} : { patched }),
    isErased: false,
  }
}

type Sources = { readonly asked: Inputs; readonly ran: Inputs }

async function sourcesOf(
  store: Reader,
  { stage, id }: DecisionReceipt['predicate'],
): Promise<Sources | null> {
  try {
    if (stage === 'verdict') {
      const { inputs } = await openDecision(store, id)
      return { asked: inputs, ran: inputs }
    }
    const record = await store.request(id)
    if (record === null || record.resolution === null) return null
    const asked = await openDecision(store, record.request.decision)
    const ran = await openDecision(store, record.resolution.record)
    return { asked: asked.inputs, ran: ran.inputs }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'RECEIPT_UNKNOWN' || error.code === 'STORE_KEY_MISMATCH') return null
    throw error
  }
}

/** A value with all that holds it, and all that it holds; nothing when these are the inputs of another root. */
function disclosed(inputs: Inputs, root: string, paths: readonly Path[]): Disclosure[] {
  const { action, seed, hidden } = inputs
  const document = actionDocument(action)
  const committed = commitAction(document, { seed: decodeHex(seed), fields: [...hidden, 'result'] })
  if (committed.root !== root) return []
  const wanted = paths.flatMap((path) => readPath(document, path).map(({ pointer }) => pointer))
  return committed.disclosures.filter(({ pointer }) =>
    wanted.some(
      (place) =>
        place === pointer || place.startsWith(`${pointer}/`) || pointer.startsWith(`${place}/`),
    ),
  )
}
