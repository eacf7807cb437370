/** Whether text is a URI reference (RFC 3986 section 4.1), as far as that matters to identify schemas. */
export function isReference(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
  if (/[\u0000-\u001f\u007f]/.test(text) || text.startsWith(':')) return false
  const { scheme, authority, path, fragment } = partsOf(text)
  if (/%(?![0-9A-Fa-f]{2})/.test(path + fragment)) return false
  // Without a scheme, a colon in the first segment would have been one's end.
  return scheme !== '' || authority !== undefined || !/^[^/]*:/.test(path)
}

/** The address a reference stands for within a base address, which may be relative itself (RFC 3986 section 5.2). */
export function resolve(base: string, reference: string): string {
  const to = partsOf(reference)
  if (to.scheme !== '' && to.authority === undefined && !to.path.startsWith('/')) return reference
  if (to.scheme !== '') return textOf({ ...to, path: normalize(to.path) })
  const from = partsOf(base)
  if (to.authority !== undefined) {
    return textOf({ ...to, scheme: from.scheme, path: normalize(to.path) })
  }
  const { scheme, authority } = from
  if (to.path === '') {
    // A base such as `urn:example:a` has no segments that could be resolved against.
    const path = scheme !== '' && authority === undefined ? from.path : normalize(from.path)
    return textOf({ scheme, authority, path, query: to.query || from.query, fragment: to.fragment })
  }
  const above = from.path.slice(0, from.path.lastIndexOf('/') + 1)
  const path = normalize(to.path.startsWith('/') ? to.path : above + to.path)
  return textOf({ scheme, authority, path, query: to.query, fragment: to.fragment })
}

export function withoutFragment(reference: string): string {
  const hash = reference.indexOf('#')
  return hash < 0 ? reference : reference.slice(0, hash)
}

/** The fragment with its escapes undone, as far as they are UTF-8; else as it stands. */
export function fragmentOf(reference: string): string {
  const { fragment } = partsOf(reference)
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}

/** The path, empty where what follows the scheme does not begin with a slash: that has no parts. */
export function pathOf(reference: string): string {
  const { scheme, authority, path } = partsOf(reference)
  return scheme !== '' && authority === undefined && !path.startsWith('/') ? '' : path
}

type Parts = {
  /** In lower case; empty where there is none. */
  readonly scheme: string
  readonly authority: string | undefined
  readonly path: string
  /** With its question mark. */
  readonly query: string
  readonly fragment: string
}

/** RFC 3986, appendix B. */
const REFERENCE = /^(?:([A-Za-z][-A-Za-z0-9+.]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(?:#(.*))?$/s

function partsOf(text: string): Parts {
  const [, scheme = '', authority, path = '', query = '', fragment = ''] =
    REFERENCE.exec(text) ?? []
  return { scheme: scheme.toLowerCase(), authority, path, query, fragment }
}

function textOf({ scheme, authority, path, query, fragment }: Parts): string {
  const start = `${scheme && `${scheme}:`}${authority === undefined ? '' : `//${authority}`}`
  return `${start}${path}${query}${fragment && `#${fragment}`}`
}

/** Without `.` and `..`, from the root: what is no path stays none. */
function normalize(path: string): string {
  if (path === '') return ''
  const segments = path.split('/')
  if (segments[0] === '') segments.shift()
  const kept: string[] = []
  for (const [at, segment] of segments.entries()) {
    const last = at === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    if (last && (segment === '.' || segment === '..')) kept.push('')
  }
  return `/${kept.join('/')}`
}
