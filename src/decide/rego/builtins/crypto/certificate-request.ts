import { encodeBase64 } from '../../../../base/encoding.ts'
import type { RegoObject, Value } from '../../values/value.ts'
import { BuiltinError } from '../builtin.ts'
import {
  asn1Text,
  BMP_STRING,
  IA5_STRING,
  NUMERIC_STRING,
  PRINTABLE_STRING,
  T61_STRING,
  UTF8_STRING,
} from './asn1-strings.ts'
import { readMoment } from './asn1-time.ts'
import { keyAlgorithmOf } from './certificate.ts'
import { extensionsValue, namesMembers } from './certificate-values.ts'
import type { Der } from './der.ts'
import {
  BIT_STRING,
  BOOLEAN,
  CONSTRUCTED,
  CONTEXT,
  derOf,
  GENERALIZED_TIME,
  INTEGER,
  isAtEnd,
  nextTag,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  read,
  readAny,
  readBitString,
  readBoolean,
  readBytes,
  readElement,
  readInt64,
  restOf,
  rightAlign,
  SEQUENCE,
  SET,
  UTC_TIME,
} from './der.ts'
import type { Extension } from './extensions.ts'
import { NO_NAMES, readExtension, readNames } from './extensions.ts'
import { bigValue, goList, goStruct, publicKeyValue } from './key-values.ts'
import { nameValue, readName } from './names.ts'
import { oidValue, readOid } from './object-identifier.ts'
import { keyOf, readAlgorithm, readKeyInfo } from './public-keys.ts'
import { signatureAlgorithmOf } from './signature-algorithms.ts'

/**
 * A certificate request (PKCS #10, RFC 2986) in DER, as Go's `encoding/json` writes an `x509.CertificateRequest`.
 *
 * @throws {BuiltinError}
 */
export function certificateRequestValue(bytes: Uint8Array): RegoObject {
  const der = derOf(bytes)
  const { whole: raw, content: outer } = need(readElement(der, SEQUENCE))
  const { whole: rawTbs, content: tbs } = need(readElement(outer, SEQUENCE))
  const version = need(readInt64(tbs))
  const { tag, whole: rawSubject } = need(readAny(tbs))
  const { whole: rawKeyInfo, content: spki } = need(readElement(tbs, SEQUENCE))
  const keyInfo = need(readKeyInfo(spki))
  const attributes = readAttributes(need(read(tbs, CONTEXT | CONSTRUCTED)))
  const algorithm = need(readAlgorithm(need(read(outer, SEQUENCE))))
  const signature = rightAlign(need(readBitString(outer)))
  if (!isAtEnd(der)) throw new BuiltinError('asn1: syntax error: trailing data')
  const keyAlgorithm = keyAlgorithmOf(keyInfo.algorithm.oid)
  const subject = need(tag === SEQUENCE ? readName(derOf(rawSubject), readAnyValue) : undefined)
  const extensions = requestedExtensions(attributes)
  const names = extensions.find(({ id }) => id === '2.5.29.17')
  return goStruct({
    Raw: encodeBase64(raw),
    RawTBSCertificateRequest: encodeBase64(rawTbs),
    RawSubjectPublicKeyInfo: encodeBase64(rawKeyInfo),
    RawSubject: encodeBase64(rawSubject),
    Version: bigValue(version),
    Signature: encodeBase64(signature),
    SignatureAlgorithm: signatureAlgorithmOf(algorithm)?.number ?? 0,
    PublicKeyAlgorithm: keyAlgorithm,
    PublicKey: keyAlgorithm === 0 ? null : publicKeyValue(keyOf(keyInfo)),
    Subject: nameValue(subject),
    Attributes: goList(attributes.flatMap(attributeValue)),
    Extensions: extensionsValue(extensions),
    ExtraExtensions: null,
    ...namesMembers(names === undefined ? NO_NAMES : readNames(names.value)),
  })
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'

const STRING_TAGS = new Set([
  PRINTABLE_STRING,
  NUMERIC_STRING,
  IA5_STRING,
  T61_STRING,
  UTF8_STRING,
  BMP_STRING,
])

function readAttributes(der: Der): readonly Uint8Array[] {
  const attributes: Uint8Array[] = []
  while (!isAtEnd(der)) attributes.push(need(readAny(der)).whole)
  return attributes
}

/** An attribute whose values are sequences of pairs; nothing for another. */
function attributeValue(bytes: Uint8Array): readonly Value[] {
  const content = read(derOf(bytes), SEQUENCE)
  if (content === undefined) return []
  const type = readOid(content)
  const set = type === undefined ? undefined : read(content, SET)
  if (type === undefined || set === undefined) return []
  const values: Value[] = []
  while (!isAtEnd(set)) {
    const list = read(set, SEQUENCE)
    const pairs = list && readPairs(list)
    if (pairs === undefined) return []
    values.push(pairs)
  }
  return [goStruct({ Type: oidValue(type), Value: values })]
}

function readPairs(list: Der): Value | undefined {
  const pairs: Value[] = []
  while (!isAtEnd(list)) {
    const pair = read(list, SEQUENCE)
    const type = pair && readOid(pair)
    const value = type === undefined ? undefined : pair && readAnyValue(pair)
    if (type === undefined || value === undefined) return undefined
    pairs.push(goStruct({ Type: oidValue(type), Value: value }))
  }
  return pairs
}

function requestedExtensions(attributes: readonly Uint8Array[]): readonly Extension[] {
  const extensions: Extension[] = []
  for (const bytes of attributes) {
    const content = read(derOf(bytes), SEQUENCE)
    const type = content && readOid(content)
    const set = type === EXTENSION_REQUEST && content ? read(content, SET) : undefined
    const first = set && readAny(set)
    if (first === undefined) continue
    const list = need(read(derOf(first.whole), SEQUENCE))
    while (!isAtEnd(list)) extensions.push(need(readExtension(need(read(list, SEQUENCE)))))
  }
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length) {
    throw new BuiltinError('x509: certificate request contains duplicate requested extensions')
  }
  return extensions
}

/** A value of any type as Go's `encoding/asn1` reads it into an `any`; null for a type it does not know. */
function readAnyValue(der: Der): Value | undefined {
  const tag = nextTag(der)
  switch (tag) {
    case BOOLEAN:
      return readBoolean(der)
    case INTEGER: {
      const value = readInt64(der)
      return value === undefined ? undefined : bigValue(value)
    }
    case OBJECT_IDENTIFIER: {
      const oid = readOid(der)
      return oid === undefined ? undefined : oidValue(oid)
    }
    case OCTET_STRING: {
      const bytes = readBytes(der, OCTET_STRING)
      return bytes && encodeBase64(bytes)
    }
    case BIT_STRING: {
      const bits = readBitString(der)
      if (bits === undefined) return undefined
      const { bytes, unusedBits } = bits
      const length = 8 * bytes.length - unusedBits
      return goStruct({ Bytes: encodeBase64(bytes), BitLength: length })
    }
    case UTC_TIME:
    case GENERALIZED_TIME:
      return readMoment(der)?.text
  }
  const element = readAny(der)
  if (element === undefined) return undefined
  return STRING_TAGS.has(element.tag) ? asn1Text(element.tag, restOf(element.content)) : null
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new BuiltinError('asn1: structure error: no certificate request')
  return value
}
