import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Review, reviewRequest } from '../../src/app/approvals/review.ts'
import { settleRequest } from '../../src/app/engine/resolve.ts'
import { bundleOf, KEYS, openTest, signerOf, temporaryFolder } from '../app/support.ts'
import { openWorld, type World } from '../support/fake-github/world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await world.close()
})

const refund = {
  agent: 'clerk',
  service: 'shop',
  action: 'refund',
  payload: { amount: 50, to: 'u-1' },
} as const

/** A policy whose requests are reviewed on the fake, by people with accounts there. */
function bundle() {
  const head = 'apiVersion: countersign/v1\nkind: '
  const people = Object.entries(KEYS).map(([id, { fingerprint }]) => {
    const account = world.people[id as 'ana' | 'bo'].id
    return `  - { id: ${id}, keys: [{ fingerprint: '${fingerprint}' }], accounts: { github: '${account}' } }\n`
  })
  return bundleOf({
    'countersign.yaml': `${head}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\nforge: { kind: github, repository: acme/approvals, api_url: '${world.github.url}' }\n`,
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
])('$what.verdict on GitHub -> $status', async ({ what, status, state }) => {
  const opened = await openTest({ bundle: await bundle(), forge: world.open() })
  const pending = await opened.engine.defer(refund, { idempotencyKey: 'one' })
  const id = String(pending.request)
  expect(world.github.pull(1)).toMatchObject({ state: 'open', author: world.bot })
  await reviewRequest(opened.parts, id, what, await signerOf('ana'))
  await settleRequest(opened.parts, id)
  expect(await opened.engine.defer(refund, { idempotencyKey: 'one' })).toMatchObject({ status })
  expect(await opened.parts.forge.pull(1)).toMatchObject({ state })
  const decision = await world.github.state.repository.git(
    ...['show', `main:requests/${id}/decision.json`],
  )
  expect(decision).toContain(`"${status}"`)
  expect(decision).toContain(id)
})

test('the forge comes from the policy, its token from the environment', async () => {
  vi.stubEnv('COUNTERSIGN_GITHUB_TOKEN', world.bot.token)
  const opened = await openTest({ bundle: await bundle() })
  await opened.engine.defer(refund, { idempotencyKey: 'one' })
  expect(world.github.pull(1).state).toBe('open')
})

test('without a token an action does not run, and its request goes to the forge once there is one', async () => {
  vi.stubEnv('COUNTERSIGN_GITHUB_TOKEN', '')
  vi.stubEnv('GITHUB_TOKEN', '')
  const folder = temporaryFolder()
  const opened = await openTest({ bundle: await bundle(), folder })
  const answer = await opened.engine.decide(refund)
  const note = expect.stringMatching(/no credentials for GitHub.*FORGE_UNAUTHORIZED/)
  expect(answer).toMatchObject({ verdict: 'hold', request: { note } })
  expect(world.github.state.pulls).toEqual([])
  vi.stubEnv('COUNTERSIGN_GITHUB_TOKEN', world.bot.token)
  await openTest({ bundle: await bundle(), folder })
  expect(world.github.pull(1).state).toBe('open')
})
