import type { JsonObject, JsonValue } from '../../base/json-value.ts'

/**
 * The path that leads to what a JSON pointer (RFC 6901) names in these fields, as an obligation has it. With `each`, to
 * all elements of the lists on the way. Null where it leads nowhere, is none
 * that may be changed, or is longer than a receipt holds.
 */
export function pointerPath(
  fields: JsonObject,
  pointer: string,
  { each }: { readonly each: boolean },
): string | null {
  let text = ''
  let value: JsonValue | undefined = fields
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    if (Array.isArray(value)) text += each ? '[]' : `[${name}]`
    else if (PLAIN_NAME.test(name)) text += text === '' ? name : `.${name}`
    else text += `[${JSON.stringify(name)}]`
    value = (value as Readonly<Record<string, JsonValue>>)[name]
  }
  return text.length <= TEXT_LENGTH_MAX && CHANGEABLE.test(text) ? text : null
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/
const CHANGEABLE = /^(?:payload[.[]|result)/
const TEXT_LENGTH_MAX = 256 // `schemas/common.schema.json` takes no longer path.
