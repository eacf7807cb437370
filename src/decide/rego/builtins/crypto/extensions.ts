import { BuiltinError } from '../builtin.ts'
import { ia5Text } from './asn1-strings.ts'
import { textOf } from './bytes.ts'
import type { Der } from './der.ts'
import {
  BOOLEAN,
  CONSTRUCTED,
  CONTEXT,
  derOf,
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
  readInt64,
  restOf,
  SEQUENCE,
} from './der.ts'
import type { GoUrl } from './go-url.ts'
import { parseGoUrl } from './go-url.ts'
import { isDomain } from './mail-names.ts'
import type { NameConstraints } from './name-constraints.ts'
import { readNameConstraints } from './name-constraints.ts'
import type { Oid } from './object-identifier.ts'
import { oidOf, readOid } from './object-identifier.ts'

export type Extension = {
  readonly id: Oid
  readonly critical: boolean
  readonly value: Uint8Array
}

/** SubjectAltName, RFC 5280 section 4.2.1.6. */
export type AlternativeNames = {
  readonly dnsNames: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly ipAddresses: readonly Uint8Array[]
  readonly uris: readonly GoUrl[]
}

/** What extensions of a certificate say, by the rules of Go's `crypto/x509`. Undefined is what none says. */
export type Extensions = {
  keyUsage?: number
  /** `maxPathLength` is -1 where there is no limit. */
  basicConstraints?: { readonly isCa: boolean; readonly maxPathLength: bigint }
  names?: AlternativeNames
  constraints?: NameConstraints
  crlUrls?: readonly string[]
  authorityKeyId?: Uint8Array
  subjectKeyId?: Uint8Array
  policyConstraints?: { readonly explicit?: bigint; readonly noMapping?: bigint }
  extendedUsages?: readonly Oid[]
  policies?: readonly Oid[]
  policyMappings?: readonly { readonly issuer: Oid; readonly subject: Oid }[]
  inhibitAnyPolicy?: bigint
  ocspUrls?: readonly string[]
  issuerUrls?: readonly string[]
  /** Critical ones that say something that is not understood. */
  unhandled: Oid[]
}

export const NO_NAMES: AlternativeNames = {
  dnsNames: [],
  emailAddresses: [],
  ipAddresses: [],
  uris: [],
}

/** Reads the content of one extension. RFC 5280 section 4.2. */
export function readExtension(der: Der): Extension | undefined {
  const id = readOid(der)
  const critical = nextTag(der) === BOOLEAN ? readBoolean(der) : false
  const value =
    id === undefined || critical === undefined ? undefined : readBytes(der, OCTET_STRING)
  if (id === undefined || critical === undefined || value === undefined) return undefined
  return { id, critical, value }
}

/**
 * Reads what extensions say.
 *
 * @throws {BuiltinError} when one that is known is malformed
 */
export function readExtensions(extensions: readonly Extension[]): Extensions {
  const found: Extensions = { unhandled: [] }
  for (const extension of extensions) {
    const reader = Object.hasOwn(READERS, extension.id) ? READERS[extension.id] : undefined
    const handled = reader?.(found, extension)
    if (extension.critical && !handled) found.unhandled.push(extension.id)
  }
  return found
}

/** Reads SubjectAltName; names of kinds that are not known are skipped. */
export function readNames(value: Uint8Array): AlternativeNames {
  const fail = (what: string) => new BuiltinError(`x509: ${what}`)
  const der = read(derOf(value), SEQUENCE)
  if (der === undefined) throw fail('invalid subject alternative names')
  const dnsNames: string[] = []
  const emailAddresses: string[] = []
  const ipAddresses: Uint8Array[] = []
  const uris: GoUrl[] = []
  while (!isAtEnd(der)) {
    const element = readAny(der)
    if (element === undefined) throw fail('invalid subject alternative name')
    const bytes = restOf(element.content)
    if (element.tag === (CONTEXT | 7)) {
      if (bytes.length !== 4 && bytes.length !== 16) {
        throw fail(`cannot parse IP address of length ${bytes.length}`)
      }
      ipAddresses.push(bytes)
      continue
    }
    const kind = NAME_KINDS.get(element.tag)
    if (kind === undefined) continue
    const text = ia5Text(bytes)
    if (text === undefined) throw fail(`SAN ${kind} is malformed`)
    if (kind === 'rfc822Name') emailAddresses.push(text)
    else if (kind === 'dNSName') dnsNames.push(text)
    else uris.push(readUri(text))
  }
  return { dnsNames, emailAddresses, ipAddresses, uris }
}

const NAME_KINDS = new Map([
  [CONTEXT | 1, 'rfc822Name'],
  [CONTEXT | 2, 'dNSName'],
  [CONTEXT | 6, 'uniformResourceIdentifier'],
])

/** Fills in what the extension says; gives false where it says nothing that is understood. */
type Reader = (found: Extensions, extension: Extension) => boolean

