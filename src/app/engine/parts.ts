import type { ProofSigner } from '../../host/grant-key.ts'
import type { Credential } from '../../model/nouns.ts'
import type {
  Clock,
  Entropy,
  Forge,
  GrantSigner,
  LogSigner,
  Notifier,
  Sleep,
  Store,
} from '../../model/ports.ts'
import type { Sweeper } from '../approvals/sweep.ts'
import type { Attestor } from '../receipts/attestor.ts'
import type { Batcher } from './batch.ts'
import type { Judge } from './judge.ts'
import type { Secrets } from './secrets.ts'

/** What the engine's use cases are wired to. */
export type Parts = {
  readonly credential: Credential
  /** Of the policy of this moment: `arm` puts another in its place, between two actions. */
  readonly judge: Judge
  arm(judge: Judge): Promise<void>
  /** Where the engine keeps what it knows. */
  readonly dataFolder: string
  readonly store: Store
  readonly batcher: Batcher
  readonly forge: Forge
  /** Whether pull requests are opened here where the forge has accounts. */
  readonly opensPulls: boolean
  readonly sweeper: Sweeper
  /** Who has others vouch for the log; it does nothing unless the policy says so. */
  readonly attestor: Attestor
  /** Who tells people outside the forge; null where nobody is told. */
  readonly notifier: Notifier | null
  readonly signer: LogSigner
  readonly grants: GrantSigner
  readonly proofs: ProofSigner
  readonly secrets: Secrets
  readonly clock: Clock
  readonly entropy: Entropy
  readonly sleep: Sleep
  /** 32 bytes; HMACs of values in state, evidence and idempotency records. */
  readonly evidenceKey: Uint8Array
}
