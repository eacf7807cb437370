/** Stands before the first call of a session; no action's node. */
export const BEGIN = '^'

/** Stands after the last call of a session that has ended; no action's node. */
export const END = '$'

/**
 * The node of the chain that a call is: `service.action`. White space, control and format characters, `%` and `*` are
 * percent-encoded in both parts, a dot in the service too, so that the first dot divides them and a node is one word.
 */
export function nodeOf(service: string, action: string): string {
  const plain = PLAIN_PART.test(service) && PLAIN_PART.test(action) && !service.includes('.')
  return plain ? `${service}.${action}` : `${encode(service, SERVICE)}.${encode(action, PART)}`
}

/** The service of a node, as the node writes it. */
export function serviceOf(node: string): string {
  const dot = node.indexOf('.')
  return dot < 0 ? node : node.slice(0, dot)
}

/** Whether text has the form that `nodeOf` gives. */
export function isNode(text: string): boolean {
  return PLAIN_NODE.test(text) || (text.includes('.') && text.isWellFormed() && !UNSAFE.test(text))
}

const PLAIN_NODE = /^[\w/:@-]*\.[\w./:@-]*$/
const UNSAFE = /[*\s\p{Cc}\p{Cf}]|%(?![0-9A-F]{2})/u

// What these let through is written as it is by `encode` too, so that the short cut changes no node.
const PLAIN_PART = /^[\w./:@-]+$/
const PART = /[%*\s\p{C}]/gu
const SERVICE = /[%*\s\p{C}.]/gu

function encode(part: string, unsafe: RegExp): string {
  return part.replace(unsafe, percent)
}

/** The UTF-8 of a character as `%XX`; of a lone surrogate the three bytes that no well-formed text has. */
function percent(character: string): string {
  if (character === '.') return '%2E'
  if (character === '*') return '%2A'
  if (character.isWellFormed()) return encodeURIComponent(character)
  const unit = character.charCodeAt(0)
  return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]
    .map((byte) => `%${byte.toString(16).toUpperCase()}`)
    .join('')
}
