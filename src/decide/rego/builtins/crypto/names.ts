import type { RegoObject, Value } from '../../values/value.ts'
import { asn1Text } from './asn1-strings.ts'
import type { Der } from './der.ts'
import { isAtEnd, read, readAny, restOf, SEQUENCE, SET } from './der.ts'
import { goList, goStruct } from './key-values.ts'
import type { Oid } from './object-identifier.ts'
import { oidValue, readOid } from './object-identifier.ts'

/** Attributes of a distinguished name in their order, without the sets they lie in. */
export type Name = readonly Attribute[]

/** An attribute's value is what `encoding/json` would write of it: mostly text. */
export type Attribute = { readonly type: Oid; readonly value: Value }

/**
 * Reads the RDNSequence of a certificate, RFC 5280 section 4.1.2.4: values are strings.
 *
 * @param readValue - gives undefined for a value that makes the name malformed
 */
export function readName(
  der: Der,
  readValue: (der: Der) => Value | undefined = readText,
): Name | undefined {
  const name: Attribute[] = []
  const sequence = read(der, SEQUENCE)
  if (sequence === undefined) return undefined
  while (!isAtEnd(sequence)) {
    const set = read(sequence, SET)
    if (set === undefined) return undefined
    while (!isAtEnd(set)) {
      const attribute = read(set, SEQUENCE)
      const type = attribute && readOid(attribute)
      const value = type === undefined ? undefined : attribute && readValue(attribute)
      if (type === undefined || value === undefined) return undefined
      name.push({ type, value })
    }
  }
  return name
}

/** A name as Go's `encoding/json` writes a `pkix.Name`. */
export function nameValue(name: Name): RegoObject {
  const lists = new Map<string, Value[]>(LISTS.map((field) => [field, []]))
  const last = new Map<string, Value>([
    ['SerialNumber', ''],
    ['CommonName', ''],
  ])
  for (const { type, value } of name) {
    const field = Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined
    if (field === undefined || typeof value !== 'string') continue
    lists.get(field)?.push(value)
    if (last.has(field)) last.set(field, value)
  }
  return goStruct({
    ...Object.fromEntries([...lists].map(([field, values]) => [field, goList(values)])),
    ...Object.fromEntries(last),
    Names: goList(name.map(({ type, value }) => goStruct({ Type: oidValue(type), Value: value }))),
    ExtraNames: null,
  })
}

const FIELDS: Readonly<Record<Oid, string>> = {
  '2.5.4.3': 'CommonName',
  '2.5.4.5': 'SerialNumber',
  '2.5.4.6': 'Country',
  '2.5.4.7': 'Locality',
  '2.5.4.8': 'Province',
  '2.5.4.9': 'StreetAddress',
  '2.5.4.10': 'Organization',
  '2.5.4.11': 'OrganizationalUnit',
  '2.5.4.17': 'PostalCode',
}

const LISTS = Object.values(FIELDS).filter(
  (field) => field !== 'CommonName' && field !== 'SerialNumber',
)

function readText(der: Der): string | undefined {
  const element = readAny(der)
  return element && asn1Text(element.tag, restOf(element.content))
}
