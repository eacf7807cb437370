import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { openDataFolder } from '../host/data-folder.ts'
import { openLocalForge } from '../host/forge-local.ts'
import { publishLog, repairLog } from '../host/log-folder.ts'
import { openLogSigner } from '../host/log-key.ts'
import { openSqliteStore } from '../host/store-sqlite.ts'
import type { GenesisReceipt } from '../model/generated/types.ts'
import type { Credential } from '../model/nouns.ts'
import type { Clock, Forge, LogSigner, Store } from '../model/ports.ts'
import { type Bundle, readBundle } from '../policy/bundle/index.ts'
import { genesisReceipt } from '../trust/receipt/index.ts'
import { openBatcher } from './batch.ts'
import { openBundle } from './compile-policy.ts'
import { type Engine, engineOf } from './engine.ts'
import { openJudge } from './judge.ts'
import type { Parts } from './parts.ts'
import { isoTime } from './record.ts'
import { openPull, publishResolution } from './resolve.ts'

export type OpenOptions = {
  /** A policy repository's folder; it is compiled now. Either this or `bundle`. */
  readonly policy?: string
  /** A built bundle: a file, or its bytes. */
  readonly bundle?: string | Uint8Array | Bundle
  /** The folder for the store, the receipt log and the local forge. Default: `.countersign`. */
  readonly store?: string
  /** Where people review requests. Default: the local forge that the policy names, in the store's folder. */
  readonly forge?: Forge
  /** What the caller may speak for. Nothing in an action can widen it. */
  readonly credential: Credential
  /** Wall time in Unix milliseconds. Default: the system's. */
  readonly clock?: Clock
}

/**
 * Opens the engine in this process.
 *
 * @throws {PolicyError} with the diagnostics' first code when the policy does not compile, BUNDLE_* when the bundle
 *   cannot be read, PROJECT_NOT_OWNED when the credential is for another project, STORE_* and LOG_* for a broken store
 */
export async function open(options: OpenOptions): Promise<Engine> {
  const parts = await openParts(options)
  return engineOf(parts, () => closeParts(parts))
}

/** The engine's parts, for use cases beyond the library's own methods. */
export async function openParts(options: OpenOptions): Promise<Parts> {
  const bundle = await loadBundle(options)
  const { credential } = options
  if (credential.project !== bundle.policy.project) {
    throw new PolicyError(
      'PROJECT_NOT_OWNED',
      `the credential is for the project ${credential.project}; the policy is of ${bundle.policy.project}`,
    )
  }
  const clock = options.clock ?? Date.now
  const folder = openDataFolder(options.store ?? '.countersign')
  const store = openSqliteStore(folder.store, folder.wrappingKey)
  const signer = openLogSigner(folder.logKey, bundle.policy.log_origin)
  await ensureGenesis(store, signer, { project: bundle.policy.project, now: clock() })
  const log = { folder: folder.log, store, signer }
  const publish = () => store.exclusively(async () => void (await publishLog(log)))
  await store.exclusively(() => repairLog(log))
  await publish()
  const { path, base } = bundle.policy.forge
  const parts: Parts = {
    credential,
    judge: openJudge(bundle, folder.evidenceKey),
    store,
    batcher: openBatcher(store, publish),
    forge: options.forge ?? openLocalForge({ folder: join(folder.root, path), base, now: clock }),
    signer,
    clock,
    entropy: (bytes) => randomBytes(bytes),
    sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
    evidenceKey: folder.evidenceKey,
  }
  await catchUp(parts)
  return parts
}

/**
 * Opens the engine for whoever owns its folder: every agent of the policy's project.
 *
 * @param role - the role to act in. Default: `agent`
 */
export async function openAsOwner(
  options: Pick<OpenOptions, 'policy' | 'bundle' | 'store'>,
  role = 'agent',
): Promise<Parts> {
  const bundle = await loadBundle(options)
  const { store } = options
  return openParts({
    bundle,
    ...(store === undefined ? {} : { store }),
    credential: { project: bundle.policy.project, agents: ['*'], role },
  })
}

/** The store of a data folder, for looking at. @throws {PolicyError} STORE_FAILED when there is none */
export function openStoreForReading(root: string): Store {
  if (!existsSync(join(root, 'store.sqlite'))) {
    throw new PolicyError(
      'STORE_FAILED',
      `${root} holds no store; name the engine's data folder with --data`,
    )
  }
  const folder = openDataFolder(root)
  return openSqliteStore(folder.store, folder.wrappingKey)
}

export async function closeParts(parts: Parts): Promise<void> {
  await parts.batcher.idle()
  await parts.judge.close()
  await parts.store.close()
}

/** The bundle that the options name: compiled now, or read. */
export async function loadBundle(options: Pick<OpenOptions, 'policy' | 'bundle'>): Promise<Bundle> {
  const { policy, bundle } = options
  if ((policy === undefined) === (bundle === undefined)) {
    throw new PolicyError('USAGE_INVALID', 'expected either a policy folder or a bundle')
  }
  if (policy !== undefined) return openBundle({ folder: policy })
  if (bundle instanceof Uint8Array) return readBundle(bundle)
  return typeof bundle === 'object' ? bundle : openBundle({ bundle: String(bundle) })
}

/** Entry 0 names the log and its key; a store whose log has another key is not ours. */
async function ensureGenesis(
  store: Store,
  signer: LogSigner,
  about: { readonly project: string; readonly now: number },
): Promise<void> {
  const receipt = genesisReceipt({
    origin: signer.origin,
    verifierKey: signer.verifierKey,
    project: about.project,
    issuedAt: isoTime(about.now),
  })
  await store.transact(async (tx) => {
    if ((await tx.decision(GENESIS)) !== null) return
    await tx.appendDecision({
      id: GENESIS,
      at: about.now,
      agent: '',
      root: 'sha256:',
      receipt,
      inputs: { subject: '', ciphertext: new Uint8Array() },
    })
  })
  const [first] = await store.receipts(0, 1)
  const { predicate } = JSON.parse(fromUtf8(first ?? receipt)) as GenesisReceipt
  if (predicate.verifierKey === signer.verifierKey) return
  throw new PolicyError(
    'STORE_KEY_MISMATCH',
    `the log of this store is ${predicate.verifierKey}; the key file is ${signer.verifierKey}`,
  )
}

const GENESIS = 'genesis'

/** Finishes what a crash or an outage left: pull requests to open, resolutions to tell the forge. */
async function catchUp(parts: Parts): Promise<void> {
  for (const found of await parts.store.requests({ state: 'unpublished' })) {
    try {
      if (found.resolution === null) await openPull(parts, found)
      else await publishResolution(parts, found)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      // The forge is away, or this one request is damaged there, which must not stop all others; every later look at
      // the request tries again, and says why it fails.
      if (error.retryable) return
    }
  }
}
