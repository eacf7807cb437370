import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { openInbox } from '../../../src/app/approvals/inbox.ts'
import { listenForReviews, placeOf } from '../../../src/app/approvals/review-webhooks.ts'
import { bundleOf, openTest, signerOf } from '../support.ts'
import { ask, openBatchScene, states } from './batch-scene.ts'

const refund = (amount: number) => ({
  ...{ agent: 'clerk', service: 'shop', action: 'refund' },
  payload: { amount, to: 'customer-7' },
})

async function held(amount: number) {
  const opened = await openTest()
  const { request } = await opened.engine.decide(refund(amount))
  return { ...opened, id: request?.id ?? '' }
}

test('a person on the routes sees the fields in clear, and what is missing', async () => {
  const { parts, id } = await held(2_000)
  const inbox = await openInbox(parts, await signerOf('ana'))
  expect(inbox.reviewer).toEqual({ person: 'ana', proof: expect.stringMatching(/^SHA256:/) })
  const [item] = await inbox.look([id])
  expect(item).toMatchObject({
    missing: [
      { route: 'board', need: 1 },
      { route: 'payments', need: 1 },
    ],
    obstacle: '',
    where: expect.stringContaining('refs/pull/1'),
  })
  expect(await inbox.open(id)).toMatchObject({
    clear: { payload: { amount: 2_000, to: 'customer-7' } },
    masked: '',
    reviews: [],
  })
  const { root } = (await inbox.open(id)).found.request
  await expect(inbox.review(id, { verdict: 'approve' }, `${root}0`)).rejects.toThrow(
    'not the one that you were shown',
  )
  expect((await inbox.open(id)).reviews).toEqual([])
  const after = await inbox.review(id, { verdict: 'approve', comment: 'fine' }, root)
  expect(after.resolution).toBeNull()
  const [left] = await inbox.look([id])
  expect(left?.missing).toEqual([{ route: 'board', need: 1 }])
  expect((await inbox.open(id)).reviews).toEqual([
    { reviewer: 'ana', verdict: 'approve', comment: 'fine' },
  ])
})

test('nothing is asked about requests that are not on the screen', async () => {
  const { parts, id } = await held(20)
  const inbox = await openInbox(parts, null)
  expect((await inbox.look([]))[0]?.missing).toBeNull()
  expect((await inbox.look([id]))[0]?.missing).toEqual([{ route: 'payments', need: 1 }])
})

test('without a key, or on another route, the fields stay masked, and nothing can be signed', async () => {
  const { parts, id } = await held(20)
  const looking = await openInbox(parts, null)
  expect(looking.reviewer).toBeNull()
  expect(await looking.open(id)).toMatchObject({
    clear: null,
    masked: expect.stringContaining('--key'),
  })
  await expect(looking.review(id, { verdict: 'approve' }, '')).rejects.toThrow('--key')
  const other = await openTest({
    bundle: await bundleOf({
      'policies/routes/routes.yaml':
        'apiVersion: countersign/v1\nkind: Routes\nroutes:\n  - { id: default, reviewers: [ana], time_out: 1h }\n  - { id: payments, reviewers: [bo], time_out: 1h }\n  - { id: board, reviewers: [bo], time_out: 1h }\n',
    }),
  })
  const { request } = await other.engine.decide(refund(20))
  const ana = await openInbox(other.parts, await signerOf('ana'))
  expect(await ana.open(request?.id ?? '')).toMatchObject({
    clear: null,
    masked: expect.stringContaining('on none of the routes'),
  })
})

test.for([
  { name: 'another payload', payload: { amount: 5, to: 'customer-7' }, want: null },
  { name: 'the same payload', payload: { amount: 20, to: 'customer-7' }, want: /changes nothing/ },
  {
    name: 'a payload that is too large',
    payload: { note: 'x'.repeat(50_000) },
    want: /bytes|large/,
  },
])('$name is checked before it is signed', async ({ payload, want }) => {
  const { parts, id } = await held(20)
  const inbox = await openInbox(parts, await signerOf('ana'))
  const problem = await inbox.check(id, payload)
  if (want === null) expect(problem).toBeNull()
  else expect(problem).toMatch(want)
})

test('a patch is signed as a patch', async () => {
  const { parts, id } = await held(20)
  const inbox = await openInbox(parts, await signerOf('ana'))
  const payload = { amount: 5, to: 'customer-7' }
  const { root } = (await inbox.open(id)).found.request
  const { resolution } = await inbox.review(id, { verdict: 'patch', payload }, root)
  expect(resolution?.decision).toBe('APPROVED_WITH_MODIFICATIONS')
  expect(await inbox.look([id])).toEqual([])
})

