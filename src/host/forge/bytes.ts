import { PolicyError } from '../../base/errors.ts'
import { FORGE_ANSWER_BYTES_MAX } from '../../base/limits.ts'

/** Reads an answer to its end. @throws {PolicyError} FORGE_UNREACHABLE (retryable) when it is too long */
export async function readBytes({ body }: Response): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    size += part.length
    if (size > FORGE_ANSWER_BYTES_MAX) {
      const message = 'the answer of the forge is too long'
      throw new PolicyError('FORGE_UNREACHABLE', message, { retryable: true })
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}
