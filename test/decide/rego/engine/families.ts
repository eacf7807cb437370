import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject, JsonValue } from '../../../../src/base/json-value.ts'
import type { RegoCompiler } from '../../../../src/model/rego.ts'

/** What a place is to evaluate: each rule of `families.rego` on each input. */
export type Families = {
  readonly plan: JsonValue
  readonly data: JsonObject
  readonly entrypoints: readonly string[]
  readonly inputs: readonly JsonObject[]
}

const SOURCE = readFileSync(join(import.meta.dirname, 'families.rego'), 'utf8')

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBFTCByKADAgECAgID/zAFBgMrZXAwDTELMAkGA1UEAxMCZWQwHhcNMjAwMTAy
MDMwNDA1WhcNNDAwMTAyMDMwNDA1WjANMQswCQYDVQQDEwJlZDAqMAUGAytlcAMh
AD58lPDI36Al7C743GSB7naeZz0BGmv4KjNsWT29jS2Eo0wwSjAOBgNVHQ8BAf8E
BAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwEwDAYDVR0TAQH/BAIwADAVBgNVHREE
DjAMggplZC5leGFtcGxlMAUGAytlcANBAGnSId136K1YC6cLzdUF5ikDFIF1ks58
EeRWPOvHsyea3oZJyEZffAYbZFhB1HsWAZ5Qx6Ku4R3V/KkM9leYRw0=
-----END CERTIFICATE-----`

const DATA: JsonObject = {
  certificate: CERTIFICATE,
  graph: { a: ['b'], b: ['c'], c: [], d: ['a'] },
  graphql: 'type Query { order(id: ID!): Order } type Order { id: ID! total: Int }',
  schema: {
    type: 'object',
    required: ['amount', 'list'],
    properties: {
      amount: { type: 'integer', minimum: 1, maximum: 100 },
      host: { type: 'string', pattern: '^[a-z.]+$' },
      at: { format: 'date-time' },
      list: { type: 'array', items: { type: 'integer' }, uniqueItems: true },
    },
  },
}

const GOOD: JsonObject = {
  address: '10.1.2.3',
  amount: 42,
  at: '2026-03-08T09:30:00.123456789Z',
  host: 'api.example.com',
  list: [3, 1, 2],
  query: '{ order(id: "7") { id total } }',
  text: 'ada lüders',
  url: 'https://api.example.com:8443/orders?id=7#top',
}

const OTHER: JsonObject = {
  ...GOOD,
  address: '192.168.0.1',
  amount: 1234.5,
  host: 'a.b.example.com',
  query: '{ order { price } }',
  text: '17',
}

const WRONG: JsonObject = {
  address: 'x',
  amount: 'many',
  at: 'noon',
  host: 7,
  list: { a: 2 },
  query: '{',
  text: '',
  url: ':',
}

/** Compiles the policy. */
export async function planFamilies(rego: RegoCompiler): Promise<Families> {
  const entrypoints = [...SOURCE.matchAll(/^(\w+) :=/gm)].map(([, rule]) => `families/${rule}`)
  const built = await rego.build({ 'families.rego': SOURCE }, entrypoints)
  if ('diagnostics' in built) throw new Error(JSON.stringify(built.diagnostics, null, 2))
  const inputs = [GOOD, OTHER, WRONG, {}]
  return { plan: JSON.parse(built.plan) as JsonValue, data: DATA, entrypoints, inputs }
}
