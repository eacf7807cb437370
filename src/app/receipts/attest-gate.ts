import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { makeFolder, writeAtomically } from '../../host/files.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { ChangeReport } from '../../model/policy-change.ts'
import type { Clock, KeylessSigner } from '../../model/ports.ts'
import { GATE_OPEN, gateStatement, VERDICT_FILE } from '../../trust/verify/attestation-statement.ts'
import { openKeylessSigner } from '../approvals/reviewer.ts'
import { isoTime } from '../engine/record.ts'
import { servicesOf, signVerified } from './attest.ts'

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

export type AttestGateOptions = {
  /** Absolute; made when it is missing. */
  readonly folder: string
  readonly tokenFile?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Signs in the place of the policy's services. */
  readonly signer?: KeylessSigner
}

/**
 * Writes `verdict.json` and `verdict.sigstore.json`: what an open gate said, and a Simple Verification Result over it and
 * over the commit, signed through the Sigstore that the base branch's policy sets up. The second is never there alone.
 *
 * @returns both files, and whose signature it is
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED; SIGSTORE_UNREACHABLE (retryable), SIGSTORE_REFUSED, SIGSTORE_UNTRUSTED;
 *   IDENTITY_TOKEN_*; FILE_UNREADABLE
 */
export async function attestGate(
  gate: OpenGate,
  options: AttestGateOptions,
): Promise<{ readonly files: readonly string[]; readonly identity: SigstoreIdentity }> {
  const { policy, digest, head } = gate
  const { folder, tokenFile, environment, clock } = options
  const services = servicesOf(policy)
  const signer =
    options.signer ??
    (await openKeylessSigner(
      { judge: { bundle: { policy } }, clock },
      { folder, tokenFile, environment, say: null },
    ))
  const document = JSON.parse(JSON.stringify(gate.document)) as JsonValue
  const verdict = utf8(canonicalize(document))
  const timeCreated = isoTime(clock())
  const properties = propertiesOf(gate.changes)
  const statement = gateStatement({ verdict, head, policy: digest, timeCreated, properties })
  const { bundle, identity } = await signVerified(signer, statement, services)
  await makeFolder(folder)
  const files = filesIn(folder)
  await writeAtomically(files[0], verdict)
  await writeAtomically(files[1], bundle)
  return { files, identity }
}

/**
 * Takes away what an earlier run left: a gate that is closed by now must not seem to be open.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export function forgetGate(folder: string): void {
  for (const file of filesIn(folder)) {
    try {
      rmSync(file, { force: true })
    } catch (cause) {
      throw new PolicyError('FILE_UNREADABLE', `cannot remove ${file}`, { cause, file })
    }
  }
}

function filesIn(folder: string): readonly [string, string] {
  return [join(folder, VERDICT_FILE), join(folder, 'verdict.sigstore.json')]
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
