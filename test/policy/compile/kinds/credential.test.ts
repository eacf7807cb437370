import { describe, expect, test } from 'vitest'
import { compileFiles, policyFiles } from '../../../app/support.ts'
import { problemsOf, specOf } from './rule-check.ts'

test.for([
  {
    yaml: 'credential: { tools: [billing.*, billing.charge] }',
    want: { tools: ['billing.*', 'billing.charge'] },
  },
  {
    yaml: 'credential: { secrets: [secret://env/B, secret://env/A*], limit: 5, per: 10m, schedule: { zone: UTC, deny: [{ days: [sat, sun] }] } }',
    want: {
      secrets: ['secret://env/A*', 'secret://env/B'],
      limit: 5,
      per: '10m',
      schedule: {
        zone: 'UTC',
        deny: [{ days: ['sat', 'sun'], from: '00:00', to: '24:00' }],
        except: [],
      },
    },
  },
])('$yaml', ({ yaml, want }) => {
  expect(specOf(yaml)).toEqual(want)
})

test.for([
  { yaml: 'credential: {}', want: /^6:17 KEY_MISSING .*tools/ },
  { yaml: 'credential: { secrets: [secret://env/A] }', want: /^6:17 KEY_MISSING/ },
  { yaml: 'credential: { limit: 5 }', want: /^6:19 KEY_MISSING .*per/ },
  { yaml: 'credential: { per: 10m }', want: /^6:19 KEY_MISSING .*limit/ },
  { yaml: 'credential: { limit: 5, per: 40d }', want: /^6:34 DURATION_INVALID/ },
  {
    yaml: 'credential: { secrets: [secret://disk/A], limit: 5, per: 1m }',
    want: /^6:29 VALUE_INVALID/,
  },
  { yaml: 'credential: { secrets: [STRIPE_KEY], limit: 5, per: 1m }', want: /^6:29 VALUE_INVALID/ },
  { yaml: 'credential: { tools: [charge] }', want: /^6:27 VALUE_INVALID/ },
  {
    yaml: 'credential: { schedule: { zone: Mars/Base, allow: [{}] } }',
    want: /^6:37 VALUE_INVALID/,
  },
  { yaml: 'credential: { schedule: { zone: UTC } }', want: /^6:29 KEY_MISSING/ },
  {
    yaml: 'credential: { schedule: { zone: UTC, allow: [{ from: "09:00", to: "09:00" }] } }',
    want: /^6:50 VALUE_INVALID/,
  },
])('$yaml -> $want', ({ yaml, want }) => {
  expect(problemsOf(yaml)).toEqual([expect.stringMatching(want)])
})

const HEAD = 'apiVersion: countersign/v1\nkind: '

/** A repository with these secrets in its project, credentials of its agent, and tools. */
async function compiled(given: { secrets?: string; credentials?: string; tool?: string }) {
  const files = policyFiles({
    'countersign.yaml': `${HEAD}Project\nproject: shop\n${given.secrets === undefined ? '' : `secrets: ${given.secrets}\n`}`,
    'policies/agents/clerk.yaml': `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\n${given.credentials === undefined ? '' : `credentials: ${given.credentials}\n`}`,
    ...(given.tool === undefined
      ? {}
      : {
          'policies/tools/shop.yaml': `${HEAD}Tools\nservice: shop\ntools:\n  refund: ${given.tool}\n`,
          'policies/guardrails/refunds.yaml': '',
        }),
  })
  return compileFiles(files)
}

