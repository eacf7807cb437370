import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { BundleSource } from '../../host/bundle-feed.ts'
import { openBundleFeed } from '../../host/bundle-feed.ts'
import { openDataFolder } from '../../host/data-folder.ts'
import { openTokenSigners } from '../../host/grant-key.ts'
import { publishLog, repairLog } from '../../host/log-folder.ts'
import { openLogSigner } from '../../host/log-key.ts'
import { openSecretProviders } from '../../host/secrets/index.ts'
import { openSqliteStore } from '../../host/store-sqlite.ts'
import type {
  CompiledPolicy,
  CompiledSelfTest,
  GenesisReceipt,
} from '../../model/generated/types.ts'
import type { Credential } from '../../model/nouns.ts'
import type {
  Clock,
  Forge,
  LogSigner,
  Notifier,
  SecretProviders,
  Store,
} from '../../model/ports.ts'
import { type Bundle, readBundle } from '../../policy/bundle/index.ts'
import { genesisReceipt } from '../../trust/receipt/index.ts'
import { parseTrust } from '../../trust/verify/index.ts'
import { openForge } from '../approvals/open-forge.ts'
import { openPolicyNotifier } from '../approvals/open-notifier.ts'
import { openSweeper, type Sweeper } from '../approvals/sweep.ts'
import { openBundle } from '../policy/compile-policy.ts'
import { type Attestor, type AttestorOptions, openAttestor } from '../receipts/attestor.ts'
import { retainRegularly } from '../receipts/retain.ts'
import { openBatcher } from './batch.ts'
import { type Engine, engineOf } from './engine.ts'
import { openJudge } from './judge.ts'
import type { Parts } from './parts.ts'
import { isoTime } from './record.ts'
import type { Reloaded, Reloader } from './reload.ts'
import { openReloader } from './reload.ts'
import { openSecrets } from './secrets.ts'
import { selfTest } from './self-test.ts'

export type OpenOptions = {
  /** A policy repository's folder; it is compiled now. Either this or `bundle`. */
  readonly policy?: string
  /** A built bundle: a file, or its bytes. */
  readonly bundle?: string | Uint8Array | Bundle
  /** The folder for the store, the receipt log and the local forge. Default: `.countersign`. */
  readonly store?: string
  /** Where people review requests. Default: the local forge that the policy names, in the store's folder. */
  readonly forge?: Forge
  /** Who tells people outside the forge that they are wanted. Default: as the policy's `notify` says. */
  readonly notifier?: Notifier
  /** What the caller may speak for. Nothing in an action can widen it. */
  readonly credential: Credential
  /** Wall time in Unix milliseconds. Default: the system's. */
  readonly clock?: Clock
  /**
   * Where values of secrets come from that payloads name: providers in the place of those that the policy sets up, or
   * `keep`, which leaves the references in payloads for a caller that follows them. Default: the policy's providers.
   */
  readonly secrets?: 'keep' | SecretProviders
  /**
   * Whether pull requests are opened here on a forge with accounts, where nobody can review what they opened. `false` is for
   * a process that holds a reviewer's credentials. Default: true.
   */
  readonly opensPulls?: boolean
  /**
   * What attestations are signed with, where the policy asks for some. Default: the identity token that the surroundings
   * give: `COUNTERSIGN_IDENTITY_TOKEN_FILE`, `SIGSTORE_ID_TOKEN`, GitHub Actions.
   */
  readonly attest?: Omit<AttestorOptions, 'environment'>
  /** Where newer versions of the policy come from, for `reload`. Default: there are none. */
  readonly updates?: UpdateOptions
}

export type UpdateOptions = {
  readonly from: BundleSource
  /** A trust file's text: its `bundle_signers` must have signed what is taken. Default: nobody need sign. */
  readonly trust?: string
  /** Actions that every version must refuse, beside those that the policies themselves name. */
  readonly selfTests?: readonly CompiledSelfTest[]
  /** How often to look, in milliseconds. Default: only when `reload` is called. */
  readonly everyMs?: number
  /** Told of each look that took a version, or refused one. Default: nobody is told. */
  readonly onLook?: (seen: Reloaded | PolicyError) => void
}

/**
 * Opens the engine in this process.
 *
 * @throws {PolicyError} with the diagnostics' first code when the policy does not compile, BUNDLE_* when the bundle
 *   cannot be read, PROJECT_NOT_OWNED when the credential is for another project, STORE_* and LOG_* for a broken store;
 *   with `updates`, as {@link Reloader}.resume
 */
