import type { Credential } from '../model/nouns.ts'
import type { Clock, Entropy, Forge, LogSigner, Sleep, Store } from '../model/ports.ts'
import type { Batcher } from './batch.ts'
import type { Judge } from './judge.ts'

/** What the engine's use cases are wired to. */
export type Parts = {
  readonly credential: Credential
  readonly judge: Judge
  readonly store: Store
  readonly batcher: Batcher
  readonly forge: Forge
  readonly signer: LogSigner
  readonly clock: Clock
  readonly entropy: Entropy
  readonly sleep: Sleep
  /** 32 bytes; HMACs of values in state, evidence and idempotency records. */
  readonly evidenceKey: Uint8Array
}
