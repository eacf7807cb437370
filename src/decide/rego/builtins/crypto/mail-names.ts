/** A mailbox of RFC 2821: what stands before and after the `@`. */
export type Mailbox = { readonly local: string; readonly domain: string }

/**
 * Reads a mailbox as Go's `crypto/x509` does: RFC 2821 section 4.1.2, and beyond it spaces in quotes and escapes
 * outside them. Undefined where it is none.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const quoted = text.startsWith('"')
  const [whole, raw] = (quoted ? QUOTED : PLAIN).exec(text) ?? []
  if (whole === undefined || raw === undefined) return undefined
  const local = raw.replace(/\\(.)/gs, '$1')
  if (!quoted && !isLabelled(local, /./s)) return undefined
  const domain = text.slice(whole.length)
  return domain === '' || isLabelled(domain) ? { local, domain } : undefined
}

/** Whether the text can be a domain of a certificate: labels of visible ASCII, none empty. No text at all can. */
export function isDomain(text: string): boolean {
  return text === '' || isLabelled(text)
}

/** Whether the text can be the domain of a name constraint: as {@link isDomain}, perhaps with a dot in front. */
export function isDomainConstraint(text: string): boolean {
  return text === '' || isLabelled(text.startsWith('.') ? text.slice(1) : text)
}

// Each step of these takes one character in one way.
const QUOTED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a quoted string may hold them.
  /^"((?:[\x01-\x08\x0b\x0c\x0e-\x21\x23-\x5b\x5d-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*)"@/
const PLAIN = /^((?:[-0-9A-Za-z!#$%&'*+/=?^_`{|}~.]|\\.)+)@/s

function isLabelled(text: string, label = /^[!-~]+$/): boolean {
  return label.test(text) && !text.split('.').includes('')
}
