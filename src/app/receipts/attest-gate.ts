import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { ChangeReport } from '../../model/policy-change.ts'
import { GATE_OPEN, gateStatement, VERDICT_FILE } from '../../trust/verify/attestation-statement.ts'
import type { AttestedVerdict, AttestVerdictOptions } from './attest-verdict.ts'
import { attestVerdict, forgetVerdict } from './attest-verdict.ts'

/** What an open gate is attested from. */
export type OpenGate = {
  /** What the gate prints for programs. */
  readonly document: object
  /** The commit that may be merged. */
  readonly head: string
  /** The policy of the base branch, and its digest. */
  readonly policy: CompiledPolicy
  readonly digest: string
  readonly changes: readonly ChangeReport[]
}

/** What an open gate said, and its attestation. */
const FILES = [VERDICT_FILE, 'verdict.sigstore.json'] as const

/**
 * Writes `verdict.json` and `verdict.sigstore.json`: what an open gate said, and a Simple Verification Result over it and
 * over the commit, signed through the Sigstore that the base branch's policy sets up.
 *
 * @throws {PolicyError} as {@link attestVerdict}
 */
export async function attestGate(
  { document, policy, digest, head, changes }: OpenGate,
  options: AttestVerdictOptions,
): Promise<AttestedVerdict> {
  return attestVerdict(FILES, policy, options, (timeCreated) => {
    const verdict = utf8(canonicalize(JSON.parse(JSON.stringify(document)) as JsonValue))
    const properties = propertiesOf(changes)
    const statement = gateStatement({ verdict, head, policy: digest, timeCreated, properties })
    return { document: verdict, statement }
  })
}

/** Takes away what an earlier run left. @throws {PolicyError} FILE_UNREADABLE */
export function forgetGate(folder: string): void {
  forgetVerdict(FILES, folder)
}

/** What held, and nothing that was not asked or did not hold. */
function propertiesOf(changes: readonly ChangeReport[]): string[] {
  const isEach = (holds: (change: ChangeReport) => boolean) => changes.every(holds)
  const candidates = {
    [GATE_OPEN]: true,
    COUNTERSIGN_POLICY_COMPILES: isEach(({ policy }) => policy.after !== null),
    COUNTERSIGN_NOTHING_WEAKENED: isEach(({ weakenings }) => weakenings.length === 0),
    COUNTERSIGN_ROUTES_SATISFIED:
      changes.some(({ routes }) => routes.length > 0) &&
      isEach(({ routes }) => routes.every(({ missing }) => missing === 0)),
    COUNTERSIGN_COMMITS_SIGNED: isEach(({ commits }) => commits.required !== 'none'),
  }
  return Object.entries(candidates).flatMap(([name, holds]) => (holds ? [name] : []))
}
