import type { SigstoreIdentity } from '../../base/certificate-identity.ts'
import { bytesEqual, isDigest, sha256Hex } from '../../base/digest.ts'
import { formatDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import {
  ATTEST_SKEW_MS,
  GATE_VERDICT_BYTES_MAX,
  SIGSTORE_BUNDLE_LENGTH_MAX,
} from '../../base/limits.ts'
import type { Trust } from '../../model/generated/types.ts'
import { openVouched } from './attestation.ts'
import { GATE_ATTESTATION_TYPE } from './attestation-statement.ts'
import { checkSignedAt, invalid, listIn, objectIn, parseAttested, textIn } from './attested-json.ts'
import {
  ARTEFACT_PREFIX,
  RELEASE_FILE,
  RELEASE_PREFIX,
  RELEASE_REQUIRED,
  RELEASE_VERIFIER,
  type ReleaseResult,
  releaseStatement,
} from './release-statement.ts'

/** What a release must be, beside attested. */
export type ReleaseTerms = {
  /** What is rolled out: each must be an artefact of the release, under its name where it has one. At least one. */
  readonly artefacts: readonly { readonly name: string | null; readonly digest: string }[]
  /** The only policy that may have judged. Default: any. */
  readonly policy?: string
  /** Unix milliseconds, and how long before it may have been attested. Default: it may be of any age. */
  readonly fresh?: { readonly now: number; readonly ageMsMax: number }
  /** Properties that it must list beside those that every release does, without their prefix. */
  readonly properties?: readonly string[]
  /** Whether a release will do that missed a threshold, and that people let pass. Default: no. */
  readonly isApprovedEnough?: boolean
  /** `release.json`, byte for byte, and the release that it must be of, by name and by digest. Default: it is not looked at. */
  readonly document?: {
    readonly bytes: Uint8Array
    readonly name?: string
    readonly digest?: string
  }
}

export type AttestedRelease = {
  readonly identity: SigstoreIdentity
  /** When, by each authority that vouches for it, in Unix milliseconds, sorted; at least one. */
  readonly times: readonly number[]
  readonly policy: string
  readonly properties: readonly string[]
  readonly artefacts: readonly string[]
  readonly release: {
    readonly name: string
    readonly agent: string
    readonly version: string
  } | null
}

/**
 * Verifies, offline, that somebody whom the trust file lists attested that these artefacts may ship.
 *
 * @param text - the Sigstore bundle
 * @throws {PolicyError} SIGSTORE_UNCONFIGURED when the trust file pins no attesters; as `openAttestation`;
 *   ATTESTATION_INVALID when it is no result of the release gate; RELEASE_ARTEFACT_FOREIGN, RELEASE_POLICY_FOREIGN,
 *   RELEASE_PROPERTY_MISSING, RELEASE_STALE
 */
export function verifyReleaseAttestation(
  text: string,
  trust: Trust,
  terms: ReleaseTerms,
): AttestedRelease {
  if (text.length > SIGSTORE_BUNDLE_LENGTH_MAX) throw invalid('a Sigstore bundle of this size')
  const opened = openVouched(text, trust)
  if (!opened.isVouched) throw invalid('a signature that the trust file vouches for')
  if (opened.predicateType !== GATE_ATTESTATION_TYPE) {
    throw invalid(`the predicate type ${GATE_ATTESTATION_TYPE}`)
  }
  const result = resultIn(opened.payload)
  checkTime(result, opened.times, terms)
  checkArtefacts(result, terms)
  checkPolicy(result, terms, trust)
  checkProperties(result, terms)
  return {
    ...{ identity: opened.identity, times: opened.times, policy: result.policy },
    ...{ properties: result.properties, artefacts: terms.artefacts.map(({ digest }) => digest) },
    release: documentOf(result, terms),
  }
}

/** The result in a statement. What a gate writes follows from it; anything beside is another statement. */
function resultIn(payload: Uint8Array): ReleaseResult {
  const statement = parseAttested(payload, SIGSTORE_BUNDLE_LENGTH_MAX)
  const predicate = objectIn(statement, 'predicate')
  const verifier = objectIn(predicate, 'verifier')
  if (verifier['id'] !== RELEASE_VERIFIER) throw invalid(`the verifier ${RELEASE_VERIFIER}`)
  const [document, policy, prompt, tools, ...artefacts] = listIn(statement, 'subject').map(
    (subject) => ({
      name: textIn(subject, 'name'),
      digest: `sha256:${textIn(objectIn(subject, 'digest'), 'sha256')}`,
    }),
  )
  const result: ReleaseResult = {
    document: document?.digest.replace('sha256:', '') ?? '',
    policy: policy?.digest ?? '',
    prompt: prompt?.digest ?? '',
    tools: tools?.digest ?? '',
    artefacts: artefacts.map(({ name, digest }) => ({
      name: name.slice(ARTEFACT_PREFIX.length),
      digest,
    })),
    timeCreated: textIn(predicate, 'timeCreated'),
    properties: listIn(predicate, 'properties').map(String),
  }
  const digests = [
    result.policy,
    result.prompt,
    result.tools,
    ...artefacts.map((one) => one.digest),
  ]
  if (!digests.every(isDigest)) throw invalid('SHA-256 digests')
  if (bytesEqual(releaseStatement(result), payload)) return result
  throw invalid('the release, its bundle, prompt, tools and artefacts as its subjects')
}

function checkTime(
  { timeCreated }: ReleaseResult,
  times: readonly number[],
  { fresh }: ReleaseTerms,
): void {
  checkSignedAt(timeCreated, times)
  if (fresh === undefined) return
  const { now, ageMsMax } = fresh
  const oldest = Math.min(...times)
  const stale = (message: string): PolicyError => new PolicyError('RELEASE_STALE', message)
  if (oldest > now + ATTEST_SKEW_MS) throw stale('it was attested in the future: look at the clock')
  if (now - oldest <= ageMsMax) return
  const old = formatDuration(Math.floor((now - oldest) / 1000) * 1000)
  throw stale(`it was attested ${old} ago, and at most ${formatDuration(ageMsMax)} is asked for`)
}

function checkArtefacts({ artefacts }: ReleaseResult, terms: ReleaseTerms): void {
  const foreign = (message: string): PolicyError =>
    new PolicyError('RELEASE_ARTEFACT_FOREIGN', message)
  if (terms.artefacts.length === 0) throw foreign('expected an artefact to look for')
  const other = terms.artefacts.find(
    (one) =>
      !artefacts.some(
        ({ name, digest }) => digest === one.digest && (one.name === null || one.name === name),
      ),
  )
  if (other === undefined) return
  const called = other.name === null ? '' : ` under the name ${JSON.stringify(other.name)}`
  throw foreign(`${other.digest} is no artefact of the release that was attested${called}`)
}

function checkPolicy({ policy }: ReleaseResult, terms: ReleaseTerms, { policies }: Trust): void {
  const foreign = (expected: string): PolicyError =>
    new PolicyError(
      'RELEASE_POLICY_FOREIGN',
      `expected ${expected} to have judged, found ${policy}`,
    )
  if (terms.policy !== undefined && terms.policy !== policy) {
    throw foreign(`the policy ${terms.policy}`)
  }
  if (policies?.includes(policy) === false) throw foreign('a policy that the trust file lists')
}

function checkProperties({ properties }: ReleaseResult, terms: ReleaseTerms): void {
  const has = (name: string): boolean => properties.includes(`${RELEASE_PREFIX}${name}`)
  const missing = (message: string): PolicyError =>
    new PolicyError('RELEASE_PROPERTY_MISSING', message)
  const isLetPass = has('APPROVED')
  if (isLetPass && terms.isApprovedEnough !== true) {
    throw missing('it missed a threshold, and people let it pass: that was not said to be enough')
  }
  for (const one of RELEASE_REQUIRED) {
    const names: readonly string[] = typeof one === 'string' ? [one] : one
    // What people let pass is a threshold that was missed.
    if (names.some(has) || (isLetPass && names.includes('EVALS_PASSED'))) continue
    throw missing(`it does not list ${RELEASE_PREFIX}${names.join(` or ${RELEASE_PREFIX}`)}`)
  }
  const other = terms.properties?.find((name) => !has(name))
  if (other !== undefined) throw missing(`it does not list ${RELEASE_PREFIX}${other}`)
}

function documentOf(
  { document: digest, ...result }: ReleaseResult,
  { document }: ReleaseTerms,
): AttestedRelease['release'] {
  if (document === undefined) return null
  if (sha256Hex(document.bytes) !== digest) throw invalid(`the ${RELEASE_FILE} that was attested`)
  const said = parseAttested(document.bytes, GATE_VERDICT_BYTES_MAX)
  const release = objectIn(said, 'release')
  const name = textIn(release, 'release')
  if (said['verdict'] !== 'allow') throw invalid('a release that may ship')
  if (said['policy'] !== result.policy) throw invalid('one policy')
  if (document.name !== undefined && document.name !== name) {
    const message = `it is of the release ${name}, and not of ${document.name}`
    throw new PolicyError('RELEASE_ARTEFACT_FOREIGN', message)
  }
  const made = textIn(release, 'digest')
  if (document.digest !== undefined && document.digest !== made) {
    const message = `the release ${name} that was attested has the digest ${made}, and this one ${document.digest}`
    throw new PolicyError('RELEASE_ARTEFACT_FOREIGN', message)
  }
  return { name, agent: textIn(release, 'agent'), version: textIn(release, 'version') }
}
