/** Plain JSON, as RFC 8259 has it: no undefined, BigInt, NaN or class instances. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export type JsonObject = { readonly [key: string]: JsonValue }
