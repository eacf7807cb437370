/** A piece of a Go layout: literal text, or a field by the reference time's digits for it (`2006`, `Jan`, `-07:00`). */
export type LayoutPiece =
  | { readonly literal: string }
  | { readonly field: string }
  /** A fraction of a second: its separator, how many digits, and whether trailing zeros are left out. */
  | { readonly fraction: '.' | ','; readonly digits: number; readonly trimmed: boolean }

/** Layouts that OPA knows by name. */
export const NAMED_LAYOUTS: ReadonlyMap<string, string> = new Map([
  ['ANSIC', 'Mon Jan _2 15:04:05 2006'],
  ['UnixDate', 'Mon Jan _2 15:04:05 MST 2006'],
  ['RubyDate', 'Mon Jan 02 15:04:05 -0700 2006'],
  ['RFC822', '02 Jan 06 15:04 MST'],
  ['RFC822Z', '02 Jan 06 15:04 -0700'],
  ['RFC850', 'Monday, 02-Jan-06 15:04:05 MST'],
  ['RFC1123', 'Mon, 02 Jan 2006 15:04:05 MST'],
  ['RFC1123Z', 'Mon, 02 Jan 2006 15:04:05 -0700'],
  ['RFC3339', '2006-01-02T15:04:05Z07:00'],
  ['RFC3339Nano', '2006-01-02T15:04:05.999999999Z07:00'],
])

/**
 * Takes a layout apart as Go's package `time` does: from the left, the first field that begins at a character wins, and
 * what begins none is literal.
 */
export function readLayout(layout: string): readonly LayoutPiece[] {
  const pieces: LayoutPiece[] = []
  let end = 0
  for (const match of layout.matchAll(FIELD)) {
    if (match.index > end) pieces.push({ literal: layout.slice(end, match.index) })
    end = match.index + match[0].length
    const [, field, fraction = ''] = match
    pieces.push(field === undefined ? fractionOf(fraction) : { field })
  }
  if (end < layout.length) pieces.push({ literal: layout.slice(end) })
  return pieces
}

// Alternatives stand in the order in which Go tries them. The digits of a fraction are all alike, and end there.
const FIELD =
  /(January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_2(?!006)|__2|3|4|5|PM|pm|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07)|([.,](?:0+|9+)(?![0-9]))/g

function fractionOf(text: string): LayoutPiece {
  return {
    fraction: text.startsWith('.') ? '.' : ',',
    // Go keeps twelve bits of the count.
    digits: (text.length - 1) & 0xfff,
    trimmed: text.endsWith('9'),
  }
}
