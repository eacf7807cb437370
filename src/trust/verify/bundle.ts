import { canonicalize } from '../../base/canonical-json.ts'
import type { Digest } from '../../base/digest.ts'
import { fromUtf8, utf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { parseJson } from '../../base/json-parse.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import type { Trust } from '../../model/generated/types.ts'
import { BUNDLE_NAMESPACE } from '../../model/ports.ts'
import { verifySshsig } from './sshsig.ts'

/** What the signer of a bundle says. */
export type BundleStatement = {
  readonly project: string
  readonly digest: Digest
  /** Unix milliseconds. A bundle that was signed earlier does not take the place of a later one. */
  readonly issuedAt: number
}

/** Who made something that an engine may take. */
export type VerifiedSigner = { readonly id: string; readonly fingerprint: string }

/**
 * The bytes that a bundle's signer signs: RFC 8785 JSON.
 *
 * @throws {PolicyError} VALUE_INVALID for a time that the calendar does not have
 */
export function bundleStatement({ project, digest, issuedAt }: BundleStatement): Uint8Array {
  const time = new Date(issuedAt)
  if (Number.isNaN(time.getTime())) throw new PolicyError('VALUE_INVALID', 'expected a time')
  const statement = { _type: STATEMENT_TYPE, project, digest, issued_at: time.toISOString() }
  return utf8(canonicalize(statement))
}

/**
 * The file that lies beside a signed bundle: the statement and its SSHSIG armour, in JSON.
 *
 * @param statement - as {@link bundleStatement} gives it
 */
export function formatBundleSignature(statement: Uint8Array, signature: string): string {
  const text = fromUtf8(statement)
  return `${JSON.stringify({ statement: text, signature }, null, 2)}\n`
}

/**
 * Verifies the signature of a bundle.
 *
 * @param text - the signature file's text
 * @throws {PolicyError} BUNDLE_UNTRUSTED when it is malformed, of another bundle, or by nobody whom the trust file names
 */
export function verifyBundleSignature(
  text: string,
  bundle: { readonly project: string; readonly digest: Digest },
  signers: NonNullable<Trust['bundle_signers']>,
): VerifiedSigner & BundleStatement {
  const { statement, signature } = readSignature(text)
  const said = readStatement(statement)
  if (said.digest !== bundle.digest || said.project !== bundle.project) {
    throw untrusted(`it is of ${said.digest} of ${said.project}`)
  }
  return {
    ...said,
    ...signerOf(signature, utf8(statement), { signers, namespace: BUNDLE_NAMESPACE }),
  }
}

/**
 * Who signed a Git commit with an SSH key (gitformat-signature(5), `gpgsig`), if the trust file names that person.
 *
 * @param commit - the commit object's content, as `git cat-file commit` prints it
 * @throws {PolicyError} BUNDLE_UNSIGNED without a signature; BUNDLE_UNTRUSTED
 */
export function verifyCommitSignature(
  commit: string,
  signers: NonNullable<Trust['bundle_signers']>,
): VerifiedSigner {
  const end = commit.indexOf('\n\n')
  const lines = commit.slice(0, end < 0 ? commit.length : end).split('\n')
  const from = lines.findIndex((line) => line.startsWith(SIGNATURE_HEADER))
  if (from < 0) throw new PolicyError('BUNDLE_UNSIGNED', 'expected a commit signed with an SSH key')
  const after = lines.findIndex((line, at) => at > from && !line.startsWith(' '))
  const until = after < 0 ? lines.length : after
  const [first = '', ...rest] = lines.slice(from, until)
  const armour = [first.slice(SIGNATURE_HEADER.length), ...rest.map((line) => line.slice(1))]
  const header = [...lines.slice(0, from), ...lines.slice(until)]
  if (header.some((line) => /^gpgsig/.test(line))) throw untrusted('it has more than one signature')
  const signed = `${header.join('\n')}${end < 0 ? '' : commit.slice(end)}`
  return signerOf(`${armour.join('\n')}\n`, utf8(signed), { signers, namespace: 'git' })
}

const STATEMENT_TYPE = 'https://countersign.dev/statement/bundle/v1'
const SIGNATURE_HEADER = 'gpgsig '

function signerOf(
  armour: string,
  message: Uint8Array,
  {
    signers,
    namespace,
  }: { readonly signers: NonNullable<Trust['bundle_signers']>; readonly namespace: string },
): VerifiedSigner {
  let fingerprint: string
  try {
    ;({ fingerprint } = verifySshsig(armour, message, namespace))
  } catch (cause) {
    throw untrusted(cause instanceof PolicyError ? cause.message : 'it cannot be read', cause)
  }
  const signer = signers.find(({ fingerprints }) => fingerprints.includes(fingerprint))
  if (signer === undefined) throw untrusted(`the key ${fingerprint} is none of the trust file's`)
  return { id: signer.id, fingerprint }
}

function readSignature(text: string): { readonly statement: string; readonly signature: string } {
  let value: JsonValue
  try {
    value = parseJson(text, { depthMax: 4, bytesMax: SIGNATURE_BYTES_MAX })
  } catch (cause) {
    throw untrusted('the signature file is no JSON', cause)
  }
  const [statement, signature] = [textOf(value, 'statement'), textOf(value, 'signature')]
  if (statement === null || signature === null) {
    throw untrusted('the signature file lacks its statement or signature')
  }
  return { statement, signature }
}

function readStatement(text: string): BundleStatement {
  let value: JsonValue
  try {
    value = parseJson(text, { depthMax: 4, bytesMax: SIGNATURE_BYTES_MAX })
  } catch (cause) {
    throw untrusted('what was signed is no JSON', cause)
  }
  const project = textOf(value, 'project') ?? ''
  const digest = (textOf(value, 'digest') ?? '') as Digest
  const issuedAt = Date.parse(textOf(value, 'issued_at') ?? '')
  const statement = { project, digest, issuedAt }
  // Exactly what we would have written: then no member can be read in two ways.
  if (Number.isNaN(issuedAt) || fromUtf8(bundleStatement(statement)) !== text) {
    throw untrusted('what was signed is no statement about a bundle')
  }
  return statement
}

const SIGNATURE_BYTES_MAX = 64 * 1024

function textOf(value: JsonValue, name: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  if (!Object.hasOwn(value, name)) return null
  const member = (value as JsonObject)[name]
  return typeof member === 'string' ? member : null
}

function untrusted(why: string, cause?: unknown): PolicyError {
  const message = `expected a signature by one of the trust file's bundle_signers; ${why}`
  return new PolicyError('BUNDLE_UNTRUSTED', message, { cause })
}
