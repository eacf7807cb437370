import type { GateVerdict } from './gate.ts'

/** One thing that a release must show. */
export type ReleaseProperty = {
  /** `policy-check`, `prompt`, `eval/refunds`, `latency/1`, `rollback`, ... */
  readonly id: string
  readonly passed: boolean
  /** What the gate says because of it: `allow` exactly when it passed, or when people decided to let it pass. */
  readonly says: GateVerdict
  /** Why it did not pass. */
  readonly code: string | null
  readonly detail: string
  /** The file that it was read from: from the evidence folder, or of the policy. */
  readonly file?: string
  readonly line?: number
  /** Where the manifest asks for what did not hold. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number }
}

/** What is released, by digest. */
export type ReleaseFacts = {
  readonly release: string
  readonly agent: string
  readonly version: string
  readonly fingerprint: string
  /** What evidence names. */
  readonly digest: string
  readonly prompt: string
  readonly tools: string
  readonly artefacts: readonly { readonly name: string; readonly digest: string }[]
  readonly rollback: string | null
}

/** What people said of a hold. */
export type ReleaseApproval = {
  readonly request: string
  readonly decision: string
  readonly status: string
  readonly where?: string
}

/** What `gate release` found out. */
export type ReleaseGate = {
  readonly verdict: GateVerdict
  /** In one sentence. */
  readonly reason: string
  /** Null when there is no policy that compiles. */
  readonly release: ReleaseFacts | null
  /** The bundle's digest; null when it does not compile. */
  readonly policy: string | null
  readonly properties: readonly ReleaseProperty[]
  /** Files of evidence that were read, each with its digest, sorted. */
  readonly evidence: readonly { readonly file: string; readonly digest: string }[]
  /** What was taken on trust, in sentences. */
  readonly not_proven: readonly string[]
  /** Null where nobody was asked. */
  readonly approval: ReleaseApproval | null
}

/** What the attestation of a release was found to say. */
export type ReleaseVerification = {
  readonly status: 'verified' | 'refused'
  readonly identity: { readonly issuer: string; readonly subject: string } | null
  /** Unix time stamps as RFC 3339, sorted. */
  readonly times: readonly string[]
  readonly policy: string | null
  readonly properties: readonly string[]
  /** The artefacts that were asked about. */
  readonly artefacts: readonly string[]
  /** What `release.json` names; null when it was not looked at. */
  readonly release: {
    readonly name: string
    readonly agent: string
    readonly version: string
  } | null
  readonly problems: readonly { readonly code: string; readonly message: string }[]
}
