/** Stands before the first call of a session; no action's node. */
export const BEGIN = '^'

/** Stands after the last call of a session that has ended; no action's node. */
export const END = '$'

/**
 * The node of the chain that a call is: `service.action`. White space, control and format characters and `%` are
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

const PLAIN_PART = /^[\w./:@-]+$/
const PART = /[%\s\p{C}]/gu
const SERVICE = /[%\s\p{C}.]/gu

function encode(part: string, unsafe: RegExp): string {
  return part
    .toWellFormed()
    .replace(unsafe, (character) => encodeURIComponent(character).replaceAll('.', '%2E'))
}
