import { expect, test } from 'vitest'
import { fromUtf8 } from '../../../src/base/digest.ts'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { validate } from '../../../src/model/validate.ts'
import { compile } from '../../../src/policy/compile/index.ts'

// What Rego reads below data.countersign is a promise: what stands here stays.

const POLICY = `apiVersion: countersign/v1
kind: Project
project: shop
defaults: { low: allow, critical: deny }
valid_until: 2030-01-01T00:00:00Z
---
apiVersion: countersign/v1
kind: Tools
service: billing
tools:
  refund: { effect: irreversible, priority: high, automate: never }
  read: { effect: read, region: eu-west-1 }
---
apiVersion: countersign/v1
kind: Agent
agent: helper
owner: ana
fingerprints: [f2, f1]
budgets:
  - { per: 1d, limit_usd: 200.50, then: hold }
  - { per: session, tokens: 5000 }
scopes:
  - { tools: [billing.*] }
  - { tools: [billing.refund], roles: [b, a], principals: ana@* }
---
apiVersion: countersign/v1
kind: Guardrails
rules:
  - { id: a/hold, about: why, on: { service: billing, effect: [read] }, then: hold }
  - { id: a/mask, then: redact, redact: [payload.x], mode: shadow }
---
apiVersion: countersign/v1
kind: Routes
routes: [{ id: default, roles: [lead], quorum: 1, time_out: 1h, show: [payload.b, payload.a] }]
---
apiVersion: countersign/v1
kind: Roster
people:
  - { id: ana, name: Ana, roles: [lead], keys: [{ fingerprint: SHA256:${'a'.repeat(43)} }] }
`

async function dataOf(text: string): Promise<unknown> {
  const { bundle, diagnostics } = await compile(new Map([['policy.yaml', text]]), {
    rego: {} as RegoCompiler, // There is no Rego to compile.
  })
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  return JSON.parse(fromUtf8(bundle.files.get('data.json') ?? new Uint8Array()))
}

test('data.countersign holds every document by name, defaults filled in, no keys and no places', async () => {
  const data = await dataOf(POLICY)
  expect(data).toEqual({
    countersign: {
      project: {
        name: 'shop',
        defaults: { low: 'allow', medium: 'hold', high: 'hold', critical: 'deny' },
        unknown_tools: 'deny',
        valid_until: '2030-01-01T00:00:00Z',
      },
      tools: {
        billing: {
          read: { effect: 'read', priority: 'low', region: 'eu-west-1' },
          refund: { effect: 'irreversible', priority: 'high', automate: 'never' },
        },
      },
      agents: {
        helper: {
          owner: 'ana',
          fingerprints: ['f1', 'f2'],
          budgets: [
            {
              ...{ id: 'budget/1d-usd', per: '1d', limit: { amount: '200.5', currency: 'USD' } },
              ...{ then: 'hold', mode: 'enforce', route: 'default' },
            },
            {
              ...{ id: 'budget/session-tokens', per: 'session', limit: 5000 },
              ...{ then: 'deny', mode: 'enforce', route: null },
            },
          ],
          scopes: [
            { tools: ['billing.*'], roles: null },
            { tools: ['billing.refund'], roles: ['a', 'b'], principals: ['ana@*'] },
          ],
        },
      },
      rules: {
        'a/hold': {
          ...{ kind: 'every', about: 'why', on: { service: 'billing', effect: ['read'] } },
          ...{ then: 'hold', mode: 'enforce', route: 'default' },
        },
        'a/mask': {
          ...{ kind: 'every', about: null, on: {}, then: 'redact', mode: 'shadow', route: null },
        },
      },
      routes: {
        default: {
          ...{ reviewers: ['ana'], quorum: 1, signature: 'signed', time_out: '1h' },
          show: ['payload.a', 'payload.b'],
        },
      },
      people: { ana: { name: 'Ana', roles: ['lead'] } },
    },
  })
  expect(validate('rego-data', (data as { countersign: unknown }).countersign)).toEqual([])
})

test('a policy that says little has every key all the same', async () => {
  const routes = POLICY.split('---').filter((part) => /kind: (?:Routes|Roster)/.test(part))
  const data = await dataOf(
    [
      'apiVersion: countersign/v1\nkind: Project\nproject: p\n',
      '\napiVersion: countersign/v1\nkind: Agent\nagent: a\nscopes: []\n',
      ...routes,
    ].join('---'),
  )
  const { countersign } = data as { countersign: Record<string, unknown> }
  expect(countersign).toMatchObject({
    project: { valid_until: null },
    tools: {},
    rules: {},
    agents: { a: { owner: null, fingerprints: [], budgets: [], scopes: [] } },
  })
  expect(validate('rego-data', countersign)).toEqual([])
})
