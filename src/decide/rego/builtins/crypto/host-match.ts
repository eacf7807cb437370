import { bytesEqual } from '../../../../base/digest.ts'
import type { Certificate } from './certificate.ts'
import { NO_NAMES } from './extensions.ts'
import { ipBytesOf, shortIp } from './ip-bytes.ts'

/**
 * Whether a certificate is for a host, RFC 6125 by the rules of Go's `crypto/x509`: an address, perhaps in brackets,
 * must be among the addresses; another name among the DNS names, of which `*` may be the first label. The common name
 * never counts.
 */
export function matchesHost({ says }: Certificate, host: string): boolean {
  const { dnsNames, ipAddresses } = says.names ?? NO_NAMES
  const bracketed = host.length >= 3 && host.startsWith('[') && host.endsWith(']')
  const ip = ipBytesOf(bracketed ? host.slice(1, -1) : host)
  if (ip !== undefined) return ipAddresses.some((address) => bytesEqual(shortIp(address), ip))
  const whole = lowerAscii(host)
  const name = whole.replace(/\.$/, '')
  const named = HOST_NAME.test(name)
  return dnsNames.map(lowerAscii).some((pattern) =>
    // Wildcards and a dot at the end are for hosts; what is none must be the very same.
    named && pattern !== '*' && HOST_PATTERN.test(pattern)
      ? matchesPattern(name, pattern)
      : pattern === whole && pattern !== '' && pattern !== '.',
  )
}

const LABEL = '[a-z0-9_][-a-z0-9_]*'
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const HOST_PATTERN = new RegExp(`^(?:\\*|${LABEL})(?:\\.${LABEL})*$`)

function matchesPattern(name: string, pattern: string): boolean {
  if (!pattern.startsWith('*.')) return name === pattern
  const dot = name.indexOf('.')
  return dot >= 0 && name.slice(dot) === pattern.slice(1)
}

/** Lower case for A to Z only. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
