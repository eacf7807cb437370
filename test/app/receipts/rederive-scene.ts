import { openJudge } from '../../../src/app/engine/judge.ts'
import type { Parts } from '../../../src/app/engine/parts.ts'
import type { Inputs } from '../../../src/app/engine/record.ts'
import { type RederiveRequest, rederive } from '../../../src/app/receipts/rederive.ts'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../../src/base/digest.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import { seal, unseal } from '../../../src/host/seal.ts'
import type { Store } from '../../../src/model/ports.ts'
import type { RederiveReport } from '../../../src/model/rederive-report.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'

export type Changes = {
  /** Bundles to look digests up in. */
  readonly bundles: readonly Bundle[]
  readonly under?: Bundle
  readonly key?: Uint8Array
  readonly store?: Store
  readonly only?: RederiveRequest['only']
}

/** Derives the receipts of an engine again. */
export async function rederiveAll(
  { store, evidenceKey }: Pick<Parts, 'store' | 'evidenceKey'>,
  { bundles, under, key = evidenceKey, store: other = store, only }: Changes,
): Promise<RederiveReport> {
  const judges = bundles.map((bundle) => openJudge(under ?? bundle, key))
  const byDigest = new Map(bundles.map(({ digest }, i) => [digest, judges[i]]))
  const shelf = {
    judge: async (digest: string) => byDigest.get(digest as Bundle['digest']) ?? null,
    close: async () => undefined,
  }
  try {
    return await rederive({
      ...{ store: other, evidenceKey: key, shelf },
      ...(only === undefined ? {} : { only }),
    })
  } finally {
    for (const judge of judges) await judge.close()
  }
}

/** A store that has other inputs sealed with one decision. */
export function withInputs(store: Store, id: string, change: (inputs: Inputs) => unknown): Store {
  return {
    ...store,
    decision: async (asked) => {
      const found = await store.decision(asked)
      if (found === null || asked !== id) return found
      const key = await store.subjectKey(found.inputs.subject)
      if (key === null) return found
      const inputs = JSON.parse(fromUtf8(unseal(key, found.inputs.ciphertext, id))) as Inputs
      const changed = utf8(JSON.stringify(change(inputs)))
      return { ...found, inputs: { ...found.inputs, ciphertext: seal(key, changed, id) } }
    },
  }
}

/** A store in which one receipt says something else. */
export function withReceipt(
  store: Store,
  index: number,
  change: (receipt: { predicate: Record<string, unknown> }) => unknown,
): Store {
  return {
    ...store,
    receipts: async (from, limit) =>
      (await store.receipts(from, limit)).map((bytes, i) =>
        from + i === index
          ? utf8(canonicalize(change(JSON.parse(fromUtf8(bytes))) as JsonValue))
          : bytes,
      ),
  }
}
