import { canonicalize } from '../../base/canonical-json.ts'
import { utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { releaseDocument } from '../../report/release-document.ts'
import {
  RELEASE_FILE,
  RELEASE_PREFIX,
  releaseStatement,
  resultOver,
} from '../../trust/verify/release-statement.ts'
import type { AttestedVerdict, AttestVerdictOptions } from '../receipts/attest-verdict.ts'
import { attestVerdict, forgetVerdict } from '../receipts/attest-verdict.ts'
import type { JudgedRelease } from './release.ts'

/** The name of the attestation, beside `release.json`. */
export const RELEASE_ATTESTATION = 'release.sigstore.json'

const FILES = [RELEASE_FILE, RELEASE_ATTESTATION] as const

/**
 * Writes `release.json` and `release.sigstore.json`: what the gate said of a release that may ship, and a Simple
 * Verification Result over it, its bundle, prompt, tools and artefacts, signed through the Sigstore that the policy sets
 * up.
 *
 * @throws {PolicyError} RELEASE_NOT_APPROVED for a release that may not ship; as {@link attestVerdict}
 */
export async function attestRelease(
  judged: JudgedRelease,
  options: AttestVerdictOptions,
): Promise<AttestedVerdict> {
  const { gate, bundle } = judged
  const { release, policy: digest } = gate
  if (gate.verdict !== 'allow' || bundle === null || release === null || digest === null) {
    throw new PolicyError('RELEASE_NOT_APPROVED', 'only a release that may ship is attested')
  }
  const { prompt, tools, artefacts } = release
  return attestVerdict(FILES, bundle.policy, options, (timeCreated) => {
    const document = utf8(canonicalize(releaseDocument(gate) as JsonValue))
    const about = { policy: digest, prompt, tools, artefacts, timeCreated }
    const result = resultOver(document, { ...about, properties: propertiesOf(judged) })
    return { document, statement: releaseStatement(result) }
  })
}

/** Takes away what an earlier run left: a release that may not ship by now must not seem to. @throws {PolicyError} FILE_UNREADABLE */
export function forgetRelease(folder: string): void {
  forgetVerdict(FILES, folder)
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
