import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize } from '../../base/canonical-json.ts'
import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { makeFolder, writeAtomically } from '../../host/files.ts'
import { releaseDocument } from '../../report/release-document.ts'
import {
  RELEASE_FILE,
  RELEASE_PREFIX,
  releaseStatement,
  resultOver,
} from '../../trust/verify/release-statement.ts'
import { openKeylessSigner } from '../approvals/reviewer.ts'
import { isoTime } from '../engine/record.ts'
import { servicesOf, signVerified } from '../receipts/attest.ts'
import type { AttestGateOptions } from '../receipts/attest-gate.ts'
import type { JudgedRelease } from './release.ts'

/** The name of the attestation, beside `release.json`. */
export const RELEASE_ATTESTATION = 'release.sigstore.json'

/**
 * Writes `release.json` and `release.sigstore.json`: what the gate said of a release that may ship, and a Simple
 * Verification Result over it, its bundle, prompt, tools and artefacts, signed through the Sigstore that the policy sets
 * up. The second is never there alone.
 *
 * @returns both files, and whose signature it is
 * @throws {PolicyError} RELEASE_NOT_APPROVED for a release that may not ship; as `attestGate`
 */
export async function attestRelease(
  judged: JudgedRelease,
  options: AttestGateOptions,
): Promise<{ readonly files: readonly string[]; readonly identity: SigstoreIdentity }> {
  const { gate, policy } = judged
  const { folder, tokenFile, environment, clock } = options
  const { release } = gate
  if (gate.verdict !== 'allow' || policy === null || release === null || gate.policy === null) {
    throw new PolicyError('RELEASE_NOT_APPROVED', 'only a release that may ship is attested')
  }
  const services = servicesOf(policy)
  const from = { folder, tokenFile, environment, say: null }
  const parts = { judge: { bundle: { policy } }, clock }
  const signer = options.signer ?? (await openKeylessSigner(parts, from))
  const document = utf8(canonicalize(releaseDocument(gate) as JsonValue))
  const { prompt, tools, artefacts } = release
  const statement = releaseStatement(
    resultOver(document, {
      ...{ policy: gate.policy, prompt, tools, artefacts },
      timeCreated: isoTime(clock()),
      properties: propertiesOf(judged),
    }),
  )
  const { bundle, identity } = await signVerified(signer, statement, services)
  await makeFolder(folder)
  const files = filesIn(folder)
  await writeAtomically(files[0], document)
  await writeAtomically(files[1], bundle)
  return { files, identity }
}

/**
 * Takes away what an earlier run left: a release that may not ship by now must not seem to.
 *
 * @throws {PolicyError} FILE_UNREADABLE
 */
export function forgetRelease(folder: string): void {
  for (const file of filesIn(folder)) {
    try {
      rmSync(file, { force: true })
    } catch (cause) {
      throw new PolicyError('FILE_UNREADABLE', `cannot remove ${file}`, { cause, file })
    }
  }
}

function filesIn(folder: string): readonly [string, string] {
  return [join(folder, RELEASE_FILE), join(folder, RELEASE_ATTESTATION)]
}

/** What held, and nothing that was not asked or did not hold. */
export function propertiesOf({ gate, isBound, compiled }: JudgedRelease): string[] {
  const { properties, approval } = gate
  const holds = (id: string): boolean => {
    const found = properties.filter((one) => one.id === id || one.id.startsWith(`${id}/`))
    return found.length > 0 && found.every(({ passed }) => passed)
  }
  // Evidence that is stale denies, so what is left was fresh, also where it missed a threshold.
  const isFresh = properties.every(({ passed, code }) => passed || code === 'RELEASE_MISSED')
  const candidates: Readonly<Record<string, boolean>> = {
    ALLOWED: gate.verdict === 'allow',
    APPROVED: approval !== null,
    POLICY_CHECKED: holds('policy-check'),
    POLICY_TESTED: holds('policy-tests'),
    FINGERPRINT_APPROVED: holds('fingerprint'),
    PROMPT_MATCHES: holds('prompt'),
    TOOLS_MATCH: holds('tools'),
    ARTEFACTS_MATCH: holds('artefacts'),
    EVALS_PASSED: holds('eval'),
    LATENCY_WITHIN: holds('latency'),
    COST_WITHIN: holds('cost'),
    EVIDENCE_FRESH: isFresh,
    EVIDENCE_BOUND: isFresh && isBound,
    FALLBACK_READY: holds('fallback'),
    ROLLBACK_READY: holds('rollback') && compiled?.rollback !== null,
    FIRST: holds('rollback') && compiled?.rollback === null,
  }
  return Object.entries(candidates).flatMap(([name, is]) =>
    is ? [`${RELEASE_PREFIX}${name}`] : [],
  )
}