const READERS: Readonly<Record<Oid, Reader>> = {
  '2.5.29.14': (found, extension) => {
    if (extension.critical) throw invalid('subject key identifier incorrectly marked critical')
    found.subjectKeyId = need(readBytes(derOf(extension.value), OCTET_STRING), 'subject key id')
    return true
  },
  '2.5.29.15': (found, { value }) => {
    const { bytes, unusedBits } = need(readBitString(derOf(value)), 'key usage')
    found.keyUsage = 0
    for (let at = 0; at < 9 && at < 8 * bytes.length - unusedBits; at++) {
      const bit = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
      found.keyUsage |= bit << at
    }
    return true
  },
  '2.5.29.17': (found, { value }) => {
    const names = readNames(value)
    found.names = names
    return Object.values(names).some((list) => list.length > 0)
  },
  '2.5.29.19': (found, { value }) => {
    const der = need(read(derOf(value), SEQUENCE), 'basic constraints')
    const isCa = nextTag(der) === BOOLEAN ? readBoolean(der) : false
    if (isCa === undefined) throw invalid('invalid basic constraints')
    found.basicConstraints = { isCa, maxPathLength: -1n }
    if (nextTag(der) !== INTEGER) return true
    const maxPathLength = need(readInt64(der), 'basic constraints')
    if (maxPathLength < 0n) throw invalid('invalid basic constraints')
    found.basicConstraints = { isCa, maxPathLength }
    return true
  },
  '2.5.29.30': (found, extension) => {
    const { constraints, understood } = readNameConstraints(extension.value)
    found.constraints = constraints
    return understood
  },
  '2.5.29.31': (found, { value }) => {
    found.crlUrls = readCrlUrls(value)
    return true
  },
  '2.5.29.32': (found, { value }) => {
    found.policies = readPolicies(value)
    return true
  },
  '2.5.29.33': (found, { value }) => {
    const der = need(read(derOf(value), SEQUENCE), 'policy mappings extension')
    found.policyMappings = readAll(der, 'policy mappings extension', (pair) => {
      const issuer = readBytes(pair, OBJECT_IDENTIFIER)
      const subject = issuer && readBytes(pair, OBJECT_IDENTIFIER)
      const [a, b] = issuer && subject ? [oidOf(issuer), oidOf(subject)] : []
      return a === undefined || b === undefined ? undefined : { issuer: a, subject: b }
    })
    return true
  },
  '2.5.29.35': (found, extension) => {
    if (extension.critical) throw invalid('authority key identifier incorrectly marked critical')
    const der = need(read(derOf(extension.value), SEQUENCE), 'authority key identifier')
    if (nextTag(der) === CONTEXT) {
      found.authorityKeyId = need(readBytes(der, CONTEXT), 'authority key identifier')
    }
    return true
  },
  '2.5.29.36': (found, { value }) => {
    const der = need(read(derOf(value), SEQUENCE), 'policy constraints extension')
    const limit = (tag: number) =>
      nextTag(der) === tag ? need(readInt64(der, tag), 'policy constraints extension') : undefined
    const [explicit, noMapping] = [limit(CONTEXT), limit(CONTEXT | 1)]
    found.policyConstraints = {
      ...(explicit !== undefined && { explicit }),
      ...(noMapping !== undefined && { noMapping }),
    }
    return true
  },
  '2.5.29.37': (found, { value }) => {
    const der = need(read(derOf(value), SEQUENCE), 'extended key usages')
    const usages: Oid[] = []
    while (!isAtEnd(der)) usages.push(need(readOid(der), 'extended key usages'))
    found.extendedUsages = usages
    return true
  },
  '2.5.29.54': (found, { value }) => {
    found.inhibitAnyPolicy = need(readInt64(derOf(value)), 'inhibit any policy extension')
    return true
  },
  '1.3.6.1.5.5.7.1.1': (found, extension) => {
    if (extension.critical) throw invalid('authority info access incorrectly marked critical')
    readAuthorityAccess(found, extension.value)
    return true
  },
}

function readUri(text: string): GoUrl {
  const uri = parseGoUrl(text)
  if (!isDomain(uri.host)) throw invalid('cannot parse URI: invalid domain')
  return uri
}

function readCrlUrls(value: Uint8Array): readonly string[] {
  const urls: string[] = []
  const points = need(read(derOf(value), SEQUENCE), 'CRL distribution points')
  while (!isAtEnd(points)) {
    const point = need(read(points, SEQUENCE), 'CRL distribution point')
    if (nextTag(point) !== (CONTEXT | CONSTRUCTED)) continue
    const choice = need(read(point, CONTEXT | CONSTRUCTED), 'CRL distribution point')
    const names = need(read(choice, CONTEXT | CONSTRUCTED), 'CRL distribution point')
    while (nextTag(names) === (CONTEXT | 6)) {
      urls.push(textOf(need(readBytes(names, CONTEXT | 6), 'CRL distribution point')))
    }
  }
  return urls
}

function readPolicies(value: Uint8Array): readonly Oid[] {
  const der = need(read(derOf(value), SEQUENCE), 'certificate policies')
  const policies = readAll(der, 'certificate policies', (policy) => {
    const bytes = readBytes(policy, OBJECT_IDENTIFIER)
    return bytes && oidOf(bytes)
  })
  if (new Set(policies).size < policies.length) throw invalid('invalid certificate policies')
  return policies
}

function readAuthorityAccess(found: Extensions, value: Uint8Array): void {
  const [ocspUrls, issuerUrls]: [string[], string[]] = [[], []]
  const der = need(read(derOf(value), SEQUENCE), 'authority info access')
  while (!isAtEnd(der)) {
    const access = need(read(der, SEQUENCE), 'authority info access')
    const method = need(readOid(access), 'authority info access')
    if (nextTag(access) !== (CONTEXT | 6)) continue
    const url = textOf(need(readBytes(access, CONTEXT | 6), 'authority info access'))
    if (method === '1.3.6.1.5.5.7.48.1') ocspUrls.push(url)
    else if (method === '1.3.6.1.5.5.7.48.2') issuerUrls.push(url)
  }
  found.ocspUrls = ocspUrls
  found.issuerUrls = issuerUrls
}

/** Reads sequences until the end. */
function readAll<T>(der: Der, what: string, readOne: (der: Der) => T | undefined): T[] {
  const all: T[] = []
  while (!isAtEnd(der)) all.push(need(readOne(need(read(der, SEQUENCE), what)), what))
  return all
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw invalid(`invalid ${what}`)
  return value
}

function invalid(message: string): BuiltinError {
  return new BuiltinError(`x509: ${message}`)
}
