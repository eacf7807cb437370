export type {
  AcceptInput,
  Custody,
  HandoffInput,
  OutcomeInput,
  StepDraft,
  StepInput,
  StepSigner,
} from './app/engine/custody.ts'
export type { MandateInput } from './app/engine/custody-mandates.ts'
export type { StepTaken } from './app/engine/custody-take.ts'
export type { Delivery, DeliverySummary, ShownStep } from './app/engine/custody-views.ts'
export type { DecideOptions } from './app/engine/decide.ts'
export type {
  ActionInput,
  Answer,
  AskOptions,
  Engine,
  GuardOptions,
  ResultAnswer,
  RollbackAnswer,
  WaitOptions,
} from './app/engine/engine.ts'
export type { Execution, ExecutionReport, RedeemOptions } from './app/engine/grants.ts'
export { type OpenOptions, open, type UpdateOptions } from './app/engine/open-engine.ts'
export type { Reloaded } from './app/engine/reload.ts'
export type { RollbackOptions } from './app/engine/rollback.ts'
export type { ProofOptions } from './app/receipts/decision-proof.ts'
export type { Change } from './base/diff.ts'
export { ERROR_CODES, type ErrorCode, PolicyError } from './base/errors.ts'
export type { JsonObject, JsonValue } from './base/json-value.ts'
export type { BundleSource } from './host/bundle-feed.ts'
export { openSqliteLedger } from './host/grant-ledger.ts'
export type { WebhookListener, WebhookListenerOptions } from './host/webhooks/listener.ts'
export { openWebhookListener } from './host/webhooks/listener.ts'
export { readWebhookSecrets } from './host/webhooks/secrets.ts'
export type { Action, Finding, Obligation, Outcome } from './model/generated/types.ts'
export type { Credential } from './model/nouns.ts'
export type {
  Clock,
  Forge,
  ForgeIdentity,
  ForgeReview,
  GrantLedger,
  Jwk,
  Jwks,
  Pull,
  PullClosing,
  PullText,
  SecretProvider,
  SecretProviders,
} from './model/ports.ts'
export type { GrantContext } from './trust/verify/grant.ts'
export { verifyGrant } from './trust/verify/grant.ts'
export { createMemoryLedger } from './trust/verify/grant-ledger.ts'
