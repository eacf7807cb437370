import { canonicalize } from '../../base/canonical-json.ts'
import { COMMITMENT_KEYS } from '../../base/commitments.ts'
import { fromUtf8, hmacSha256, utf8 } from '../../base/digest.ts'
import { decodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json-value.ts'
import { JSON_DEPTH_MAX, PATCH_BYTES_MAX } from '../../base/limits.ts'
import { seal, unseal } from '../../host/seal.ts'
import type { SealedPatch } from '../../trust/approve/review.ts'
import { type Committed, commitPatched, type Inputs } from './record.ts'

/** A payload that people put in the place of the one that was asked for. */
export type Patch = { readonly payload: JsonObject; readonly committed: Committed }

/**
 * A payload as a reviewer hands it in, checked and committed to.
 *
 * @throws {PolicyError} PATCH_INVALID, PATCH_TOO_LARGE
 */
export function makePatch(held: Inputs, payload: JsonValue | undefined): Patch {
  const checked = checkPayload(payload === undefined ? '' : textOf(payload))
  if (canonicalize(checked) === canonicalize(held.action.payload)) {
    throw new PolicyError('PATCH_INVALID', 'the patch changes nothing; approve the request instead')
  }
  return { payload: checked, committed: commitPatched(held, checked) }
}

/**
 * Encrypts a patch for the forge, which never forgets: under a key that follows from the held action's seed. Whoever
 * erases that decision's inputs, or the key of its subject, erases the patch with them, wherever copies of it lie.
 */
export function sealPatch(patch: Patch, held: Pick<Inputs, 'seed'>, request: string): Uint8Array {
  return seal(keyOf(held), utf8(canonicalize(patch.payload)), contextOf(request))
}

/**
 * Opens the patch of a verified review.
 *
 * @throws {PolicyError} PATCH_INVALID when it does not open, or not to the root that was signed
 */
export function openPatch(
  held: Inputs,
  patch: SealedPatch,
  about: { readonly key: Uint8Array; readonly request: string },
): Patch {
  let text: string
  try {
    text = fromUtf8(unsealEither(patch.sealed, [keyOf(held), about.key], contextOf(about.request)))
  } catch (cause) {
    throw new PolicyError('PATCH_INVALID', 'the patch is not encrypted for this request', { cause })
  }
  const payload = checkPayload(text)
  const committed = commitPatched(held, payload)
  if (committed.root !== patch.root) {
    throw new PolicyError('PATCH_INVALID', 'the patch is not the one whose root was signed')
  }
  return { payload, committed }
}

function keyOf({ seed }: Pick<Inputs, 'seed'>): Uint8Array {
  return hmacSha256(decodeHex(seed), 'patch-key')
}

/** Older versions sealed patches under the data key of the subject itself. */
function unsealEither(
  sealed: Uint8Array,
  [key, older]: readonly [Uint8Array, Uint8Array],
  context: string,
): Uint8Array {
  try {
    return unseal(key, sealed, context)
  } catch {
    return unseal(older, sealed, context)
  }
}

function contextOf(request: string): string {
  return `patch/${request}`
}

function textOf(payload: JsonValue): string {
  try {
    return canonicalize(payload)
  } catch (cause) {
    throw new PolicyError('PATCH_INVALID', 'the patched payload is not plain JSON', { cause })
  }
}

function checkPayload(text: string): JsonObject {
  const bytes = utf8(text).length
  if (bytes > PATCH_BYTES_MAX) {
    throw new PolicyError(
      'PATCH_TOO_LARGE',
      `the patched payload has ${bytes} bytes; at most ${PATCH_BYTES_MAX} fit into a review`,
    )
  }
  let value: JsonValue
  try {
    value = parseJson(text, { depthMax: JSON_DEPTH_MAX, reservedKeys: COMMITMENT_KEYS })
  } catch (cause) {
    throw new PolicyError('PATCH_INVALID', 'the patched payload is not plain JSON', { cause })
  }
  if (isJsonObject(value)) return value
  throw new PolicyError(
    'PATCH_INVALID',
    'the patched payload must be a JSON object: the whole payload as it should run',
  )
}