test('somebody who is named for it breaks the glass, with a reason', async () => {
  const bundle = await bundleOf({
    'policies/routes/routes.yaml':
      'apiVersion: countersign/v1\nkind: Routes\nroutes:\n  - { id: default, reviewers: [bo], time_out: 1h }\n  - { id: payments, reviewers: [bo], time_out: 1h, break_glass: { reviewers: [ana], review_within: 24h } }\n  - { id: board, reviewers: [bo], time_out: 1h }\n',
  })
  const { parts, engine } = await openTest({ bundle })
  const { request } = await engine.decide(refund(20))
  const inbox = await openInbox(parts, await signerOf('ana'))
  const { clear, found } = await inbox.open(request?.id ?? '')
  expect(clear?.payload).toEqual({ amount: 20, to: 'customer-7' })
  const review = { verdict: 'approve', comment: 'the house burns', breakGlass: true } as const
  const { resolution } = await inbox.review(found.request.id, review, found.request.root)
  expect(resolution?.decision).toBe('APPROVED')
})

test('a batch is shown with the fields of each of its requests, and signed only when it was shown', async () => {
  const scene = await openBatchScene()
  const ids = await ask(scene, [100, 200])
  const { parts } = scene
  const inbox = await openInbox(parts, await signerOf('ana'))
  const alone = (await inbox.open(ids[0] ?? '')).found.request
  expect(alone.members).toBeUndefined()
  scene.pass(31)
  const [item] = await inbox.look([])
  const batch = item?.found.request
  expect(batch?.members).toHaveLength(2)
  const stale = inbox.review(ids[0] ?? '', { verdict: 'approve' }, alone.root)
  await expect(stale).rejects.toThrow('not the one that you were shown')
  const opened = await inbox.open(batch?.id ?? '')
  expect(opened.members.map(({ clear }) => clear?.payload)).toEqual([
    { amount: 100 },
    { amount: 200 },
  ])
  const looking = await (await openInbox(parts, null)).open(batch?.id ?? '')
  expect(looking.members.map(({ clear }) => clear)).toEqual([null, null])
  await inbox.review(batch?.id ?? '', { verdict: 'approve' }, batch?.root ?? '')
  expect(await states(scene, ids)).toEqual(['APPROVED', 'APPROVED'])
})

test.for([
  { text: '8080', want: { host: '127.0.0.1', port: 8080 } },
  { text: '0.0.0.0:80', want: { host: '0.0.0.0', port: 80 } },
  { text: 'hooks.example:0', want: { host: 'hooks.example', port: 0 } },
  { text: '[::1]:8080', want: { host: '::1', port: 8080 } },
])('webhooks at $text', ({ text, want }) => {
  expect(placeOf(text)).toEqual(want)
})

test.for(['', 'here', ':80', '127.0.0.1', '127.0.0.1:99999', 'a b:80', '::1:80'])(
  'webhooks cannot be taken at "%s"',
  (text) => {
    expect(() => placeOf(text)).toThrow('HOST:PORT')
  },
)

test('a webhook about a request makes the inbox look; one that nobody signed does not', async () => {
  const { parts, id } = await held(20)
  let news = 0
  const environment = { COUNTERSIGN_WEBHOOK_SECRET: 'a-secret-of-some-length' }
  await expect(
    listenForReviews(parts, '0', { environment: {}, onNews: () => undefined }),
  ).rejects.toThrow('COUNTERSIGN_WEBHOOK_SECRET')
  const listener = await listenForReviews(parts, '127.0.0.1:0', {
    environment,
    onNews: () => void news++,
  })
  try {
    const body = JSON.stringify({
      action: 'submitted',
      repository: { id: 42 },
      pull_request: { number: 1, head: { ref: `countersign/${id}` } },
    })
    const post = (secret: string, delivery: string) =>
      fetch(`http://127.0.0.1:${listener.port}/`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'pull_request_review',
          'x-github-delivery': delivery,
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        },
        body,
      })
    expect(
      (await post('another-secret-of-length', 'a3c1b0c2-0000-4000-8000-000000000001')).status,
    ).toBe(401)
    expect(
      (await post(environment.COUNTERSIGN_WEBHOOK_SECRET, 'a3c1b0c2-0000-4000-8000-000000000002'))
        .status,
    ).toBe(202)
    await expect.poll(() => news).toBe(1)
  } finally {
    await listener.close()
  }
})

test('a policy that names nobody to tell has no notifier; one that does has', async () => {
  const plain = await openTest()
  expect(plain.parts.notifier).toBeNull()
  const project =
    'apiVersion: countersign/v1\nkind: Project\nproject: shop\nnotify:\n  - { webhook: secret://env/COUNTERSIGN_TEST_NO_SUCH_HOOK }\n'
  const told = await openTest({ bundle: await bundleOf({ 'countersign.yaml': project }) })
  expect(told.parts.notifier).not.toBeNull()
  const warned: string[] = []
  const listen = ({ message }: Error) => void warned.push(message)
  process.on('warning', listen)
  const { request } = await told.engine.decide(refund(20))
  await told.parts.notifier?.idle?.(5_000)
  await expect.poll(() => warned.join()).toContain('SECRET_MISSING')
  process.removeListener('warning', listen)
  expect(request?.id).toMatch(/^req_/)
})
