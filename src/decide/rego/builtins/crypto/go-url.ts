import { BuiltinError } from '../builtin.ts'
import { parseAddress } from '../net-address.ts'
import { checkEscapes, decodeEscapes, escapePath, unescapeUrl } from '../uri-escape.ts'

/** A URL as Go's `net/url` takes it apart. Empty is what is not there. */
export type GoUrl = {
  /** In lower case. */
  readonly scheme: string
  /** What follows the scheme where no slash does; then there is neither host nor path. */
  readonly opaque: string
  readonly user: { readonly name: string; readonly password?: string } | undefined
  /** Without escapes, with port and brackets. */
  readonly host: string
  /** Without escapes. */
  readonly path: string
  /** As it stood, where writing the path again would change it. */
  readonly rawPath: string
  readonly rawQuery: string
  /** Whether a `?` stands at the end, with nothing behind it. */
  readonly forceQuery: boolean
  readonly fragment: string
  readonly rawFragment: string
  /** Whether a path follows the scheme with no host between them. */
  readonly omitHost: boolean
}

/**
 * Takes a URL apart as Go's url.Parse does.
 *
 * @throws {BuiltinError} where it gives an error, and for an escape that is no UTF-8
 */
export function parseGoUrl(text: string): GoUrl {
  const [before, fragment] = cut(text, '#')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
  if (/[\0-\x1f\x7f]/.test(before)) throw invalid('invalid control character in URL')
  if (before.startsWith(':')) throw invalid('missing protocol scheme')
  const written = /^([A-Za-z][-A-Za-z0-9+.]*):/.exec(before)?.[1]
  const scheme = (written ?? '').toLowerCase()
  const body = written === undefined ? before : before.slice(written.length + 1)
  const [rest, rawQuery] = cut(body, '?')
  const decoded = unescapeUrl(fragment, 'fragment')
  const url: GoUrl = {
    ...EMPTY,
    scheme,
    rawQuery,
    forceQuery: rawQuery === '' && body.endsWith('?'),
    fragment: decoded,
    rawFragment: percentEscape(decoded, NOT_IN_FRAGMENT) === fragment ? '' : fragment,
  }
  if (before === '*') return { ...url, path: '*' }
  return withPath(url, rest)
}

/** The URL as Go's String writes it. */
export function goUrlText(url: GoUrl): string {
  const { scheme, opaque, user, host, omitHost } = url
  let text = scheme === '' ? '' : `${scheme}:`
  if (opaque !== '') text += opaque
  else {
    const path = escapedPath(url)
    const any = host !== '' || user !== undefined
    if ((scheme !== '' || any) && !(omitHost && !any)) {
      if (any || url.path !== '') text += '//'
      if (user !== undefined) text += `${userText(user)}@`
      text += percentEscape(host, NOT_IN_HOST)
    }
    if (path !== '' && !path.startsWith('/') && host !== '') text += '/'
    if (text === '' && cut(path, '/')[0].includes(':')) text += './'
    text += path
  }
  if (url.forceQuery || url.rawQuery !== '') text += `?${url.rawQuery}`
  return url.fragment === '' ? text : `${text}#${escapedFragment(url)}`
}

/** The path as Go's EscapedPath writes it. */
export function escapedPath({ path, rawPath }: GoUrl): string {
  if (rawPath !== '' && !NOT_IN_RAW_PATH.test(rawPath)) return rawPath
  return path === '*' ? '*' : escapePath(path)
}

const EMPTY: GoUrl = {
  scheme: '',
  opaque: '',
  user: undefined,
  host: '',
  path: '',
  rawPath: '',
  rawQuery: '',
  forceQuery: false,
  fragment: '',
  rawFragment: '',
  omitHost: false,
}

