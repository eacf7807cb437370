import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { SECRET_BYTES_MAX } from '../../base/limits.ts'

/** A secret that a provider does not have, or not as a text. The message names it and holds nothing of it. */
export function missing(reference: string, why: string): PolicyError {
  return new PolicyError('SECRET_MISSING', `${reference}: ${why}`)
}

/** A provider that could not be asked. */
export function unavailable(provider: string, why: string, cause?: unknown): PolicyError {
  return new PolicyError('SECRET_UNAVAILABLE', `the provider ${provider} ${why}`, {
    cause,
    retryable: true,
  })
}

/** The text of a secret's bytes, without the line's end that editors put after it. @throws {PolicyError} SECRET_MISSING */
export function textOf(reference: string, bytes: Uint8Array): string {
  let text: string
  try {
    text = fromUtf8(bytes)
  } catch {
    throw missing(reference, 'expected UTF-8 text')
  }
  return checkValue(reference, text.replace(/\r?\n$/, ''))
}

/** @throws {PolicyError} SECRET_MISSING for a value that cannot be put into a payload */
export function checkValue(reference: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw missing(reference, 'expected a text that is not empty')
  }
  if (!value.isWellFormed()) throw missing(reference, 'expected well-formed Unicode')
  if (value.length > SECRET_BYTES_MAX) {
    throw missing(reference, `expected at most ${SECRET_BYTES_MAX} characters`)
  }
  return value
}
