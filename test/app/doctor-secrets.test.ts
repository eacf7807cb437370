import { expect, test } from 'vitest'
import { examineSecretUse } from '../../src/app/doctor-secrets.ts'
import { PolicyError } from '../../src/base/errors.ts'
import { agent, policyOf } from '../decide/evaluate/fixtures.ts'
import { bundleOf, openTest } from './support.ts'

const PLACE = { file: 'policies/agents/a.yaml', line: 9, column: 5 }
const NOW = Date.UTC(2026, 10, 21, 12)

function policy(secret: string, rotateBy: string | null = null) {
  const credential = { secret, tools: ['billing.*'], rotate_by: rotateBy, ...PLACE }
  return policyOf({ agents: [agent({ credentials: [credential] })] })
}

const good = { read: async () => 'x' }

test.for([
  { name: 'none', day: null, want: [] },
  { name: 'far away', day: '2026-12-06', want: [] },
  { name: 'two weeks away', day: '2026-12-05', want: ['warning in 14 days'] },
  { name: 'tomorrow', day: '2026-11-22', want: ['warning in 1 day'] },
  { name: 'today', day: '2026-11-21', want: ['warning today'] },
  { name: 'yesterday', day: '2026-11-20', want: ['failed past'] },
  { name: 'a year ago', day: '2025-11-21', want: ['failed past'] },
])('a rotation date that is $name -> $want', async ({ day, want }) => {
  const found = await examineSecretUse({
    policy: policy('secret://env/A*', day),
    secrets: good,
    store: null,
    now: NOW,
  })
  const words = found.map(({ name, state, message }) => {
    expect(name).toBe('rotation')
    expect(message).toContain(`secret://env/A* of billing-agent must be another one by ${day}`)
    return `${state} ${/in \d+ days?|today|past/.exec(message)?.[0]}`
  })
  expect(words).toEqual(want)
})

test('the first moment after the day is past it', async () => {
  const about = { policy: policy('secret://env/A*', '2026-11-21'), secrets: good, store: null }
  const at = async (now: number) => (await examineSecretUse({ ...about, now }))[0]?.state
  expect(await at(Date.UTC(2026, 10, 21, 23, 59, 59, 999))).toBe('warning')
  expect(await at(Date.UTC(2026, 10, 22))).toBe('failed')
})

test.for([
  { name: 'can be had', secret: 'secret://env/A', read: good.read, want: 'ok' },
  {
    name: 'cannot be had',
    secret: 'secret://vault/a#b',
    read: () => Promise.reject(new PolicyError('SECRET_UNAVAILABLE', 'the server is away')),
    want: 'failed',
  },
])('a secret that $name -> $want', async ({ secret, read, want }) => {
  const found = await examineSecretUse({
    policy: policy(secret),
    secrets: { read },
    store: null,
    now: NOW,
  })
  expect(found).toMatchObject([{ name: 'secret', state: want }])
})

test('a secret of several agents is asked for once, and one with a glob not at all', async () => {
  const asked: string[] = []
  const read = async (_: unknown, { text }: { readonly text: string }) => {
    asked.push(text)
    return 'x'
  }
  const may = (secret: string) => ({ secret, tools: ['a.*'], rotate_by: null, ...PLACE })
  const agents = ['a', 'b'].map((name) =>
    agent({ agent: name, credentials: [may('secret://env/A'), may('secret://env/B*')] }),
  )
  await examineSecretUse({
    policy: policyOf({ agents }),
    secrets: { read },
    store: null,
    now: NOW,
  })
  expect(asked).toEqual(['secret://env/A'])
})

test('without credentials nothing is said', async () => {
  const about = { policy: policyOf(), secrets: good, store: null, now: NOW }
  expect(await examineSecretUse(about)).toEqual([])
})

test('uses outside of the scope are counted from the receipts', async () => {
  const head = 'apiVersion: countersign/v1\nkind: '
  const bundle = await bundleOf({
    'countersign.yaml': `${head}Project\nproject: shop\ndefaults: { low: allow }\nsecrets: { env: { names: [A] } }\n`,
    'policies/agents/clerk.yaml': `${head}Agent\nagent: clerk\nscopes: [{ tools: ['shop.*'] }]\ncredentials: [{ secret: secret://env/A, tools: [shop.mail] }]\n`,
    'policies/guardrails/credential.yaml': `${head}Guardrails\nrules:\n  - id: secrets/not-for-mail\n    credential: { tools: [shop.refund] }\n    then: hold\n    mode: shadow\n`,
  })
  const { engine, parts } = await openTest({ bundle, secrets: 'keep' })
  const call = (action: string) => ({
    agent: 'clerk',
    service: 'shop',
    action,
    payload: { key: 'secret://env/A' },
  })
  for (const action of ['read_order', 'read_order', 'mail']) await engine.decide(call(action))
  const found = await examineSecretUse({
    policy: bundle.policy,
    secrets: good,
    store: parts.store,
    now: NOW,
  })
  expect(found.filter(({ name }) => name === 'secret use')).toEqual([
    {
      name: 'secret use',
      state: 'warning',
      message: 'engine/secret-out-of-scope for clerk: 2 of the newest 4 receipts',
    },
    {
      name: 'secret use',
      state: 'warning',
      message: 'secrets/not-for-mail for clerk: 3 of the newest 4 receipts',
    },
  ])
})
