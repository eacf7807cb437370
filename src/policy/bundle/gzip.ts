import { gunzipSync, gzipSync } from 'node:zlib'
import { PolicyError } from '../../base/errors.ts'
import { BUNDLE_ARCHIVE_BYTES_MAX } from '../../base/limits.ts'

/** Compresses (RFC 1952), with no time in the header and the system left unknown, so that no machine shows. */
export function gzip(bytes: Uint8Array): Uint8Array {
  const compressed = new Uint8Array(gzipSync(bytes, { level: 9 }))
  compressed[SYSTEM_AT] = SYSTEM_UNKNOWN
  return compressed
}

/**
 * Decompresses one gzip member and nothing after it, up to a bound.
 *
 * @throws {PolicyError} BUNDLE_CORRUPT, BUNDLE_TOO_LARGE
 */
export function gunzip(bytes: Uint8Array): Uint8Array {
  if (bytes.length > BUNDLE_ARCHIVE_BYTES_MAX) throw tooLarge()
  try {
    const { buffer, engine } = gunzipSync(bytes, {
      maxOutputLength: BUNDLE_ARCHIVE_BYTES_MAX,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    if (engine.bytesWritten === bytes.length) return new Uint8Array(buffer)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(cause)
    throw corrupt('expected a gzip archive', cause)
  }
  throw corrupt('expected nothing after the gzip archive')
}

const SYSTEM_AT = 9
const SYSTEM_UNKNOWN = 0xff

function tooLarge(cause?: unknown): PolicyError {
  return new PolicyError(
    'BUNDLE_TOO_LARGE',
    `expected at most ${BUNDLE_ARCHIVE_BYTES_MAX} bytes in a bundle`,
    { cause },
  )
}

function corrupt(message: string, cause?: unknown): PolicyError {
  return new PolicyError('BUNDLE_CORRUPT', `the bundle is corrupt: ${message}; build it again`, {
    cause,
  })
}
