import type { ReleaseGate } from '../model/release-gate.ts'

/** What the release gate said, for programs; its RFC 8785 text is `release.json`. */
export function releaseDocument(gate: ReleaseGate): object {
  const { verdict, reason, release, policy, properties, evidence, not_proven, approval } = gate
  return { verdict, reason, release, policy, properties, evidence, not_proven, approval }
}
