import type { GateVerdict } from '../src/model/gate.ts'
import type { Annotation } from '../src/report/annotations.ts'
import type { Target } from './targets.ts'

/** What a mode found out about one change or release, ready to be shown. */
export type Judged = {
  readonly verdict: GateVerdict
  readonly reason: string
  /** The commit that it is about; null for a release. */
  readonly sha: string | null
  /** Digests of the policy that merging would make, and of the one that judged. */
  readonly digest: string | null
  readonly baseDigest: string | null
  readonly counts: Readonly<Record<string, number>>
  /** Digests of what is released, by name; missing for a change. */
  readonly subjects?: Readonly<Record<string, string>>
  readonly annotations: readonly Annotation[]
  /** Markdown, from a report. */
  readonly summary: string
  /** For one comment of the pull request; null for none. */
  readonly comment: { readonly marker: string; readonly body: string } | null
  readonly sarif: object | null
  readonly junit: string | null
  /** The file of an attestation; null when there is none. */
  readonly attestation: string | null
}

/** How a mode judges one change. */
export type JudgeTarget = (target: Target) => Promise<Judged>
