import { encodeBase64 } from '../../../../base/encoding.ts'
import type { RegoObject, Value } from '../../values/value.ts'
import type { Certificate } from './certificate.ts'
import type { AlternativeNames, Extension } from './extensions.ts'
import { NO_NAMES } from './extensions.ts'
import type { GoUrl } from './go-url.ts'
import { goUrlText } from './go-url.ts'
import { ipText } from './ip-bytes.ts'
import { bigValue, goBytes, goList, goStruct, publicKeyValue } from './key-values.ts'
import type { IpRange, Subtrees } from './name-constraints.ts'
import { nameValue } from './names.ts'
import type { Oid } from './object-identifier.ts'
import { isSmallOid, oidValue } from './object-identifier.ts'

/** A certificate as Go's `encoding/json` writes an `x509.Certificate`. */
export function certificateValue(certificate: Certificate): RegoObject {
  const { extensions, says } = certificate
  const usages = says.extendedUsages ?? []
  const { isCa, maxPathLength } = says.basicConstraints ?? { isCa: false, maxPathLength: 0n }
  return goStruct({
    Raw: encodeBase64(certificate.raw),
    RawTBSCertificate: encodeBase64(certificate.rawTbs),
    RawSubjectPublicKeyInfo: encodeBase64(certificate.rawKeyInfo),
    RawSubject: encodeBase64(certificate.rawSubject),
    RawIssuer: encodeBase64(certificate.rawIssuer),
    Signature: encodeBase64(certificate.signature),
    SignatureAlgorithm: certificate.signatureAlgorithm?.number ?? 0,
    PublicKeyAlgorithm: certificate.keyAlgorithm,
    PublicKey: certificate.key === undefined ? null : publicKeyValue(certificate.key),
    Version: certificate.version,
    SerialNumber: bigValue(certificate.serial),
    Issuer: nameValue(certificate.issuer),
    Subject: nameValue(certificate.subject),
    NotBefore: certificate.notBefore.text,
    NotAfter: certificate.notAfter.text,
    KeyUsage: says.keyUsage ?? 0,
    Extensions: extensionsValue(extensions),
    ExtraExtensions: null,
    UnhandledCriticalExtensions: goList(says.unhandled.map(oidValue)),
    ExtKeyUsage: goList(numbersOf(usages)),
    UnknownExtKeyUsage: goList(usages.filter((usage) => !isKnownUsage(usage)).map(oidValue)),
    BasicConstraintsValid: says.basicConstraints !== undefined,
    IsCA: isCa,
    MaxPathLen: bigValue(maxPathLength),
    MaxPathLenZero: says.basicConstraints !== undefined && maxPathLength === 0n,
    SubjectKeyId: goBytes(says.subjectKeyId),
    AuthorityKeyId: goBytes(says.authorityKeyId),
    OCSPServer: goList(says.ocspUrls ?? []),
    IssuingCertificateURL: goList(says.issuerUrls ?? []),
    ...namesMembers(says.names ?? NO_NAMES),
    ...constraintsMembers(certificate),
    CRLDistributionPoints: goList(says.crlUrls ?? []),
    ...policyMembers(certificate),
  })
}

/** The same with the texts of its URIs, which OPA adds in some places. */
export function extendedCertificateValue(certificate: Certificate): RegoObject {
  const object = certificateValue(certificate)
  const uris = certificate.says.names?.uris ?? []
  object.set('URIStrings', goList(uris.map(goUrlText)))
  return object
}

export function extensionsValue(extensions: readonly Extension[]): Value {
  return goList(
    extensions.map(({ id, critical, value }) =>
      goStruct({ Id: oidValue(id), Critical: critical, Value: encodeBase64(value) }),
    ),
  )
}

/** Members for the names of a SubjectAltName. */
export function namesMembers(names: AlternativeNames): Readonly<Record<string, Value>> {
  return {
    DNSNames: goList(names.dnsNames),
    EmailAddresses: goList(names.emailAddresses),
    IPAddresses: goList(names.ipAddresses.map(ipText)),
    URIs: goList(names.uris.map(urlValue)),
  }
}

/** Numbers of Go's `x509.ExtKeyUsage`, for those that have one. */
export function numbersOf(usages: readonly Oid[]): readonly number[] {
  return usages.filter(isKnownUsage).map((usage) => EXTENDED_USAGES.indexOf(usage))
}

/** In the order of Go's numbers: any, then server, client, code, mail and so on. */
const EXTENDED_USAGES: readonly Oid[] = [
  '2.5.29.37.0',
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `1.3.6.1.5.5.7.3.${number}`),
  '1.3.6.1.4.1.311.10.3.3',
  '2.16.840.1.113730.4.1',
  '1.3.6.1.4.1.311.2.1.22',
  '1.3.6.1.4.1.311.61.1.1',
]

function isKnownUsage(usage: Oid): boolean {
  return EXTENDED_USAGES.includes(usage)
}

function urlValue(url: GoUrl): RegoObject {
  return goStruct({
    Scheme: url.scheme,
    Opaque: url.opaque,
    User: url.user === undefined ? null : goStruct({}),
    Host: url.host,
    Path: url.path,
    Fragment: url.fragment,
    RawQuery: url.rawQuery,
    RawPath: url.rawPath,
    RawFragment: url.rawFragment,
    ForceQuery: url.forceQuery,
    OmitHost: url.omitHost,
  })
}

function constraintsMembers({ extensions, says }: Certificate): Readonly<Record<string, Value>> {
  const extension = extensions.find(({ id }) => id === '2.5.29.30')
  return {
    PermittedDNSDomainsCritical: extension?.critical ?? false,
    ...subtreesMembers('Permitted', says.constraints?.permitted),
    ...subtreesMembers('Excluded', says.constraints?.excluded),
  }
}

function subtreesMembers(
  prefix: 'Permitted' | 'Excluded',
  subtrees: Subtrees | undefined,
): Readonly<Record<string, Value>> {
  return {
    [`${prefix}DNSDomains`]: goList(subtrees?.dnsDomains ?? []),
    [`${prefix}IPRanges`]: goList((subtrees?.ipRanges ?? []).map(rangeValue)),
    [`${prefix}EmailAddresses`]: goList(subtrees?.emailAddresses ?? []),
    [`${prefix}URIDomains`]: goList(subtrees?.uriDomains ?? []),
  }
}

function rangeValue({ ip, mask }: IpRange): RegoObject {
  return goStruct({ IP: ipText(ip), Mask: encodeBase64(mask) })
}

function policyMembers({ says }: Certificate): Readonly<Record<string, Value>> {
  const { policies, policyMappings = [], policyConstraints, inhibitAnyPolicy } = says
  const { explicit, noMapping } = policyConstraints ?? {}
  return {
    PolicyIdentifiers: policies === undefined ? null : policies.filter(isSmallOid).map(oidValue),
    Policies: goList(policies ?? []),
    InhibitAnyPolicy: bigValue(inhibitAnyPolicy ?? 0n),
    InhibitAnyPolicyZero: inhibitAnyPolicy === 0n,
    InhibitPolicyMapping: bigValue(noMapping ?? 0n),
    InhibitPolicyMappingZero: noMapping === 0n,
    RequireExplicitPolicy: bigValue(explicit ?? 0n),
    RequireExplicitPolicyZero: explicit === 0n,
    PolicyMappings: goList(
      policyMappings.map(({ issuer, subject }) =>
        goStruct({ IssuerDomainPolicy: issuer, SubjectDomainPolicy: subject }),
      ),
    ),
  }
}
