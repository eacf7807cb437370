import type { Value } from '../values/value.ts'
import { RegoObject } from '../values/value.ts'
import type { BuiltinFamily } from './builtin.ts'
import { BuiltinError, stringOperand } from './builtin.ts'
import { parseAddress } from './net-address.ts'
import { checkEscapes, decodeEscapes, escapePath, unescapeUrl } from './uri-escape.ts'

/** Parts of URLs, as Go's net/url takes them apart: closer to RFC 3986 than what browsers do. */
export const URI: BuiltinFamily = {
  'uri.parse': (call, operand) => {
    const text = stringOperand(operand, 1)
    call.work(text.length)
    return uriParse(text)
  },
  'uri.is_valid': (call, text) => {
    if (typeof text !== 'string' || text === '') return false
    call.work(text.length)
    return isUrl(text)
  },
}

/** Parts of a URL with their escapes, which have been checked. */
type Url = {
  /** In lower case. */
  readonly scheme: string
  /** With its port and, around an address, its brackets. */
  readonly host: string
  readonly path: string
  readonly query: string
  readonly fragment: string
}

/** What is empty is left out. */
function uriParse(text: string): Value {
  const url = parseUrl(text)
  const { hostname, port } = splitPort(decodeEscapes(url.host))
  const path = decodeEscapes(url.path)
  const parts: readonly (readonly [string, string])[] = [
    ['scheme', url.scheme],
    ['hostname', hostname],
    ['port', port],
    ['path', path],
    // Go remembers a path as it stood only where writing it again would change it.
    ['raw_path', escapePath(path) === url.path ? path : url.path],
    ['raw_query', url.query],
    ['fragment', decodeEscapes(url.fragment)],
  ]
  const object = new RegoObject()
  for (const [name, part] of parts) if (part !== '') object.set(name, part)
  return object
}

function isUrl(text: string): boolean {
  try {
    parseUrl(text)
    return true
  } catch (error) {
    if (error instanceof BuiltinError) return false
    throw error
  }
}

/** @throws {BuiltinError} where Go's url.Parse gives an error */
function parseUrl(text: string): Url {
  const [before, fragment] = cut(text, '#')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
  if (/[\u0000-\u001f\u007f]/.test(before)) throw invalid('a control character')
  checkEscapes(fragment, 'fragment')
  if (before.startsWith(':')) throw invalid('no scheme before its colon')
  const written = SCHEME.exec(before)?.[1]
  const scheme = (written ?? '').toLowerCase()
  const [rest, query] = cut(written === undefined ? before : before.slice(written.length + 1), '?')
  if (!rest.startsWith('/')) {
    // Rootless paths after a scheme are opaque.
    if (scheme !== '') return { scheme, host: '', path: '', query, fragment }
    if (cut(rest, '/')[0].includes(':')) throw invalid('a colon in its first path segment')
  }
  const hosted = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))
  const end = hosted ? rest.indexOf('/', 2) : 0
  const path = end < 0 ? '' : rest.slice(end)
  const host = hosted ? parseAuthority(scheme, rest.slice(2, end < 0 ? undefined : end)) : ''
  checkEscapes(path, 'path')
  return { scheme, host, path, query, fragment }
}

const SCHEME = /^([A-Za-z][-A-Za-z0-9+.]*):/
const USER = /^[-A-Za-z0-9._:~!$&'()*+,;=%@]*$/
const PORT = /^(?::[0-9]*)?$/

function parseAuthority(scheme: string, authority: string): string {
  const at = authority.lastIndexOf('@')
  const host = parseHost(scheme, authority.slice(at + 1))
  if (at < 0) return host
  const user = authority.slice(0, at)
  if (!USER.test(user)) throw invalid('a character that no user has')
  // Name and password are unescaped apart: an escape does not reach over their colon.
  for (const part of cut(user, ':')) checkEscapes(part, 'user')
  return host
}

function parseHost(scheme: string, host: string): string {
  const open = host.lastIndexOf('[')
  if (open > 0) throw invalid('a bracket within its host')
  if (open === 0) return parseBracketed(host)
  const first = host.indexOf(':')
  if (first >= 0) {
    // Lists of hosts, as databases take them, may hold colons; on the web they may not.
    const strict = scheme === 'http' || scheme === 'https'
    if (!PORT.test(host.slice(strict ? first : host.lastIndexOf(':')))) throw invalid('no port')
  }
  checkEscapes(host, 'host')
  return host
}

/** An IPv6 address in brackets (RFC 3986, section 3.2.2), with a zone after `%25` (RFC 6874), and a port. */
function parseBracketed(host: string): string {
  const close = host.lastIndexOf(']')
  if (close < 0) throw invalid('no closing bracket in its host')
  const port = host.slice(close + 1)
  if (!PORT.test(port)) throw invalid('no port')
  const name = host.slice(1, close)
  const zoneAt = name.indexOf('%25')
  const address =
    zoneAt < 0
      ? unescapeUrl(name, 'host')
      : unescapeUrl(name.slice(0, zoneAt), 'host') + unescapeUrl(name.slice(zoneAt), 'zone')
  const parsed = parseAddress(address)
  if (parsed === undefined || parsed.written !== 6) throw invalid('no IPv6 address in brackets')
  return host
}

function splitPort(host: string): { readonly hostname: string; readonly port: string } {
  const colon = host.lastIndexOf(':')
  const ported = colon >= 0 && PORT.test(host.slice(colon))
  const name = ported ? host.slice(0, colon) : host
  const bracketed = name.startsWith('[') && name.endsWith(']')
  return {
    hostname: bracketed ? name.slice(1, -1) : name,
    port: ported ? host.slice(colon + 1) : '',
  }
}

/** Before and after the first separator; nothing after where there is none. */
function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(found: string): BuiltinError {
  return new BuiltinError(`operand 1 is no URL: it has ${found}`)
}
