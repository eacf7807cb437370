import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex, utf8 } from '../../base/digest.ts'
import { GATE_ATTESTATION_TYPE, STATEMENT_TYPE } from './attestation-statement.ts'

/** The verifier that a release's result names; no other gate's result can stand in its place. */
export const RELEASE_VERIFIER = 'https://countersign.dev/gate/release/v0.1'
/** The file that holds what the gate said. */
export const RELEASE_FILE = 'release.json'
/** What each name of a property starts with. */
export const RELEASE_PREFIX = 'COUNTERSIGN_RELEASE_'
/** What the subjects of artefacts start with: nothing else is rolled out. */
export const ARTEFACT_PREFIX = 'artefact:'

/** What holds of every release that ships. Of two in a list, one is enough. */
export const RELEASE_REQUIRED: readonly (string | readonly [string, string])[] = [
  ...['ALLOWED', 'POLICY_CHECKED', 'POLICY_TESTED', 'FINGERPRINT_APPROVED', 'PROMPT_MATCHES'],
  ...['TOOLS_MATCH', 'ARTEFACTS_MATCH', 'EVIDENCE_FRESH', 'EVALS_PASSED', 'FALLBACK_READY'],
  ['ROLLBACK_READY', 'FIRST'],
]

/** What the gate attests of a release. */
export type ReleaseResult = {
  /** SHA-256 of `release.json`, in hexadecimal. */
  readonly document: string
  /** The bundle that judged, the prompt, the tool manifest and the artefacts, each `sha256:` and 64 digits. */
  readonly policy: string
  readonly prompt: string
  readonly tools: string
  readonly artefacts: readonly { readonly name: string; readonly digest: string }[]
  /** RFC 3339, UTC. */
  readonly timeCreated: string
  /** What was found to hold, and nothing that was not. */
  readonly properties: readonly string[]
}

/** @returns a result over the text of `release.json` */
export function resultOver(
  document: Uint8Array,
  about: Omit<ReleaseResult, 'document'>,
): ReleaseResult {
  return { document: sha256Hex(document), ...about }
}

/** The Statement of a release that may ship, in RFC 8785 form: a Simple Verification Result over all that it is made of. */
export function releaseStatement(result: ReleaseResult): Uint8Array {
  const { document, policy, prompt, tools, artefacts, timeCreated, properties } = result
  const subject = (name: string, digest: string) => ({
    name,
    digest: { sha256: digest.replace(/^sha256:/, '') },
  })
  return utf8(
    canonicalize({
      _type: STATEMENT_TYPE,
      subject: [
        subject(RELEASE_FILE, document),
        subject('bundle', policy),
        subject('prompt', prompt),
        subject('tools', tools),
        ...artefacts.map(({ name, digest }) => subject(`${ARTEFACT_PREFIX}${name}`, digest)),
      ],
      predicateType: GATE_ATTESTATION_TYPE,
      predicate: {
        verifier: {
          id: RELEASE_VERIFIER,
          policies: [subject('bundle', policy)],
        },
        timeCreated,
        properties: [...new Set(properties)].sort(),
      },
    }),
  )
}
