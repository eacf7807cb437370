import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { parseAddress } from '../net-address.ts'
import { ia5Text } from './asn1-strings.ts'
import type { Der } from './der.ts'
import {
  CONSTRUCTED,
  CONTEXT,
  derOf,
  isAtEnd,
  nextTag,
  read,
  readAny,
  restOf,
  SEQUENCE,
} from './der.ts'
import type { AlternativeNames } from './extensions.ts'
import type { Mailbox } from './mail-names.ts'
import { isDomain, isDomainConstraint, parseMailbox } from './mail-names.ts'

/** Names that a certificate authority may or may not certify. RFC 5280 section 4.2.1.10. */
export type NameConstraints = { readonly permitted: Subtrees; readonly excluded: Subtrees }

export type Subtrees = {
  readonly dnsDomains: readonly string[]
  readonly ipRanges: readonly IpRange[]
  readonly emailAddresses: readonly string[]
  readonly uriDomains: readonly string[]
}

/** Four or 16 bytes each; the mask is ones and then zeros. */
export type IpRange = { readonly ip: Uint8Array; readonly mask: Uint8Array }

/**
 * Reads a NameConstraints extension.
 *
 * @returns `understood` false when it also constrains names of other kinds
 * @throws {BuiltinError}
 */
export function readNameConstraints(value: Uint8Array): {
  readonly constraints: NameConstraints
  readonly understood: boolean
} {
  const outer = derOf(value)
  const der = read(outer, SEQUENCE)
  const permitted = der && optional(der, CONTEXT | CONSTRUCTED)
  const excluded = der && optional(der, CONTEXT | CONSTRUCTED | 1)
  if (!der || !permitted || !excluded || !isAtEnd(outer) || !isAtEnd(der)) {
    throw invalid('invalid NameConstraints extension')
  }
  if (isAtEnd(permitted) && isAtEnd(excluded)) throw invalid('empty name constraints extension')
  const unknown: number[] = []
  const constraints = {
    permitted: readSubtrees(permitted, unknown),
    excluded: readSubtrees(excluded, unknown),
  }
  return { constraints, understood: unknown.length === 0 }
}

/**
 * Whether an authority with these constraints may certify these names.
 *
 * @throws {BuiltinError} for names that cannot be compared
 */
export function permits(
  call: Call,
  { permitted, excluded }: NameConstraints,
  names: AlternativeNames,
): boolean {
  call.work(comparisons(permitted, names) + comparisons(excluded, names))
  const hosts = names.uris.map(({ host }) => uriDomain(host))
  const mailboxes = names.emailAddresses.map(mailboxOf)
  const domains = [...names.dnsNames, ...hosts, ...mailboxes.map(({ domain }) => domain)]
  if (!domains.every(isDomain)) throw invalid('a name cannot be parsed')
  return (
    within(names.ipAddresses, permitted.ipRanges, contains) &&
    outside(names.ipAddresses, excluded.ipRanges, contains) &&
    within(names.dnsNames, permitted.dnsDomains, isBelow) &&
    outside(names.dnsNames, excluded.dnsDomains, mayBeBelow) &&
    within(hosts, permitted.uriDomains, isBelow) &&
    outside(hosts, excluded.uriDomains, mayBeBelow) &&
    within(mailboxes, permitted.emailAddresses, (name, constraint) =>
      isMailBelow(name, constraint, isBelow),
    ) &&
    outside(mailboxes, excluded.emailAddresses, (name, constraint) =>
      isMailBelow(name, constraint, mayBeBelow),
    )
  )
}

const DNS_TAG = CONTEXT | 2
const EMAIL_TAG = CONTEXT | 1
const IP_TAG = CONTEXT | 7
const URI_TAG = CONTEXT | 6

/** Content of an optional element: empty where it is missing. */
function optional(der: Der, tag: number): Der | undefined {
  return nextTag(der) === tag ? read(der, tag) : derOf(new Uint8Array())
}

function readSubtrees(der: Der, unknown: number[]): Subtrees {
  const dnsDomains: string[] = []
  const ipRanges: IpRange[] = []
  const emailAddresses: string[] = []
  const uriDomains: string[] = []
  while (!isAtEnd(der)) {
    const subtree = read(der, SEQUENCE)
    const base = subtree && readAny(subtree)
    if (base === undefined) throw invalid('invalid NameConstraints extension')
    const bytes = restOf(base.content)
    if (base.tag === IP_TAG) ipRanges.push(readRange(bytes))
    else if (base.tag === DNS_TAG) dnsDomains.push(readConstraint(bytes, isDomainConstraint))
    else if (base.tag === EMAIL_TAG) emailAddresses.push(readConstraint(bytes, isMailConstraint))
    else if (base.tag === URI_TAG) uriDomains.push(readConstraint(bytes, isUriConstraint))
    else unknown.push(base.tag)
  }
  return { dnsDomains, ipRanges, emailAddresses, uriDomains }
}

