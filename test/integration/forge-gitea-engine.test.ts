import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Review, reviewRequest } from '../../src/app/approvals/review.ts'
import { settleRequest } from '../../src/app/engine/resolve.ts'
import { bundleOf, KEYS, openTest, signerOf } from '../app/support.ts'
import { type GiteaTeam, type GiteaWorld, openTeam, openWorld } from './support/gitea-world.ts'

let team: GiteaTeam
let world: GiteaWorld
beforeAll(async () => {
  team = await openTeam()
})
beforeEach(async () => {
  world = await openWorld(team)
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await team.gitea.close()
})

const refund = {
  agent: 'clerk',
  service: 'shop',
  action: 'refund',
  payload: { amount: 50, to: 'u-1' },
} as const

/** A policy whose requests are reviewed on Gitea, by people with accounts there. */
function bundle() {
  const head = 'apiVersion: countersign/v1\nkind: '
  const people = Object.entries(KEYS).map(([id, { fingerprint }]) => {
    const account = team.people[id as 'ana' | 'bo'].id
    return `  - { id: ${id}, keys: [{ fingerprint: '${fingerprint}' }], accounts: { gitea: '${account}' } }\n`
  })
  return bundleOf({
    'countersign.yaml': `${head}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\nforge: { kind: gitea, repository: ${world.repository}, api_url: '${team.gitea.url}' }\n`,
    'policies/roster.yaml': `${head}Roster\npeople:\n${people.join('')}`,
  })
}

test.for([
  { what: { verdict: 'approve' } as Review, status: 'APPROVED', state: 'merged' },
  { what: { verdict: 'reject', comment: 'no' } as Review, status: 'REJECTED', state: 'closed' },
  {
    what: { verdict: 'patch', payload: { amount: 20, to: 'u-1' } } as Review,
    status: 'APPROVED_WITH_MODIFICATIONS',
    state: 'merged',
  },
])('$what.verdict on Gitea -> $status', async ({ what, status, state }) => {
  const opened = await openTest({ bundle: await bundle(), forge: world.open() })
  const pending = await opened.engine.defer(refund, { idempotencyKey: 'one' })
  const id = String(pending.request)
  expect(await opened.parts.forge.pull(1)).toMatchObject({
    ...{ state: 'open', author: String(team.engine.id) },
  })
  await reviewRequest(opened.parts, id, what, await signerOf('ana'))
  await settleRequest(opened.parts, id)
  expect(await opened.engine.defer(refund, { idempotencyKey: 'one' })).toMatchObject({ status })
  expect(await opened.parts.forge.pull(1)).toMatchObject({ state })
  const decision = await world.git('show', `main:requests/${id}/decision.json`)
  expect(decision).toContain(`"${status}"`)
  expect(decision).toContain(id)
})

test('the forge comes from the policy, its token from the environment', async () => {
  vi.stubEnv('COUNTERSIGN_GITEA_TOKEN', team.engine.token)
  const opened = await openTest({ bundle: await bundle() })
  await opened.engine.defer(refund, { idempotencyKey: 'one' })
  expect(await world.ask(team.engine, 'GET /pulls')).toMatchObject([{ state: 'open' }])
})

test('an approval without a signature, of an account that is on no roster, decides nothing', async () => {
  const opened = await openTest({ bundle: await bundle(), forge: world.open() })
  const { request } = await opened.engine.defer(refund, { idempotencyKey: 'one' })
  // Cy's account, with the words of somebody who agrees, and no signature.
  await world.ask(team.people.cy, 'POST /pulls/1/reviews', { event: 'APPROVED', body: 'fine' })
  await settleRequest(opened.parts, String(request))
  expect(await opened.parts.forge.pull(1)).toMatchObject({ state: 'open' })
})
