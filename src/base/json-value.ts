/** Plain JSON, as RFC 8259 has it: no undefined, BigInt, NaN or class instances. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export type JsonObject = { readonly [key: string]: JsonValue }

/** Whether a value is an object, as opposed to a list, a scalar or nothing. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object's own member; undefined where it has none. What lies on a prototype is nobody's word. */
export function ownMember(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