function readRange(bytes: Uint8Array): IpRange {
  const half = bytes.length / 2
  if (half !== 4 && half !== 16) throw invalid('IP constraint of another length than 8 or 32')
  const [ip, mask] = [bytes.subarray(0, half), bytes.subarray(half)]
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  if (bits.includes('01')) throw invalid('IP constraint contained invalid mask')
  return { ip, mask }
}

function readConstraint(bytes: Uint8Array, isValid: (text: string) => boolean): string {
  const text = ia5Text(bytes)
  if (text === undefined || !isValid(text)) throw invalid('failed to parse a name constraint')
  return text
}

/** With an `@` it is one mailbox, otherwise a domain. */
function isMailConstraint(text: string): boolean {
  return text.includes('@') ? parseMailbox(text) !== undefined : isDomainConstraint(text)
}

function isUriConstraint(text: string): boolean {
  const address = parseAddress(text)
  return (address === undefined || address.zone !== '') && isDomainConstraint(text)
}

function comparisons(trees: Subtrees, names: AlternativeNames): number {
  const pairs =
    trees.dnsDomains.length * names.dnsNames.length +
    trees.ipRanges.length * names.ipAddresses.length +
    trees.emailAddresses.length * names.emailAddresses.length +
    trees.uriDomains.length * names.uris.length
  return pairs * COMPARISON_UNITS
}

const COMPARISON_UNITS = 16 // Some 300 ns: both texts are short.

function within<N, C>(
  names: readonly N[],
  constraints: readonly C[],
  matches: (name: N, constraint: C) => boolean,
): boolean {
  if (constraints.length === 0) return true
  return names.every((name) => constraints.some((constraint) => matches(name, constraint)))
}

function outside<N, C>(
  names: readonly N[],
  constraints: readonly C[],
  matches: (name: N, constraint: C) => boolean,
): boolean {
  return !names.some((name) => constraints.some((constraint) => matches(name, constraint)))
}

function contains(ip: Uint8Array, range: IpRange): boolean {
  if (ip.length !== range.ip.length) return false
  return ip.every((byte, at) => ((byte ^ (range.ip[at] ?? 0)) & (range.mask[at] ?? 0)) === 0)
}

/** Whether a name is the domain or lies below it; with a leading dot only what lies below counts. */
function isBelow(name: string, constraint: string): boolean {
  const [lower, domain] = [name.toLowerCase(), constraint.toLowerCase()]
  if (domain === '' || lower === domain) return true
  return lower.endsWith(domain.startsWith('.') ? domain : `.${domain}`)
}

/** As isBelow; a wildcard also may stand for the first label of what is excluded. */
function mayBeBelow(name: string, constraint: string): boolean {
  if (isBelow(name, constraint)) return true
  if (!name.startsWith('*')) return false
  const rest = afterFirstLabel(name)
  return rest !== '' && rest === afterFirstLabel(constraint)
}

/** In lower case, from the first dot on. */
function afterFirstLabel(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 ? '' : name.slice(dot).toLowerCase()
}

function isMailBelow(
  { local, domain }: Mailbox,
  constraint: string,
  domainMatches: (name: string, constraint: string) => boolean,
): boolean {
  if (!constraint.includes('@')) return domainMatches(domain, constraint)
  const mailbox = parseMailbox(constraint)
  return mailbox?.local === local && mailbox.domain.toLowerCase() === domain.toLowerCase()
}

/** The domain that a URI names. One without, or with an address, cannot be compared with domains. */
function uriDomain(host: string): string {
  const lower = host.toLowerCase()
  if (lower === '') throw invalid('URI with empty host cannot be matched against constraints')
  const domain = lower.includes(':') && !lower.endsWith(']') ? withoutPort(host) : lower
  if (parseAddress(domain) !== undefined || /^\[.*\]$/.test(domain)) {
    throw invalid('URI with IP cannot be matched against constraints')
  }
  return domain
}

/** As Go's net.SplitHostPort: brackets come off, more than one colon outside them is a fault. */
function withoutPort(host: string): string {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*)):[^:[\]]*$/.exec(host)
  const domain = found?.[1] ?? found?.[2]
  if (domain === undefined) throw invalid('cannot parse URI host')
  return domain
}

function mailboxOf(text: string): Mailbox {
  const mailbox = parseMailbox(text)
  if (mailbox === undefined) throw invalid('cannot parse rfc822Name')
  return mailbox
}

function invalid(message: string): BuiltinError {
  return new BuiltinError(`x509: ${message}`)
}
