/** How a payload names a secret instead of holding it: `secret://provider/name`. */
export const SECRET_SCHEME = 'secret://'

/** Where secrets may come from. */
export const SECRET_PROVIDERS = ['env', 'file', 'vault'] as const

export type SecretProviderName = (typeof SECRET_PROVIDERS)[number]

/** The name of a secret, never its value. */
export type SecretReference = {
  /** As it was written. */
  readonly text: string
  readonly provider: SecretProviderName
  /** What the provider knows it by: a variable, a path in a folder, or a path and a field. */
  readonly name: string
}

/** A reference in a text; null where the text has the scheme but what follows is none. */
export type SecretPlace = {
  readonly start: number
  readonly end: number
  readonly reference: SecretReference | null
}

/**
 * Reads a reference that is the whole of a text.
 *
 *     reference = "secret://" provider "/" name
 *     provider  = "env" / "file" / "vault"
 *     name      = segment *( "/" segment ) [ "#" segment ]
 *     segment   = ( letter / digit / "_" ) *( letter / digit / "_" / "." / "-" ), not ending in a dot
 *
 * A variable's name is one segment; only Vault's names have a field. Null when the text is no reference.
 */
export function parseSecretReference(text: string): SecretReference | null {
  if (!text.startsWith(SECRET_SCHEME) || text.length > SECRET_REFERENCE_LENGTH_MAX) return null
  const rest = text.slice(SECRET_SCHEME.length)
  const slash = rest.indexOf('/')
  const provider = SECRET_PROVIDERS.find((known) => known === rest.slice(0, Math.max(0, slash)))
  if (provider === undefined) return null
  const name = rest.slice(slash + 1)
  const [path = '', ...fields] = name.split('#')
  if (fields.length > (provider === 'vault' ? 1 : 0)) return null
  const segments = path.split('/')
  if (provider === 'env' && segments.length > 1) return null
  return [...segments, ...fields].every(isSegment) ? { text, provider, name } : null
}

/**
 * Every place of a text where the scheme stands, from left to right. A reference within a longer text goes as far as its
 * characters do; a full stop at its end is the sentence's, and a colon behind it makes it none.
 */
export function findSecretReferences(text: string): readonly SecretPlace[] {
  const places: SecretPlace[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf(SECRET_SCHEME, from)
    if (start < 0) return places
    let end = start + SECRET_SCHEME.length
    while (end < text.length && CHARACTER.test(text.charAt(end))) end++
    while (text.charAt(end - 1) === '.') end--
    // Two references with nothing between them are none: the first would take the scheme of the second as its end.
    const cut = text.charAt(end) === ':'
    places.push({
      start,
      end,
      reference: cut ? null : parseSecretReference(text.slice(start, end)),
    })
    from = Math.max(end, start + SECRET_SCHEME.length)
  }
}

/** UTF-16 code units of a reference. */
const SECRET_REFERENCE_LENGTH_MAX = 256
const CHARACTER = /[A-Za-z0-9_./#-]/
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/

function isSegment(text: string): boolean {
  return SEGMENT.test(text) && !text.endsWith('.')
}
