import { hmacSha256 } from '../base/digest.ts'
import { encodeHex } from '../base/encoding.ts'
import type { Changeable } from '../decide/evaluate/index.ts'
import { applyObligations } from '../decide/evaluate/index.ts'
import type { Obligation } from '../model/generated/types.ts'
import type { Parts } from './parts.ts'

/** The action as it may run, or its result as it may be handed on: obligations applied, tokens under the engine's key. */
export function changed(
  parts: Pick<Parts, 'evidenceKey'>,
  action: Changeable,
  obligations: readonly Obligation[],
): Changeable {
  return applyObligations(action, obligations, (text, kind) => tokenOf(parts, text, kind))
}

/** The token of a value: the same for the same value and kind, and nothing can be told of the value without the key. */
export function tokenOf(
  { evidenceKey }: Pick<Parts, 'evidenceKey'>,
  text: string,
  kind: string,
): string {
  const digest = hmacSha256(evidenceKey, `token/${kind}/${text}`).subarray(0, TOKEN_BYTES)
  return `tok_${kind}_${encodeHex(digest)}`
}

const TOKEN_BYTES = 16