describe('what the files say of secrets', () => {
  test('providers, credentials and fields, with every default', async () => {
    const { bundle, diagnostics } = await compiled({
      secrets:
        '{ env: { names: [B_*, A] }, file: { folder: secrets }, vault: { address: "https://v.example:8200/", token: { env: VAULT_TOKEN } } }',
      credentials:
        '[{ secret: "secret://vault/x#y", tools: [shop.b, shop.a] }, { secret: secret://env/A, tools: [shop.*], rotate_by: 2026-12-31 }]',
      tool: '{ effect: write, secret_texts: [payload.b, payload.a] }',
    })
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(bundle?.policy.secrets).toEqual({
      env: ['A', 'B_*'],
      file: 'secrets',
      vault: {
        address: 'https://v.example:8200',
        mount: 'secret',
        namespace: null,
        ca_file: null,
        time_out: '5s',
        token: { env: 'VAULT_TOKEN' },
        app_role: null,
      },
    })
    expect(bundle?.policy.agents[0]?.credentials).toMatchObject([
      { secret: 'secret://env/A', tools: ['shop.*'], rotate_by: '2026-12-31', line: 5 },
      { secret: 'secret://vault/x#y', tools: ['shop.a', 'shop.b'], rotate_by: null, line: 5 },
    ])
    expect(bundle?.policy.tools[0]?.secret_texts).toEqual(['payload.a', 'payload.b'])
  })

  test('a policy without secrets has no word of them', async () => {
    const { bundle } = await compiled({})
    expect(JSON.stringify(bundle?.policy)).not.toMatch(/secrets|credentials|secret_texts/)
  })

  test.for([
    {
      name: 'a provider that is not set up',
      given: {
        secrets: '{ file: { folder: /x } }',
        credentials: '[{ secret: secret://env/A, tools: [shop.*] }]',
      },
      want: /clerk.yaml:5:25 REFERENCE_UNKNOWN .*"env"/,
    },
    {
      name: 'no provider at all',
      given: { credentials: '[{ secret: secret://env/A, tools: [shop.*] }]' },
      want: /clerk.yaml:5:25 REFERENCE_UNKNOWN/,
    },
    {
      name: 'a variable that nobody may read',
      given: {
        secrets: '{ env: { names: [B*] } }',
        credentials: '[{ secret: secret://env/A, tools: [shop.*] }]',
      },
      want: /clerk.yaml:5:25 REFERENCE_UNKNOWN .*A/,
    },
    {
      name: 'a day that is none',
      given: {
        secrets: '{ env: { names: [A] } }',
        credentials: '[{ secret: secret://env/A, tools: [shop.*], rotate_by: 2026-02-30 }]',
      },
      want: /clerk.yaml:5:\d+ VALUE_INVALID .*2026-02-30/,
    },
    {
      name: 'a reference that is none',
      given: {
        secrets: '{ env: { names: [A] } }',
        credentials: '[{ secret: STRIPE, tools: [shop.*] }]',
      },
      want: /clerk.yaml:5:25 VALUE_INVALID/,
    },
    {
      name: 'a credential for no tool',
      given: {
        secrets: '{ env: { names: [A] } }',
        credentials: '[{ secret: secret://env/A, tools: [] }]',
      },
      want: /clerk.yaml:5:\d+ VALUE_INVALID/,
    },
    {
      name: 'plain HTTP to another machine',
      given: { secrets: '{ vault: { address: "http://vault.example", token: { env: T } } }' },
      want: /countersign.yaml:4:\d+ VALUE_INVALID .*https/,
    },
    {
      name: 'a password in the address',
      given: { secrets: '{ vault: { address: "https://u:p@vault.example", token: { env: T } } }' },
      want: /countersign.yaml:4:\d+ VALUE_INVALID/,
    },
    {
      name: 'Vault without a login',
      given: { secrets: '{ vault: { address: "https://vault.example" } }' },
      want: /countersign.yaml:4:\d+ KEY_MISSING .*app_role/,
    },
    {
      name: 'Vault with two logins',
      given: {
        secrets:
          '{ vault: { address: "https://v.example", token: { env: T }, app_role: { role_id: { env: R }, secret_id: { file: /s } } } }',
      },
      want: /countersign.yaml:4:\d+ VALUE_INVALID .*both/,
    },
    {
      name: 'a token in two places',
      given: {
        secrets: '{ vault: { address: "https://v.example", token: { env: T, file: /t } } }',
      },
      want: /countersign.yaml:4:\d+ VALUE_INVALID/,
    },
    {
      name: 'a time-out of an hour',
      given: {
        secrets: '{ vault: { address: "https://v.example", token: { env: T }, time_out: 1h } }',
      },
      want: /countersign.yaml:4:\d+ DURATION_INVALID/,
    },
    {
      name: 'a field outside of the payload',
      given: { tool: '{ effect: write, secret_texts: [context.a] }' },
      want: /shop.yaml:5:\d+ PATH_INVALID/,
    },
  ])('$name -> $want', async ({ given, want }) => {
    const { diagnostics } = await compiled(given)
    const errors = diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(
        ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`,
      )
    expect(errors).toContainEqual(expect.stringMatching(want))
  })
})
