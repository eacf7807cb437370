export type { DecideOptions } from './app/decide.ts'
export type {
  ActionInput,
  Answer,
  AskOptions,
  Engine,
  GuardOptions,
  WaitOptions,
} from './app/engine.ts'
export { type OpenOptions, open } from './app/open-engine.ts'
export type { Change } from './base/diff.ts'
export { ERROR_CODES, type ErrorCode, PolicyError } from './base/errors.ts'
export type { JsonObject, JsonValue } from './base/json-value.ts'
export type { Action, Finding, Obligation, Outcome } from './model/generated/types.ts'
export type { Credential } from './model/nouns.ts'
export type {
  Clock,
  Forge,
  ForgeIdentity,
  ForgeReview,
  Pull,
  PullClosing,
  PullText,
} from './model/ports.ts'
