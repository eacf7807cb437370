import { sha256 } from '@noble/hashes/sha2.js'
import { canonicalize } from '../../base/canonical-json.ts'
import type { Digest } from '../../base/digest.ts'
import { utf8 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { Verdict } from '../../model/generated/types.ts'

/**
 * SHA-256 over one RFC 8785 line for each verdict, of `{findings, obligations, route, verdict}` alone. The same as
 * `digestLines`, but it takes the lines one by one, since a trace may hold more of them than a text can.
 */
export type VerdictDigest = { add(verdict: Verdict): void; digest(): Digest }

export function createVerdictDigest(): VerdictDigest {
  const hash = sha256.create()
  return {
    add({ verdict, findings, obligations, route }) {
      const line = { verdict, findings, obligations, route } as unknown as JsonValue
      hash.update(utf8(`${canonicalize(line)}\n`))
    },
    digest: () => `sha256:${encodeHex(hash.clone().digest())}`,
  }
}
