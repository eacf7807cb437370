import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex, utf8 } from '../../base/digest.ts'
import { encodeBase64 } from '../../base/encoding.ts'
import type { JsonObject } from '../../base/json-value.ts'
import { parseCheckpoint } from '../receipt/checkpoint.ts'

/** The in-toto Statement v1. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'
export const CHECKPOINT_ATTESTATION_TYPE = 'https://countersign.dev/attestation/log-checkpoint/v0.1'
/** Simple Verification Result, https://github.com/in-toto/attestation/blob/main/spec/predicates/svr.md */
export const GATE_ATTESTATION_TYPE = 'https://in-toto.io/attestation/svr/v0.2'
/** The verifier that a gate's result names; another one would judge by other rules. */
export const GATE_VERIFIER = 'https://countersign.dev/gate/v0.1'
/** What every result of the gate lists, and nothing else may. */
export const GATE_OPEN = 'COUNTERSIGN_GATE_OPEN'
/** The file that a gate's result is about. */
export const VERDICT_FILE = 'verdict.json'

/**
 * What is signed of a checkpoint: a Statement in RFC 8785 form, which follows from the note and the key alone.
 *
 * @param note - the signed checkpoint, byte for byte
 * @param verifierKey - of the log, in the signed-note form
 * @throws {PolicyError} CHECKPOINT_INVALID
 */
export function checkpointStatement(note: Uint8Array, verifierKey: string): Uint8Array {
  const { origin, size, root } = parseCheckpoint(note)
  return utf8(
    canonicalize({
      _type: STATEMENT_TYPE,
      subject: [{ name: origin, digest: { sha256: sha256Hex(note) } }],
      predicateType: CHECKPOINT_ATTESTATION_TYPE,
      predicate: { origin, size, root: encodeBase64(root), verifierKey },
    }),
  )
}

/** What a gate that is open attests. */
export type GateResult = {
  /** `verdict.json`: the RFC 8785 text of what the gate said. */
  readonly verdict: Uint8Array
  /** The commit that may be merged, in hexadecimal. */
  readonly head: string
  /** The policy that judged, `sha256:` and 64 hexadecimal digits. */
  readonly policy: string
  /** RFC 3339, UTC. */
  readonly timeCreated: string
  /** What was found to hold, and nothing that was not. */
  readonly properties: readonly string[]
}

/** The Statement of an open gate, in RFC 8785 form: a Simple Verification Result over the verdict and the commit. */
export function gateStatement(result: GateResult): Uint8Array {
  const { verdict, head, policy, timeCreated, properties } = result
  const statement: JsonObject = {
    _type: STATEMENT_TYPE,
    subject: [
      { name: VERDICT_FILE, digest: { sha256: sha256Hex(verdict) } },
      { name: 'head', digest: { gitCommit: head } },
    ],
    predicateType: GATE_ATTESTATION_TYPE,
    predicate: {
      verifier: {
        id: GATE_VERIFIER,
        policies: [{ name: 'base', digest: { sha256: policy.replace(/^sha256:/, '') } }],
      },
      timeCreated,
      properties: [...new Set(properties)].sort(),
    },
  }
  return utf8(canonicalize(statement))
}
