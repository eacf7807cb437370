import { expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { changeWord, mayWeaken } from '../../../src/model/policy-diff.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { FILES, sideOf } from './sides.ts'

type Accounts = CompiledPolicy['people'][number]['accounts']
type Level = CompiledPolicy['routes'][number]['signature']

/** What it says of a policy in which only this differs. */
async function saidOf(
  before: (policy: CompiledPolicy) => CompiledPolicy,
  after: (policy: CompiledPolicy) => CompiledPolicy,
) {
  const side = await sideOf(FILES)
  return comparePolicies({
    before: { ...side, policy: before(side.policy) },
    after: { ...side, policy: after(side.policy) },
  })
}

const withAccounts =
  (accounts: Accounts) =>
  (policy: CompiledPolicy): CompiledPolicy => ({
    ...policy,
    people: policy.people.map((person) =>
      person.id === 'cleo' && accounts !== undefined ? { ...person, accounts } : person,
    ),
  })

test.for<{ name: string; from: Accounts; to: Accounts; word: string; says: string[] }>([
  {
    name: 'added',
    from: undefined,
    to: { github: '7' },
    word: 'weakened',
    says: ['weaker one more account: github 7'],
  },
  {
    name: 'another one',
    from: { github: '7' },
    to: { github: '8' },
    word: 'weakened',
    says: ['weaker another account: github 7 -> 8'],
  },
  {
    name: 'removed',
    from: { github: '7' },
    to: undefined,
    word: 'strengthened',
    says: ['stronger no longer: github 7'],
  },
  {
    name: 'on another forge',
    from: { github: '7' },
    to: { gitea: '7' },
    word: 'weakened',
    says: ['weaker one more account: gitea 7', 'stronger no longer: github 7'],
  },
])('an account $name -> $word', async ({ from, to, word, says }) => {
  const [change, ...others] = await saidOf(withAccounts(from), withAccounts(to))
  expect(others).toEqual([])
  if (change === undefined) throw new Error('expected a change')
  expect([change.id, changeWord(change), mayWeaken(change)]).toEqual([
    'cleo',
    word,
    word === 'weakened',
  ])
  expect(change.differences.map(({ direction, message }) => `${direction} ${message}`)).toEqual(
    says,
  )
})

const withLevel =
  (signature: Level) =>
  (policy: CompiledPolicy): CompiledPolicy => ({
    ...policy,
    routes: policy.routes.map((route) =>
      route.id === 'payments' ? { ...route, signature } : route,
    ),
  })

test.for<{ from: Level; to: Level; direction: string }>([
  { from: 'ssh', to: 'none', direction: 'weaker' },
  { from: 'none', to: 'ssh', direction: 'stronger' },
  { from: 'ssh', to: 'passkey' as Level, direction: 'unclear' },
])('the level $from -> $to is $direction', async ({ from, to, direction }) => {
  const [change] = await saidOf(withLevel(from), withLevel(to))
  expect(change?.differences).toMatchObject([{ field: 'signature', direction }])
})
