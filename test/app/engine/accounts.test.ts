import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { settleRequest } from '../../../src/app/engine/resolve.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import type { Forge, ForgeReview } from '../../../src/model/ports.ts'
import { bundleOf, KEYS, openTest, policyFiles, signerOf } from '../support.ts'

const refund = {
  agent: 'clerk',
  service: 'shop',
  action: 'refund',
  payload: { amount: 50 },
} as const
const ACCOUNTS = { ana: '1001', bo: '1002' } as const

/** The policy of the other tests, with accounts, where two must approve a refund. */
function policyWith(route: string): Record<string, string> {
  const { ana, bo } = KEYS
  const entry = (id: 'ana' | 'bo', { fingerprint }: typeof ana) =>
    `  - { id: ${id}, keys: [{ fingerprint: '${fingerprint}' }], accounts: { github: '${ACCOUNTS[id]}' } }\n`
  const head = 'apiVersion: countersign/v1\nkind: '
  const routes = policyFiles().get('policies/routes/routes.yaml') ?? ''
  return {
    'policies/roster.yaml': `${head}Roster\npeople:\n${entry('ana', ana)}${entry('bo', bo)}`,
    'policies/routes/routes.yaml': routes.replace('id: payments,', `id: payments, ${route},`),
  }
}

/** The local forge as one with accounts: `posts` says who has posted what, in its own words. */
async function openWithAccounts(
  files: Record<string, string>,
  posts: (signed: readonly ForgeReview[], head: string) => readonly Partial<ForgeReview>[],
) {
  const opened = await openTest({ bundle: await bundleOf(files) })
  const local = opened.parts.forge
  const at = Date.now()
  const forge: Forge = {
    ...local,
    identity: async () => ({ ...(await local.identity()), kind: 'github' }),
    reviews: async (number) => {
      const signed = await local.reviews(number)
      const { headSha } = await local.pull(number)
      return posts(signed, headSha).map((post, index) => ({
        ...{ id: `${index}`, commit: headSha, posterKind: 'person', poster: null },
        ...{ state: 'approved', body: 'LGTM', submittedAt: at },
        ...post,
      }))
    },
  }
  return { ...opened, parts: { ...opened.parts, forge } }
}

/** Who wrote a review is in its body; here it is the account as well, unless a test says otherwise. */
function asPosted(review: ForgeReview): ForgeReview {
  const poster = review.id.endsWith('-ana') ? ACCOUNTS.ana : ACCOUNTS.bo
  return { ...review, poster, posterKind: 'person' }
}

describe('a forge with accounts', () => {
  test('signed reviews from their own accounts approve', async () => {
    const opened = await openWithAccounts(policyWith('quorum: 2'), (all) => all.map(asPosted))
    const { request } = await opened.engine.decide(refund)
    const id = String(request?.id)
    await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
    const found = await reviewRequest(
      opened.parts,
      id,
      { verdict: 'approve' },
      await signerOf('bo'),
    )
    expect(found.resolution).toMatchObject({ decision: 'APPROVED', by: ['ana', 'bo'] })
    expect(verifyLogFolder(join(opened.folder, 'log')).problems).toEqual([])
  })

  test('a signed review from another account blocks', async () => {
    const opened = await openWithAccounts(policyWith('quorum: 2'), (all) =>
      all.map((review) => ({ ...asPosted(review), poster: ACCOUNTS.bo })),
    )
    const { request } = await opened.engine.decide(refund)
    const id = String(request?.id)
    await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
    const found = await reviewRequest(
      opened.parts,
      id,
      { verdict: 'approve' },
      await signerOf('bo'),
    )
    expect(found.resolution).toBeNull()
  })

  test('plain reviews approve where the route asks for no signature, and the receipt says so', async () => {
    const posts = () => [{ poster: ACCOUNTS.ana }, { poster: ACCOUNTS.bo }]
    const opened = await openWithAccounts(policyWith('quorum: 2, signature: none'), posts)
    const { request } = await opened.engine.decide(refund)
    const found = await settleRequest(opened.parts, String(request?.id))
    expect(found.resolution).toMatchObject({ decision: 'APPROVED', by: ['ana', 'bo'] })
    const report = verifyLogFolder(join(opened.folder, 'log'))
    expect(report.problems).toEqual([])
    expect(JSON.stringify(report)).toContain('2 reviews without a signature')
  })

  test('plain reviews approve nothing where it asks for one', async () => {
    const posts = () => [{ poster: ACCOUNTS.ana }, { poster: ACCOUNTS.bo }]
    const opened = await openWithAccounts(policyWith('quorum: 2'), posts)
    const { request } = await opened.engine.decide(refund)
    const found = await settleRequest(opened.parts, String(request?.id))
    expect(found.resolution).toBeNull()
  })
})

test("the agent's owner reviews nothing of it, and is told before the review is posted", async () => {
  const agent = policyFiles().get('policies/agents/clerk.yaml') ?? ''
  const owned = agent.replace('agent: clerk', 'agent: clerk\nowner: ana')
  const opened = await openTest({ bundle: await bundleOf({ 'policies/agents/clerk.yaml': owned }) })
  const { request } = await opened.engine.decide(refund)
  const id = String(request?.id)
  const own = reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
  await expect(own).rejects.toMatchObject({ code: 'REVIEW_SELF' })
  const found = await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('bo'))
  expect(found.resolution).toMatchObject({ decision: 'APPROVED', by: ['bo'] })

  // Posted by a program that does not know the owner, it does not count either.
  const next = String((await opened.engine.decide(refund)).request?.id)
  const other = await openTest({ folder: opened.folder })
  const forge = { ...other.parts.forge, reviews: async () => [] }
  const unaware = { ...other.parts, forge }
  await reviewRequest(unaware, next, { verdict: 'approve' }, await signerOf('ana'))
  expect((await settleRequest(opened.parts, next)).resolution).toBeNull()
})