export async function open(options: OpenOptions): Promise<Engine> {
  const parts = await openParts(options)
  const stopRetaining = retainRegularly(parts)
  const closeAll = async (): Promise<void> => {
    await stopRetaining()
    await closeParts(parts)
  }
  const { updates } = options
  if (updates === undefined) {
    parts.sweeper.start()
    parts.attestor.start()
    return engineOf(parts, closeAll)
  }
  const { from, trust, selfTests } = updates
  const reloader = openReloader(parts, {
    feed: openBundleFeed(from),
    folder: parts.dataFolder,
    ...(trust === undefined ? {} : { trust: parseTrust(trust) }),
    ...(selfTests === undefined ? {} : { selfTests }),
  })
  try {
    await reloader.resume()
  } catch (cause) {
    await closeAll()
    throw cause
  }
  parts.sweeper.start()
  parts.attestor.start()
  const stop = lookRegularly(reloader, updates)
  const close = async (): Promise<void> => {
    await stop()
    await closeAll()
  }
  return engineOf(parts, close, reloader)
}

/** @returns what stops it, once the look that is under way has ended */
function lookRegularly(
  reloader: Reloader,
  { everyMs, onLook }: UpdateOptions,
): () => Promise<void> {
  if (everyMs === undefined) return async () => undefined
  let looking: Promise<void> = Promise.resolve()
  let isBusy = false
  const look = async (): Promise<void> => {
    isBusy = true
    try {
      const seen = await reloader.reload()
      if (seen.state === 'armed') onLook?.(seen)
    } catch (cause) {
      const code = 'ENGINE_FAILED'
      onLook?.(
        cause instanceof PolicyError ? cause : new PolicyError(code, String(cause), { cause }),
      )
    } finally {
      isBusy = false
    }
  }
  const timer = setInterval(() => {
    if (!isBusy) looking = look()
  }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await looking
  }
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
  let judge = openJudge(bundle, folder.evidenceKey)
  if (bundle.policy.self_test.length > 0) await selfTest(judge, bundle.policy.self_test, clock())
  let sweeper: Sweeper
  let attestor: Attestor
  const notices = openPolicyNotifier({
    policy: () => judge.bundle.policy,
    ...{ folder: folder.root, environment: process.env },
  })
  const parts: Parts = {
    credential,
    get judge() {
      return judge
    },
    arm: (next) =>
      // A unit of its own: no decision sees two policies.
      parts.batcher.run(async () => {
        const before = judge
        judge = next
        await before.close()
      }),
    dataFolder: folder.root,
    opensPulls: options.opensPulls ?? true,
    secrets: openSecrets(providersOf(options.secrets, folder.root), options.secrets !== 'keep'),
    store,
    batcher: openBatcher(store, publish),
    forge:
      options.forge ??
      openForge(bundle.policy.forge, {
        ...{ folder: folder.root, now: clock, environment: process.env },
      }),
    get sweeper() {
      return sweeper
    },
    get attestor() {
      return attestor
    },
    get notifier() {
      // Where nobody is to be told, the engine need not remember who was.
      const policyNotifier = judge.bundle.policy.notify === undefined ? null : notices
      return options.notifier ?? policyNotifier
    },
    signer,
    ...(await openTokenSigners(folder)),
    clock,
    entropy: (bytes) => randomBytes(bytes),
    sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
    evidenceKey: folder.evidenceKey,
  }
  sweeper = openSweeper(parts)
  attestor = openAttestor(parts, { environment: process.env, ...options.attest })
  await sweeper.catchUp()
  return parts
}

function providersOf(
  secrets: OpenOptions['secrets'],
  folder: string,
): (policy: CompiledPolicy) => SecretProviders {
  if (typeof secrets === 'object') return () => secrets
  return (policy) => openSecretProviders(policy.secrets, { folder, environment: process.env })
}

/**
 * Opens the engine for whoever owns its folder: every agent of the policy's project. References to secrets stay in
 * payloads unless the options say otherwise: what a command prints is kept by terminals and CI.
 *
 * @param role - the role to act in. Default: `agent`
 */
export async function openAsOwner(
  options: Pick<OpenOptions, 'policy' | 'bundle' | 'store' | 'opensPulls' | 'forge'> & {
    readonly secrets?: 'keep' | 'follow'
  },
  role = 'agent',
): Promise<Parts> {
  const bundle = await loadBundle(options)
  const { store, forge, secrets, opensPulls = true } = options
  return openParts({
    ...{ bundle, opensPulls },
    ...(forge === undefined ? {} : { forge }),
    ...(secrets === 'follow' ? {} : { secrets: 'keep' as const }),
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

/** The key of HMACs in the state and the evidence of a data folder. */
export function evidenceKeyOf(root: string): Uint8Array {
  return openDataFolder(root).evidenceKey
}

const NOTICES_MS_MAX = 5_000

export async function closeParts(parts: Parts): Promise<void> {
  await Promise.all([parts.sweeper.stop(), parts.attestor.stop()])
  // A command ends right after its decision; what it has to tell gets a moment.
  await parts.notifier?.idle?.(NOTICES_MS_MAX)
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
