import { randomBytes } from 'node:crypto'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { openDataFolder } from '../../host/data-folder.ts'
import { publishLog, repairLog } from '../../host/log-folder.ts'
import { openLogSigner } from '../../host/log-key.ts'
import type { GenesisReceipt } from '../../model/generated/types.ts'
import type { Store } from '../../model/ports.ts'
import { openStoreForReading } from '../engine/open-engine.ts'
import type { ErasingPlace } from './erasing.ts'

/** A data folder in which to erase, without a policy: an engine may run over it meanwhile. */
export type OpenedPlace = ErasingPlace & {
  readonly evidenceKey: Uint8Array
  close(): Promise<void>
}

/** @throws {PolicyError} STORE_FAILED when there is none; STORE_KEY_MISMATCH when the log has another key */
export async function openErasingPlace(data: string): Promise<OpenedPlace> {
  const store = openStoreForReading(data)
  try {
    const folder = openDataFolder(data)
    const { origin, verifierKey } = await genesisOf(store)
    const signer = openLogSigner(folder.logKey, origin)
    if (signer.verifierKey !== verifierKey) {
      const message = `the log of this store is ${verifierKey}; the key file is ${signer.verifierKey}`
      throw new PolicyError('STORE_KEY_MISMATCH', message)
    }
    const log = { folder: folder.log, store, signer }
    const publish = () =>
      store.exclusively(async () => {
        await repairLog(log)
        await publishLog(log)
      })
    return {
      ...{ store, origin, evidenceKey: folder.evidenceKey },
      entropy: (bytes) => randomBytes(bytes),
      run: async (unit) => {
        await publish() // What a crash has left.
        const made = await store.transact(unit)
        await publish()
        return made
      },
      close: () => store.close(),
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function genesisOf(store: Store): Promise<GenesisReceipt['predicate']> {
  const [first] = await store.receipts(0, 1)
  if (first === undefined) throw new PolicyError('RECEIPT_UNKNOWN', 'no receipt in this store')
  return (JSON.parse(fromUtf8(first)) as GenesisReceipt).predicate
}
