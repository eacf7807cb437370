import { encodeBase64 } from '../../../base/encoding.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { isArray, isSet, objectEntries } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, objectOperand, stringOperand } from './builtin.ts'
import { binaryText, trimmed } from './crypto/bytes.ts'
import type { Certificate } from './crypto/certificate.ts'
import { parseCertificate, parseCertificates } from './crypto/certificate.ts'
import { certificateRequestValue } from './crypto/certificate-request.ts'
import { certificateValue, extendedCertificateValue } from './crypto/certificate-values.ts'
import { decodeGoBase64 } from './crypto/go-base64.ts'
import { goStruct, privateKeyValue } from './crypto/key-values.ts'
import type { PemBlock } from './crypto/pem.ts'
import { nextPem } from './crypto/pem.ts'
import type { PrivateKey } from './crypto/private-keys.ts'
import { parseAnyKey } from './crypto/private-keys.ts'
import type { PublicKey } from './crypto/public-keys.ts'
import type { VerifyOptions } from './crypto/verify-chain.ts'
import { verifyChain } from './crypto/verify-chain.ts'

/** X.509 certificates (RFC 5280), taken apart as Go's `crypto/x509` does and verified at a given moment. */
export const X509: BuiltinFamily = {
  'crypto.x509.parse_certificates': (call, text) =>
    readCertificates(call, stringOperand(text, 1)).map(extendedCertificateValue),
  'crypto.x509.parse_and_verify_certificates': (call, text) =>
    verify(call, stringOperand(text, 1), undefined),
  'crypto.x509.parse_and_verify_certificates_with_options': (call, text, options) => {
    const source = stringOperand(text, 1)
    return verify(call, source, objectOperand(options, 2))
  },
  'crypto.x509.parse_certificate_request': (call, text) =>
    certificateRequestValue(requestBytes(call, stringOperand(text, 1))),
  'crypto.x509.parse_keypair': (call, certificate, key) =>
    keyPair(call, stringOperand(certificate, 1), stringOperand(key, 1)),
}

const PEM_START = '-----BEGIN'
const READ_UNITS = 8 // Some 160 ns for a character, with the values that come of it.
const MADE_PER_CHARACTER = 4 // A certificate's value holds its bytes several times, in base64.

/** Numbers of Go's `x509.ExtKeyUsage` by OPA's names. */
const USAGES: readonly string[] = [
  'KeyUsageAny',
  'KeyUsageServerAuth',
  'KeyUsageClientAuth',
  'KeyUsageCodeSigning',
  'KeyUsageEmailProtection',
  'KeyUsageIPSECEndSystem',
  'KeyUsageIPSECTunnel',
  'KeyUsageIPSECUser',
  'KeyUsageTimeStamping',
  'KeyUsageOCSPSigning',
  'KeyUsageMicrosoftServerGatedCrypto',
  'KeyUsageNetscapeServerGatedCrypto',
  'KeyUsageMicrosoftCommercialCodeSigning',
  'KeyUsageMicrosoftKernelCodeSigning',
]

/** Certificates in PEM, in base64 of PEM, or in base64 of DER. */
function readCertificates(call: Call, text: string): readonly Certificate[] {
  call.work(text.length * READ_UNITS)
  call.output(text.length * MADE_PER_CHARACTER)
  if (text.startsWith(PEM_START)) return certificatesOfPem(text)
  const bytes = decodeGoBase64(text, 'standard')
  const inner = binaryText(bytes)
  return inner.startsWith(PEM_START) ? certificatesOfPem(inner) : parseCertificates(bytes)
}

function certificatesOfPem(text: string): readonly Certificate[] {
  const certificates: Certificate[] = []
  for (const { type, bytes } of blocksOf(text)) {
    if (type !== 'CERTIFICATE') {
      throw new BuiltinError('PEM block type is another, expected CERTIFICATE')
    }
    certificates.push(...parseCertificates(bytes))
  }
  return certificates
}

function* blocksOf(text: string): Generator<PemBlock> {
  for (let found = nextPem(text); found !== undefined; found = nextPem(found.rest)) {
    yield found.block
  }
}

/**
 * `[whether it holds, chain from the leaf to the root]`. The first certificate is the root, the last the leaf.
 *
 * @param options - undefined for the built-in that reads the clock in OPA
 */
function verify(call: Call, text: string, options: AnyObject | undefined): Value {
  const certificates = readOrNone(call, text)
  const given = certificates && options && readOptions(options)
  const [root, ...others] = certificates ?? []
  const leaf = others.pop()
  if (root === undefined || leaf === undefined) return [false, []]
  if (given?.now === undefined) {
    throw new BuiltinError(
      'certificates are valid for a time only: use crypto.x509.parse_and_verify_certificates_with_options and pass ' +
        'the moment of the decision as "CurrentTime", in nanoseconds',
    )
  }
  const search = { root, intermediates: others }
  const chain = verifyChain(call, leaf, search, { ...given, now: given.now })
  if (chain === undefined) return [false, []]
  return [true, chain.map(certificateValue)]
}

