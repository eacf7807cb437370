import { describe, expect, test } from 'vitest'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { canReview, hasAccount } from '../../../src/policy/compile/able.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const key = (letter: string) => `keys: [{ fingerprint: 'SHA256:${letter.repeat(43)}' }]`

async function compiled(people: readonly string[]) {
  const files = new Map([
    ['countersign.yaml', `${HEAD}Project\nproject: shop\n`],
    ['tools.yaml', `${HEAD}Tools\nservice: shop\ntools: { read: { effect: read } }\n`],
    ['agent.yaml', `${HEAD}Agent\nagent: helper\nscopes: [{ tools: ['shop.*'] }]\n`],
    ['roster.yaml', `${HEAD}Roster\npeople:\n${people.map((one) => `  - ${one}\n`).join('')}`],
    [
      'routes.yaml',
      `${HEAD}Routes\nroutes: [{ id: default, reviewers: [ana, bo], signature: none, time_out: 1h }]\n`,
    ],
  ])
  // There is no Rego to compile.
  return compile(files, { rego: {} as RegoCompiler })
}

const person = (id: string, letter: string, accounts: string) =>
  `{ id: ${id}, ${key(letter)}, accounts: ${accounts} }`

test('accounts and the level of a route are in the policy, and absent where nobody wrote them', async () => {
  const bo = `{ id: bo, ${key('b')} }`
  const { bundle, diagnostics } = await compiled([person('ana', 'a', "{ github: '7' }"), bo])
  expect(diagnostics).toEqual([])
  expect(bundle?.policy.people).toMatchObject([{ id: 'ana', accounts: { github: '7' } }, {}])
  expect(bundle?.policy.people[1]).not.toHaveProperty('accounts')
  expect(bundle?.policy.routes).toMatchObject([{ signature: 'none' }])
})

test.for([
  {
    name: 'an account in two entries',
    ana: "{ github: '7' }",
    bo: "{ github: '7' }",
    want: ['ID_DUPLICATE'],
  },
  { name: 'one number on two forges', ana: "{ github: '7' }", bo: "{ gitea: '7' }", want: [] },
  {
    name: 'one number on two forges in one entry',
    ana: "{ github: '7', gitea: '7' }",
    bo: "{ github: '8' }",
    want: [],
  },
  {
    name: 'one forge twice',
    ana: "{ github: '7', github: '8' }",
    bo: "{ github: '9' }",
    want: ['YAML_DUPLICATE_KEY'],
  },
  { name: 'a login', ana: '{ github: ana }', bo: "{ github: '7' }", want: ['VALUE_INVALID'] },
  {
    name: 'a number that is no text',
    ana: '{ github: 7 }',
    bo: "{ github: '8' }",
    want: ['VALUE_INVALID'],
  },
  {
    name: 'another way to write 7',
    ana: "{ github: '07' }",
    bo: "{ github: '7' }",
    want: ['VALUE_INVALID'],
  },
  {
    name: 'an unknown forge',
    ana: "{ gitlab: '7' }",
    bo: "{ github: '7' }",
    want: ['KEY_UNKNOWN'],
  },
  { name: 'no account', ana: '{}', bo: "{ github: '7' }", want: ['VALUE_INVALID'] },
])('$name -> $want', async ({ ana, bo, want }) => {
  const { diagnostics } = await compiled([person('ana', 'a', ana), person('bo', 'b', bo)])
  const codes = diagnostics.map(({ code }) => code)
  expect(codes).toEqual(want)
})

describe('who can review', () => {
  const keys = [{ fingerprint: `SHA256:${'a'.repeat(43)}` }]
  const accounts = { github: '7' }
  test.for([
    { name: 'a key, on the local forge', who: { keys }, forge: 'local', want: true },
    { name: 'a key, on a forge with accounts', who: { keys }, forge: 'github', want: false },
    { name: 'key and account', who: { keys, accounts }, forge: 'github', want: true },
    { name: 'an account elsewhere', who: { keys, accounts }, forge: 'gitea', want: false },
    { name: 'an account alone', who: { accounts }, forge: 'github', want: false },
    {
      name: 'an account alone, where no signature is asked for',
      who: { accounts },
      forge: 'github',
      signature: 'none' as const,
      want: true,
    },
    {
      name: 'nothing, on the local forge, where no signature is asked for',
      who: {},
      forge: 'local',
      signature: 'none' as const,
      want: false,
    },
    { name: 'a name of the prototype', who: { keys, accounts }, forge: 'constructor', want: false },
  ])('$name -> $want', ({ who, forge, signature, want }) => {
    const asked = { signature: signature ?? ('signed' as const) }
    expect(canReview({ id: 'ana', ...who }, asked, { now: null, forge })).toBe(want)
    const has = forge === 'local' || (forge === 'github' && 'accounts' in who)
    expect(hasAccount({ id: 'ana', ...who }, forge)).toBe(has)
  })
})
