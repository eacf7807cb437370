import { bytesEqual } from '../../../../base/digest.ts'
import type { Call } from '../builtin.ts'
import { BuiltinError } from '../builtin.ts'
import { binaryText } from './bytes.ts'
import type { Certificate } from './certificate.ts'
import { numbersOf } from './certificate-values.ts'
import { NO_NAMES } from './extensions.ts'
import { matchesHost } from './host-match.ts'
import { permits } from './name-constraints.ts'
import { policiesAllow } from './policy-graph.ts'
import { isSignedBy } from './signature-algorithms.ts'

/** What a chain is verified for. */
export type VerifyOptions = {
  /** In nanoseconds since 1970. */
  readonly now: bigint
  /** A host that the leaf must be for; '' takes any. */
  readonly host: string
  /** Numbers of Go's `x509.ExtKeyUsage`, of which one must be allowed; none means that of a server. */
  readonly usages: readonly number[]
}

/**
 * The first chain from a leaf over intermediates to a root that holds at a moment, the leaf first; undefined where
 * there is none. RFC 5280 section 6 as Go's `crypto/x509` does it: without revocation, and SHA-1 never counts.
 */
export function verifyChain(
  call: Call,
  leaf: Certificate,
  {
    root,
    intermediates,
  }: { readonly root: Certificate; readonly intermediates: readonly Certificate[] },
  options: VerifyOptions,
): readonly Certificate[] | undefined {
  if (!isValidHere(leaf, [], options, { authority: false })) return undefined
  if (options.host !== '' && !matchesHost(leaf, options.host)) return undefined
  const search: Search = {
    call,
    options,
    roots: bySubject([root]),
    intermediates: bySubject(intermediates),
    checksLeft: SIGNATURE_CHECKS_MAX,
    chains: [],
  }
  if (bytesEqual(leaf.raw, root.raw)) search.chains.push([leaf])
  else extend(search, [leaf])
  return search.chains.find((chain) => isAcceptable(call, chain, options))
}

const SIGNATURE_CHECKS_MAX = 100 // As in Go: for a hostile set of certificates with one name.
const KEY_CERT_SIGN = 1 << 5
const ANY_USAGE = 0
const SERVER_AUTH = 1

type Search = {
  readonly call: Call
  readonly options: VerifyOptions
  readonly roots: BySubject
  readonly intermediates: BySubject
  checksLeft: number
  readonly chains: (readonly Certificate[])[]
}

/** Certificates by the DER of their subject, one character a byte; the same one once. */
type BySubject = ReadonlyMap<string, readonly Certificate[]>

function bySubject(certificates: readonly Certificate[]): BySubject {
  const distinct = new Map(certificates.map((one) => [binaryText(one.raw), one]))
  return Map.groupBy(distinct.values(), ({ rawSubject }) => binaryText(rawSubject))
}

/** Adds all chains that begin with this one, those that end at once first. */
function extend(search: Search, chain: readonly Certificate[]): void {
  const child = chain.at(-1)
  if (child === undefined) return
  for (const [candidates, isRoot] of [
    [search.roots, true],
    [search.intermediates, false],
  ] as const) {
    for (const parent of likelyParents(child, candidates)) {
      if (search.checksLeft === 0) return
      search.checksLeft -= 1
      if (!isParent(search, chain, parent, isRoot)) continue
      const longer = [...chain, parent]
      if (isRoot) search.chains.push(longer)
      else extend(search, longer)
    }
  }
}

/** Those with the issuer's name; first those whose key identifier is the one that is named, last those with another. */
function likelyParents(child: Certificate, candidates: BySubject): readonly Certificate[] {
  const named = candidates.get(binaryText(child.rawIssuer)) ?? []
  const wanted = child.says.authorityKeyId ?? EMPTY
  const rank = (parent: Certificate) => {
    const id = parent.says.subjectKeyId ?? EMPTY
    if (bytesEqual(id, wanted)) return 0
    return id.length === 0 || wanted.length === 0 ? 1 : 2
  }
  return named.toSorted((a, b) => rank(a) - rank(b))
}

const EMPTY = new Uint8Array()

function isParent(
  { call, options }: Search,
  chain: readonly Certificate[],
  parent: Certificate,
  isRoot: boolean,
): boolean {
  const child = chain.at(-1)
  if (child?.signatureAlgorithm === undefined || parent.key === undefined) return false
  if (chain.some((other) => isSameAuthority(parent, other))) return false
  const { basicConstraints, keyUsage = 0 } = parent.says
  if (basicConstraints === undefined ? parent.version === 3 : !basicConstraints.isCa) return false
  if (keyUsage !== 0 && (keyUsage & KEY_CERT_SIGN) === 0) return false
  const { rawTbs: message, signature } = child
  return (
    isValidHere(parent, chain, options, { authority: !isRoot }) &&
    isSignedBy(call, child.signatureAlgorithm, parent.key, { message, signature })
  )
}

/** By subject, key and alternative names: cross-signed certificates would make loops. */
function isSameAuthority(a: Certificate, b: Certificate): boolean {
  if (!bytesEqual(a.rawSubject, b.rawSubject) || !bytesEqual(a.rawKeyInfo, b.rawKeyInfo)) {
    return false
  }
  const [x, y] = [a, b].map(({ extensions }) => extensions.find(({ id }) => id === '2.5.29.17'))
  return x === undefined || y === undefined ? x === y : bytesEqual(x.value, y.value)
}

/** Whether a certificate may follow a chain, whoever signed it. */
function isValidHere(
  { says, notBefore, notAfter }: Certificate,
  chain: readonly Certificate[],
  { now }: VerifyOptions,
  { authority }: { readonly authority: boolean },
): boolean {
  if (says.unhandled.length > 0 || now < notBefore.ns || now > notAfter.ns) return false
  if (authority && says.basicConstraints?.isCa !== true) return false
  const limit = says.basicConstraints?.maxPathLength ?? -1n
  return limit < 0n || BigInt(chain.length - 1) <= limit
}

function isAcceptable(
  call: Call,
  chain: readonly Certificate[],
  { usages }: VerifyOptions,
): boolean {
  if (chain.length > 1 && !policiesAllow(call, chain)) return false
  if (!usages.includes(ANY_USAGE) && !usagesAllow(chain, usages)) return false
  return namesAllowed(call, chain)
}

/** Whether one of the usages is allowed by every certificate that speaks of them. */
function usagesAllow(chain: readonly Certificate[], usages: readonly number[]): boolean {
  let left = usages.length === 0 ? [SERVER_AUTH] : usages
  for (const { says } of chain) {
    if (says.extendedUsages === undefined || says.extendedUsages.length === 0) continue
    const allowed = numbersOf(says.extendedUsages)
    if (!allowed.includes(ANY_USAGE)) left = left.filter((usage) => allowed.includes(usage))
  }
  return left.length > 0
}

/** Whether the names of each certificate suit the constraints of all above it. */
function namesAllowed(call: Call, chain: readonly Certificate[]): boolean {
  try {
    return chain.every(({ says, extensions }, at) => {
      if (!extensions.some(({ id }) => id === '2.5.29.17')) return true
      return chain
        .slice(at + 1)
        .every(
          ({ says: { constraints } }) =>
            constraints === undefined || permits(call, constraints, says.names ?? NO_NAMES),
        )
    })
  } catch (cause) {
    if (cause instanceof BuiltinError) return false
    throw cause
  }
}
