/** What a term is known or meant to be. `as` says what a scalar is good for: a text that is a CIDR range. */
export type Type =
  | { readonly is: 'any' | 'null' | 'boolean' }
  | { readonly is: 'number' | 'string'; readonly as: string }
  | { readonly is: 'array' | 'set'; readonly of: Type }
  | { readonly is: 'object'; readonly of: Type }

export const ANY: Type = { is: 'any' }
export const NULL: Type = { is: 'null' }
export const BOOLEAN: Type = { is: 'boolean' }
export const NUMBER: Type = { is: 'number', as: 'number' }
export const STRING: Type = { is: 'string', as: 'text' }

export function arrayOf(of: Type): Type {
  return { is: 'array', of }
}

export function setOf(of: Type): Type {
  return { is: 'set', of }
}

export function objectOf(of: Type): Type {
  return { is: 'object', of }
}

/** A call that a policy may make. Each operand has types to choose from. */
export type Signature = {
  readonly name: string
  readonly operands: readonly (readonly Type[])[]
  readonly result: Type
}

/**
 * Reads a line such as `split(text, text) [text]`. Brackets are arrays, braces sets, `<text>` an object with such
 * values under texts; a stroke stands between types to choose from; a number's kind is one of NUMBER_KINDS, and every
 * other word the kind of a text.
 */
export function readSignature(line: string): Signature {
  const parts = /^([\w.]+)\((.*)\) (.+)$/.exec(line)
  if (parts === null) throw new Error(`no signature: ${line}`)
  const [, name = '', operands = '', result = ''] = parts
  return {
    name,
    operands: splitTop(operands, ',').map((operand) => splitTop(operand, '|').map(typeOf)),
    result: typeOf(result),
  }
}

const NUMBER_KINDS: ReadonlySet<string> = new Set(['number', 'int', 'tiny', 'ns', 'base'])

function typeOf(text: string): Type {
  const word = text.trim()
  const inner = (): Type => typeOf(word.slice(1, -1))
  switch (word[0]) {
    case '[':
      return arrayOf(inner())
    case '{':
      return setOf(inner())
    case '<':
      return objectOf(inner())
  }
  if (word === 'any' || word === 'null') return { is: word }
  if (word === 'bool') return BOOLEAN
  return { is: NUMBER_KINDS.has(word) ? 'number' : 'string', as: word }
}

/** Splits at a separator that stands in no brackets. */
function splitTop(text: string, separator: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if ('[{<'.includes(character)) depth += 1
    if (']}>'.includes(character)) depth -= 1
    if (character === separator && depth === 0) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
