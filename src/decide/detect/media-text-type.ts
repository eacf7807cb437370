/** The text of bytes that are one: UTF-8, or UTF-16 with its mark; null for anything else. */
export function decodeText(bytes: Uint8Array): string | null {
  const [first, second] = bytes
  const wide =
    first === 0xff && second === 0xfe
      ? 'utf-16le'
      : first === 0xfe && second === 0xff
        ? 'utf-16be'
        : null
  try {
    const text = new TextDecoder(wide ?? 'utf-8', { fatal: true }).decode(bytes)
    return hasControl(text) ? null : text
  } catch {
    return null
  }
}

/** What a text is: markup by its first element, else plain. Never null: whatever is text is at least that. */
export function sniffText(text: string): string {
  const head = withoutProlog(text.slice(0, HEAD_LENGTH))
  if (HTML.test(head)) return 'text/html'
  const element = /^<(?:[a-z_][\w.-]*:)?([a-z_][\w.-]*)/i.exec(head)?.[1]
  if (element?.toLowerCase() === 'svg') return 'image/svg+xml'
  if (/^\s*<\?xml[\s?]/i.test(text.slice(0, 64).replace(BOM, ''))) return 'application/xml'
  return head.startsWith('#!') ? 'text/x-script' : 'text/plain'
}

/** Whether a drawing or page holds what runs, or what a reader would expand: scripts, handlers, entities. */
export function isActiveMarkup(text: string): boolean {
  // Readers put characters in the place of their numbers, and skip white space within a scheme.
  return ACTIVE.test(text) || /(?:java|vb)script:/i.test(unescaped(text).replace(/[\0-\x20]+/g, ''))
}

function unescaped(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?|(colon);|(?:tab|newline);)/gi,
    (_, hex?: string, decimal?: string, colon?: string) => {
      if (colon !== undefined) return ':'
      const code = hex === undefined ? Number(decimal ?? 32) : Number.parseInt(hex, 16)
      return code < 0x80 ? String.fromCharCode(code) : ' '
    },
  )
}

const HEAD_LENGTH = 8192
const BOM = /^\uFEFF/
const HTML =
  /^<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|img|meta|link|form|object|embed)(?=[\s>/])/i
const ACTIVE =
  /<(?:[^\s<>/:]{1,64}:)?(?:script|foreignobject|iframe|embed|object)[\s>/]|[\s"'/]on[a-z]{3,64}\s*=|<!entity\s/i

/** Control characters that no text has: all but tab, line feed, form feed, carriage return and escape. */
function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 && !TEXT_CONTROLS.has(unit)) return true
  }
  return false
}

const TEXT_CONTROLS: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])

/** A text from its first element on: white space, the XML declaration, comments and the document type left out. */
function withoutProlog(text: string): string {
  let rest = text.replace(BOM, '').trimStart()
  for (let i = 0; i < PROLOG_PARTS_MAX; i++) {
    const end = rest.startsWith('<!--')
      ? rest.indexOf('-->') + 3
      : /^<\?/.test(rest)
        ? rest.indexOf('?>') + 2
        : /^<!doctype svg/i.test(rest)
          ? rest.indexOf('>', rest.includes('[') ? Math.max(rest.indexOf(']'), 0) : 0) + 1
          : 0
    // A part that does not end, or none: what is left is what there is.
    if (end < 3) return rest
    rest = rest.slice(end).trimStart()
  }
  return rest
}

const PROLOG_PARTS_MAX = 64
