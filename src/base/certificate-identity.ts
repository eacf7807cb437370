import { fromUtf8 } from './digest.ts'
import { PolicyError } from './errors.ts'

/** Whom a short-lived certificate is for: who vouched, and for whom. Both are compared as whole strings. */
export type SigstoreIdentity = {
  /** The OpenID Connect issuer, as Fulcio wrote it: `https://token.actions.githubusercontent.com`. */
  readonly issuer: string
  /** The one subject alternative name: an e-mail address, or a URI such as that of a workflow. */
  readonly subject: string
}

/**
 * Reads whom a Fulcio certificate is for (X.509, RFC 5280, in DER), so strictly that one certificate has one reading:
 * exactly one subject alternative name, a `rfc822Name` or a URI of printable ASCII, and the issuer in the extension
 * 1.3.6.1.4.1.57264.1.8 (github.com/sigstore/fulcio/blob/main/docs/oid-info.md). It must be for signing code. Who signed
 * the certificate is not looked at.
 *
 * @throws {PolicyError} SIGSTORE_MALFORMED
 */
export function certificateIdentity(der: Uint8Array): SigstoreIdentity {
  const extensions = extensionsOf(der)
  const names = children(only(extensionValue(extensions, SUBJECT_ALT_NAME), SEQUENCE).value)
  const [name] = names
  if (name === undefined || names.length !== 1 || !NAME_TAGS.includes(name.tag)) {
    throw malformed('exactly one subject alternative name, an e-mail address or a URI')
  }
  const usages = children(only(extensionValue(extensions, EXTENDED_KEY_USAGE), SEQUENCE).value)
  if (!usages.some(({ tag, value }) => tag === OID && same(value, CODE_SIGNING))) {
    throw malformed('a certificate for signing code')
  }
  const subject = text(name.value)
  const issuer = text(only(extensionValue(extensions, FULCIO_ISSUER), UTF8_STRING).value)
  // Control characters and look-alikes of other alphabets have no place in what people compare by eye.
  if (!PRINTABLE.test(subject) || !PRINTABLE.test(issuer)) {
    throw malformed('an issuer and a subject of printable ASCII')
  }
  return { issuer, subject }
}

const PRINTABLE = /^[\x21-\x7e]{1,2048}$/

// DER tags (X.690).
const SEQUENCE = 0x30
const OID = 0x06
const OCTET_STRING = 0x04
const BOOLEAN = 0x01
const UTF8_STRING = 0x0c
const EXTENSIONS = 0xa3
/** `rfc822Name` and `uniformResourceIdentifier` (RFC 5280 section 4.2.1.6). */
const NAME_TAGS: readonly number[] = [0x81, 0x86]

// Object identifiers in DER, without tag and length.
const SUBJECT_ALT_NAME = Uint8Array.of(0x55, 0x1d, 0x11)
const EXTENDED_KEY_USAGE = Uint8Array.of(0x55, 0x1d, 0x25)
const CODE_SIGNING = Uint8Array.of(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03)
const FULCIO_ISSUER = Uint8Array.of(0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, 8)

type Node = { readonly tag: number; readonly value: Uint8Array }

/** The extensions of a certificate, each a sequence of an identifier, perhaps a boolean, and a value. */
function extensionsOf(der: Uint8Array): readonly (readonly Node[])[] {
  const [tbs] = children(only(der, SEQUENCE).value)
  if (tbs?.tag !== SEQUENCE) throw malformed('an X.509 certificate')
  const lists = children(tbs.value).filter(({ tag }) => tag === EXTENSIONS)
  const [list] = lists
  if (list === undefined || lists.length !== 1) throw malformed('one list of extensions')
  return children(only(list.value, SEQUENCE).value).map((node) => children(node.value))
}

/** The value of the one extension of this kind. */
function extensionValue(extensions: readonly (readonly Node[])[], kind: Uint8Array): Uint8Array {
  const found = extensions.filter(([id]) => id?.tag === OID && same(id.value, kind))
  const [extension] = found
  if (extension === undefined || found.length !== 1) {
    throw malformed('one extension each for name, use and issuer')
  }
  const rest = extension[1]?.tag === BOOLEAN ? extension.slice(2) : extension.slice(1)
  const [value] = rest
  if (value?.tag !== OCTET_STRING || rest.length !== 1) throw malformed('an extension with a value')
  return value.value
}

/** The one node that fills these bytes. */
function only(bytes: Uint8Array, tag: number): Node {
  const [node, ...others] = children(bytes)
  if (node?.tag === tag && others.length === 0) return node
  throw malformed('an X.509 certificate in DER')
}

/** The nodes that stand one after another in these bytes. */
function children(bytes: Uint8Array): Node[] {
  const nodes: Node[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0x80
    const long = first & 0x7f
    let start = at + 2
    let length = first
    if (first >= 0x80) {
      // Indefinite lengths are not DER, and four bytes of length are more than any certificate has.
      if (long === 0 || long > 3) throw malformed('lengths in DER')
      length = 0
      for (const byte of bytes.subarray(start, start + long)) length = length * 256 + byte
      start += long
    }
    if (start + length > bytes.length) throw malformed('all of the certificate')
    nodes.push({ tag, value: bytes.subarray(start, start + length) })
    at = start + length
  }
  return nodes
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function text(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new PolicyError('SIGSTORE_MALFORMED', 'expected UTF-8 in the certificate', { cause })
  }
}

function malformed(expected: string): PolicyError {
  return new PolicyError('SIGSTORE_MALFORMED', `expected ${expected}`)
}
