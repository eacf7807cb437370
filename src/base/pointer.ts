/** Names on the way to a value: object keys and array indexes. */
export type PointerSegment = string | number

/** The JSON pointer (RFC 6901) of a way from the top; the top itself is the empty text. */
export function toPointer(segments: readonly PointerSegment[]): string {
  let pointer = ''
  for (const segment of segments) pointer = joinPointer(pointer, segment)
  return pointer
}

/** The pointer one step further down. */
export function joinPointer(parent: string, segment: PointerSegment): string {
  if (typeof segment === 'number') return `${parent}/${segment}`
  // The tilde goes first, or it would escape the escapes.
  const escaped = SPECIAL.test(segment)
    ? segment.replaceAll('~', '~0').replaceAll('/', '~1')
    : segment
  return `${parent}/${escaped}`
}

const SPECIAL = /[~/]/