// What Go escapes in each part, and what it takes to be escaped well already.
const NOT_IN_RAW_PATH = /[^-A-Za-z0-9._~/!$&'()*+,;=:@[\]%]/
const NOT_IN_RAW_FRAGMENT = /[^-A-Za-z0-9._~/?!$&'()*+,;=:@[\]%]/
const NOT_IN_FRAGMENT = /[^-A-Za-z0-9._~/?!$&()*+,;=:@]/gu
const NOT_IN_HOST = /[^-A-Za-z0-9._~!"$&'()*+,;<=>:[\]]/gu
const NOT_IN_USER = /[^-A-Za-z0-9._~$&+,;=]/gu
const USER = /^[-A-Za-z0-9._:~!$&'()*+,;=%@]*$/
const PORT = /^(?::[0-9]*)?$/

/** Adds what stands between the scheme and the query. */
function withPath(url: GoUrl, rest: string): GoUrl {
  if (!rest.startsWith('/')) {
    if (url.scheme !== '') return { ...url, opaque: rest }
    if (cut(rest, '/')[0].includes(':')) {
      throw invalid('first path segment in URL cannot contain colon')
    }
  }
  const hosted = rest.startsWith('//') && (url.scheme !== '' || !rest.startsWith('///'))
  const slash = hosted ? rest.indexOf('/', 2) : 0
  const rawPath = slash < 0 ? '' : rest.slice(slash)
  const path = unescapeUrl(rawPath, 'path')
  const authority = hosted ? rest.slice(2, slash < 0 ? undefined : slash) : ''
  const at = authority.lastIndexOf('@')
  return {
    ...url,
    host: parseHost(url.scheme, authority.slice(at + 1)),
    user: at < 0 ? undefined : parseUser(authority.slice(0, at)),
    omitHost: !hosted && url.scheme !== '' && rest.startsWith('/'),
    path,
    rawPath: escapePath(path) === rawPath ? '' : rawPath,
  }
}

function parseUser(text: string): GoUrl['user'] {
  if (!USER.test(text)) throw invalid('invalid userinfo')
  const [name, password] = cut(text, ':')
  for (const part of [name, password]) checkEscapes(part, 'user')
  if (!text.includes(':')) return { name: decodeEscapes(name) }
  return { name: decodeEscapes(name), password: decodeEscapes(password) }
}

function parseHost(scheme: string, host: string): string {
  const open = host.lastIndexOf('[')
  if (open > 0) throw invalid('invalid IP-literal')
  if (open === 0) return parseBracketed(host)
  const first = host.indexOf(':')
  if (first >= 0) {
    const strict = scheme === 'http' || scheme === 'https'
    if (!PORT.test(host.slice(strict ? first : host.lastIndexOf(':')))) {
      throw invalid('invalid port after host')
    }
  }
  return unescapeUrl(host, 'host')
}

/** An IPv6 address in brackets, perhaps with a zone after `%25` (RFC 6874) and a port. */
function parseBracketed(host: string): string {
  const close = host.lastIndexOf(']')
  if (close < 0) throw invalid("missing ']' in host")
  const port = host.slice(close + 1)
  if (!PORT.test(port)) throw invalid('invalid port after host')
  const name = host.slice(1, close)
  const zone = name.indexOf('%25')
  const address =
    zone < 0
      ? unescapeUrl(name, 'host')
      : unescapeUrl(name.slice(0, zone), 'host') + unescapeUrl(name.slice(zone), 'zone')
  if (parseAddress(address)?.written !== 6) throw invalid('invalid host')
  return `[${address}]${port}`
}

function userText({ name, password }: NonNullable<GoUrl['user']>): string {
  const escaped = percentEscape(name, NOT_IN_USER)
  return password === undefined ? escaped : `${escaped}:${percentEscape(password, NOT_IN_USER)}`
}

function escapedFragment({ fragment, rawFragment }: GoUrl): string {
  if (rawFragment !== '' && !NOT_IN_RAW_FRAGMENT.test(rawFragment)) return rawFragment
  return percentEscape(fragment, NOT_IN_FRAGMENT)
}

function percentEscape(text: string, pattern: RegExp): string {
  return text.replace(pattern, (character) =>
    encodeURIComponent(character).replace(/^[!'()*]$/, hexEscape),
  )
}

function hexEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

/** Before and after the first separator; nothing after where there is none. */
function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(message: string): BuiltinError {
  return new BuiltinError(`no URL: ${message}`)
}