function readOrNone(call: Call, text: string): readonly Certificate[] | undefined {
  try {
    return readCertificates(call, text)
  } catch (cause) {
    if (cause instanceof BuiltinError) return undefined
    throw cause
  }
}

type GivenOptions = Omit<VerifyOptions, 'now'> & { readonly now: bigint | undefined }

function readOptions(options: AnyObject): GivenOptions {
  let [host, now, usages]: [string, bigint | undefined, readonly number[]] = ['', undefined, []]
  for (const [name, value] of objectEntries(options)) {
    if (typeof name !== 'string') continue
    switch (name) {
      case 'DNSName':
        if (typeof value !== 'string') throw new BuiltinError("'DNSName' should be a string")
        host = trimmed(value, '"')
        break
      case 'CurrentTime':
        now = int64(name, value)
        break
      case 'MaxConstraintComparisons':
        // Go no longer counts them; here the budget of the evaluation does.
        int64(name, value)
        break
      case 'KeyUsages':
        usages = readUsages(value)
        break
      default:
        throw new BuiltinError('invalid key option')
    }
  }
  return { host, now, usages }
}

function int64(name: string, value: Value): bigint {
  const whole =
    typeof value === 'bigint' || Number.isInteger(value)
      ? BigInt(value as number | bigint)
      : undefined
  if (whole === undefined || BigInt.asIntN(64, whole) !== whole) {
    throw new BuiltinError(`'${name}' should be a valid int64 number`)
  }
  return whole
}

function readUsages(value: Value): readonly number[] {
  if (!isArray(value) && !isSet(value)) {
    throw new BuiltinError("'KeyUsages' should be an Array or Set")
  }
  const members = isArray(value) ? value : value.values()
  return members
    .filter((member) => typeof member === 'string')
    .map((member) => {
      const usage = USAGES.indexOf(trimmed(member, '"'))
      if (usage < 0) throw new BuiltinError("invalid entries for 'KeyUsages' found")
      return usage
    })
}

/** DER of a request in PEM, or in base64 of DER or PEM. */
function requestBytes(call: Call, text: string): Uint8Array {
  call.work(text.length * READ_UNITS)
  call.output(text.length * MADE_PER_CHARACTER)
  const plain = text.startsWith('-----BEGIN CERTIFICATE REQUEST-----')
  const decoded = plain ? undefined : decodeGoBase64(text, 'standard')
  const block = nextPem(decoded === undefined ? text : binaryText(decoded))?.block
  if (block === undefined) return decoded ?? new Uint8Array()
  if (block.type !== 'CERTIFICATE REQUEST') {
    throw new BuiltinError('invalid PEM-encoded certificate signing request')
  }
  return block.bytes
}

/** A certificate with those above it and its private key, as Go's `crypto/tls` loads them. */
function keyPair(call: Call, certificateText: string, keyText: string): Value {
  call.work((certificateText.length + keyText.length) * READ_UNITS)
  call.output((certificateText.length + keyText.length) * MADE_PER_CHARACTER)
  const certificates = [...pemOrDer(certificateText, 'CERTIFICATE')]
    .filter(({ type }) => type === 'CERTIFICATE')
    .map(({ bytes }) => bytes)
  const [first] = certificates
  if (first === undefined) {
    throw new BuiltinError('tls: failed to find any PEM data in certificate input')
  }
  const block = [...pemOrDer(keyText, 'PRIVATE KEY')].find(
    ({ type }) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'),
  )
  if (block === undefined) throw new BuiltinError('tls: failed to find any PEM data in key input')
  const leaf = parseCertificate(first)
  const key = parseAnyKey(call, block.bytes)
  checkMatch(leaf.key, key)
  return goStruct({
    Certificate: certificates.map(encodeBase64),
    PrivateKey: privateKeyValue(key),
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: certificateValue(leaf),
  })
}

function pemOrDer(text: string, type: string): Iterable<PemBlock> {
  const start = `${PEM_START} `
  if (text.startsWith(start)) return blocksOf(text)
  const bytes = decodeGoBase64(text, 'standard')
  const inner = binaryText(bytes)
  return inner.startsWith(start) ? blocksOf(inner) : [{ type, bytes }]
}

function checkMatch(shown: PublicKey | undefined, secret: PrivateKey): void {
  if (shown === undefined || shown.kind === 'dsa' || shown.kind === 'x25519') {
    throw new BuiltinError('tls: unknown public key algorithm')
  }
  if (shown.kind !== secret.kind) {
    throw new BuiltinError('tls: private key type does not match public key type')
  }
  if (!isPublicHalf(shown, secret)) {
    throw new BuiltinError('tls: private key does not match public key')
  }
}

function isPublicHalf(shown: PublicKey, secret: PrivateKey): boolean {
  if (shown.kind === 'rsa') {
    return secret.kind === 'rsa' && shown.n === secret.n && shown.e === secret.e
  }
  if (shown.kind === 'ec') {
    const same = secret.kind === 'ec' && shown.curve === secret.curve
    return same && shown.x === secret.x && shown.y === secret.y
  }
  if (shown.kind !== 'ed25519' || secret.kind !== 'ed25519') return false
  return encodeBase64(shown.x) === encodeBase64(secret.x)
}
