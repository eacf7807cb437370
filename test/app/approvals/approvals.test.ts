import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Review, reviewRequest } from '../../../src/app/approvals/review.ts'
import { shownTo } from '../../../src/app/approvals/reviewer.ts'
import { openParts } from '../../../src/app/engine/open-engine.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { openLocalForge } from '../../../src/host/forge-local.ts'
import { generateSshKey, writeSshKey } from '../../../src/host/ssh-key.ts'
import { openReviewSigner } from '../../../src/host/ssh-signer.ts'
import type { Forge } from '../../../src/model/ports.ts'
import {
  bundleOf,
  CREDENTIAL,
  KEYS,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder,
} from '../support.ts'

const refund = {
  agent: 'clerk',
  service: 'shop',
  action: 'refund',
  payload: { amount: 50, to: 'u-1' },
} as const

/** Holds one refund. */
async function held(opened: Opened, payload: object = refund.payload): Promise<string> {
  const outcome = await opened.engine.decide({ ...refund, payload: { ...payload } as never })
  expect(outcome.verdict).toBe('hold')
  return String(outcome.request?.id)
}

async function review(opened: Opened, id: string, who: keyof typeof KEYS, what: Review) {
  return reviewRequest(opened.parts, id, what, await signerOf(who))
}

test.for([
  {
    name: 'approved',
    what: { verdict: 'approve' } as Review,
    status: 'APPROVED',
    payload: refund.payload,
    changes: 0,
  },
  {
    name: 'rejected',
    what: { verdict: 'reject', comment: 'no' } as Review,
    status: 'REJECTED',
    payload: undefined,
    changes: 0,
  },
  {
    name: 'patched',
    what: { verdict: 'patch', payload: { amount: 20, to: 'u-1' } } as Review,
    status: 'APPROVED_WITH_MODIFICATIONS',
    payload: { amount: 20, to: 'u-1' },
    changes: 1,
  },
])('a held action that is $name -> $status', async ({ what, status, payload, changes }) => {
  const opened = await openTest()
  const asking = opened.engine.ask(refund, { idempotencyKey: 'one' })
  const pending = await opened.engine.defer(refund, { idempotencyKey: 'one' })
  expect(pending.status).toBe('PENDING')
  await review(opened, String(pending.request), 'ana', what)
  const answer = await asking
  expect(answer).toMatchObject({ status, request: pending.request })
  expect(answer.payload).toEqual(payload)
  expect(answer.changes).toHaveLength(changes)
  const report = verifyLogFolder(join(opened.folder, 'log'))
  expect(report.problems).toEqual([])
  expect(report.receipts).toMatchObject({ [status]: 1, hold: 1 })
})

test('an approval survives a restart: the same key finds the same request, resolved', async () => {
  const first = await openTest()
  const before = await first.engine.defer(refund, { idempotencyKey: 'one' })
  const second = await openTest({ folder: first.folder })
  await review(second, String(before.request), 'bo', { verdict: 'approve' })
  const third = await openTest({ folder: first.folder })
  const after = await third.engine.ask(refund, { idempotencyKey: 'one' })
  expect(after).toMatchObject({
    status: 'APPROVED',
    request: before.request,
    payload: refund.payload,
  })
})

test('guard runs the tool with the payload that people left, and not at all on a rejection', async () => {
  const opened = await openTest()
  const ran: unknown[] = []
  const { payload: _payload, ...action } = refund
  const tool = opened.engine.guard(
    (payload: { amount: number; to: string }) => ran.push(payload),
    action,
  )
  const patched = tool({ amount: 50, to: 'a' })
  const rejected = expect(tool({ amount: 60, to: 'b' })).rejects.toMatchObject({
    code: 'ACTION_REJECTED',
  })
  const waiting = await waitForRequests(opened, 2)
  for (const { request } of waiting) {
    const what: Review =
      request.fields.find(({ pointer }) => pointer === '/payload/amount')?.value === 50
        ? { verdict: 'patch', payload: { amount: 1, to: 'a' } }
        : { verdict: 'reject' }
    await review(opened, request.id, 'ana', what)
  }
  await Promise.all([patched, rejected])
  expect(ran).toEqual([{ amount: 1, to: 'a' }])
})

test('guard throws on a denial and never calls the tool', async () => {
  const { engine } = await openTest()
  let ran = false
  const tool = engine.guard(
    () => {
      ran = true
    },
    { agent: 'clerk', service: 'shop', action: 'delete' },
  )
  await expect(tool({})).rejects.toMatchObject({ code: 'ACTION_DENIED', retryable: false })
  expect(ran).toBe(false)
})

async function waitForRequests({ parts }: Opened, count: number) {
  for (;;) {
    const found = await parts.store.requests({ state: 'waiting' })
    if (found.length === count) return found
    await parts.sleep(20)
  }
}

test('a request that nobody answers expires, and an expired one cannot be approved', async () => {
  let now = Date.parse('2026-03-01T10:00:00Z')
  const opened = await openTest({ clock: () => now })
  const id = await held(opened)
  now += 60 * 60_000
  await expect(review(opened, id, 'ana', { verdict: 'approve' })).rejects.toMatchObject({
    code: 'REQUEST_EXPIRED',
  })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'EXPIRED' })
  expect((await opened.engine.status(id)).payload).toBeUndefined()
})

test('waiting no longer than asked is PENDING, and its token goes on, also after a restart', async () => {
  const opened = await openTest()
  const first = await opened.engine.ask(refund, { timeoutMs: 50 })
  expect(first).toMatchObject({ status: 'PENDING', resume: expect.stringMatching(/^rsm_/) })
  expect(first.payload).toBeUndefined()
  const again = await opened.engine.wait(String(first.resume), { timeoutMs: 50 })
  expect(again).toMatchObject({ status: 'PENDING', resume: first.resume })
  const restarted = await openTest({ folder: opened.folder })
  const waiting = restarted.engine.wait(String(first.resume))
  await review(opened, String(first.request), 'ana', { verdict: 'approve' })
  expect(await waiting).toMatchObject({ status: 'APPROVED', payload: refund.payload })
})

test('a guarded tool that people keep waiting throws ACTION_PENDING with what goes on waiting', async () => {
  const opened = await openTest()
  const ran: unknown[] = []
  const { payload, ...action } = refund
  const tool = opened.engine.guard((given: typeof payload) => ran.push(given), {
    ...action,
    idempotencyKey: () => 'one',
    timeoutMs: 50,
  })
  const error = await tool(payload).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'ACTION_PENDING', retryable: true })
  const { resume } = error as PolicyError
  const pending = await opened.engine.wait(String(resume), { timeoutMs: 1 })
  await review(opened, String(pending.request), 'ana', { verdict: 'approve' })
  expect(await opened.engine.wait(String(resume))).toMatchObject({ status: 'APPROVED', payload })
  // The same key is the same request: the tool runs now.
  await tool(payload)
  expect(ran).toEqual([payload])
})

test.for([
  { name: 'none', change: () => '' },
  { name: 'another kind of text', change: () => 'rsm_' },
  {
    name: 'one for another request',
    change: (own: string, other: string) => own.replace(/_.*\./, `_${other.slice(4)}.`),
  },
  { name: 'one with another end', change: (own: string) => `${own.slice(0, -2)}AA` },
  { name: 'one that is cut', change: (own: string) => own.slice(0, -1) },
  { name: 'one with more behind it', change: (own: string) => `${own}.x` },
  { name: 'a name of Object.prototype', change: () => 'rsm___proto__.constructor' },
])('a resume token that is $name -> REQUEST_UNKNOWN', async ({ change }) => {
  const opened = await openTest()
  const { resume = '' } = await opened.engine.defer(refund)
  const other = await held(opened)
  for (const call of ['wait', 'status'] as const) {
    const answer = opened.engine[call](change(resume, other), { timeoutMs: 1 })
    await expect(answer).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
  }
})

test.for([
  { name: 'the same agents', agents: ['clerk'], works: true },
  { name: 'other agents', agents: ['clerk', 'other'], works: false },
  { name: 'every agent', agents: ['*'], works: false },
])('a resume token with a credential of $name -> $works', async ({ agents, works }) => {
  const opened = await openTest()
  const { resume = '' } = await opened.engine.defer(refund)
  const second = await openTest({
    folder: opened.folder,
    credential: { ...CREDENTIAL, agents },
  })
  const answer = second.engine.wait(resume, { timeoutMs: 1 })
  if (works) expect(await answer).toMatchObject({ status: 'PENDING', resume })
  else await expect(answer).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
})

test.for([
  { name: 'a person on no roster', key: 'stranger', code: 'KEY_NOT_PINNED' },
  {
    name: 'a person on another route',
    key: 'ana',
    payload: { amount: 5000, to: 'u' },
    routes: 'board',
    code: null,
  },
])('a review by $name', async ({ key, payload, code }) => {
  const opened = await openTest()
  const id = await held(opened, payload ?? refund.payload)
  if (key === 'stranger') {
    const file = join(temporaryFolder(), 'key')
    await writeSshKey(file, generateSshKey('stranger'))
    const signer = await openReviewSigner({ keyFile: file })
    await expect(
      reviewRequest(opened.parts, id, { verdict: 'approve' }, signer),
    ).rejects.toMatchObject({ code })
    await expect(shownTo(opened.parts, id, signer)).rejects.toMatchObject({ code })
    return
  }
  // Two routes, and ana is on one of them: her approval is counted and is not enough.
  await review(opened, id, 'ana', { verdict: 'approve' })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'PENDING' })
  await review(opened, id, 'bo', { verdict: 'approve' })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'APPROVED' })
})

test('a resolved request takes no further review', async () => {
  const opened = await openTest()
  const id = await held(opened)
  await review(opened, id, 'ana', { verdict: 'reject' })
  await expect(review(opened, id, 'bo', { verdict: 'approve' })).rejects.toMatchObject({
    code: 'REQUEST_RESOLVED',
  })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'REJECTED' })
})

test.for([
  { name: 'nothing', payload: refund.payload, code: 'PATCH_INVALID' },
  { name: 'the payload into a list', payload: [1], code: 'PATCH_INVALID' },
  { name: 'a reserved key in', payload: { _sd: 1 }, code: 'PATCH_INVALID' },
  { name: '50 KB in', payload: { text: 'x'.repeat(50_000) }, code: 'PATCH_TOO_LARGE' },
])('a patch that changes $name is refused with $code', async ({ payload, code }) => {
  const opened = await openTest()
  const id = await held(opened)
  await expect(
    review(opened, id, 'ana', { verdict: 'patch', payload: payload as never }),
  ).rejects.toMatchObject({ code })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'PENDING' })
})

test('a patch of 39 KB fits', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const payload = { amount: 1, to: 'x'.repeat(39_000) }
  await review(opened, id, 'ana', { verdict: 'patch', payload })
  expect(await opened.engine.status(id)).toMatchObject({
    status: 'APPROVED_WITH_MODIFICATIONS',
    payload,
  })
  expect(verifyLogFolder(join(opened.folder, 'log')).problems).toEqual([])
})

test('a patch that needs another route is asked anew, and the agent follows', async () => {
  const opened = await openTest()
  const answer = opened.engine.ask(refund, { idempotencyKey: 'one' })
  const [first] = await waitForRequests(opened, 1)
  const id = String(first?.request.id)
  await review(opened, id, 'ana', { verdict: 'patch', payload: { amount: 5000, to: 'u-1' } })
  const record = await opened.parts.store.request(id)
  expect(record?.resolution).toMatchObject({
    decision: 'REJECTED',
    next: expect.stringMatching(/^req_/),
  })
  const next = String(record?.resolution?.next)
  expect((await opened.parts.store.request(next))?.request.routes.map((route) => route.id)).toEqual(
    ['board', 'payments'],
  )
  await review(opened, next, 'bo', { verdict: 'approve' })
  expect(await answer).toMatchObject({
    status: 'APPROVED',
    request: next,
    payload: { amount: 5000, to: 'u-1' },
  })
  expect(verifyLogFolder(join(opened.folder, 'log')).problems).toEqual([])
})

const DENY_ALL = {
  'policies/guardrails/refunds.yaml': `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - { id: refunds/stopped, on: { action: refund }, then: deny }\n`,
}
const BO_ONLY = {
  'policies/roster.yaml': `apiVersion: countersign/v1\nkind: Roster\npeople: [{ id: bo, keys: [{ fingerprint: '${KEYS.bo.fingerprint}' }] }]\n`,
  'policies/routes/routes.yaml': String(
    policyFiles().get('policies/routes/routes.yaml'),
  ).replaceAll('ana, bo', 'bo'),
}

test.for([
  { name: 'denies the action', changes: DENY_ALL, status: 'REJECTED', reason: /refunds\/stopped/ },
  { name: 'no longer knows the reviewer', changes: BO_ONLY, status: 'PENDING', reason: /./ },
])(
  'an approval under a policy that $name by now -> $status',
  async ({ changes, status, reason }) => {
    const first = await openTest()
    const id = await held(first)
    // The review is posted, but the engine that resolves has the new policy.
    const asleep: Forge = {
      ...first.parts.forge,
      reviews: async () => {
        throw new PolicyError('FORGE_UNREACHABLE', 'asleep', { retryable: true })
      },
    }
    const away = { ...first.parts, forge: asleep }
    await expect(
      reviewRequest(away, id, { verdict: 'approve' }, await signerOf('ana')),
    ).rejects.toMatchObject({
      code: 'FORGE_UNREACHABLE',
    })
    const second = await openTest({ folder: first.folder, bundle: await bundleOf(changes) })
    const answer = await second.engine.status(id)
    expect(answer.status).toBe(status)
    expect(answer.reason).toMatch(reason)
    expect(answer.payload).toBeUndefined()
  },
)

test('a request whose own attempt reached a limit is not denied by that attempt', async () => {
  const rules = String(policyFiles().get('policies/guardrails/refunds.yaml')).replace(
    'limit: 100',
    'limit: 1',
  )
  const opened = await openTest({
    bundle: await bundleOf({ 'policies/guardrails/refunds.yaml': rules }),
  })
  const id = await held(opened)
  await review(opened, id, 'ana', { verdict: 'approve' })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'APPROVED' })
})

test('but another attempt in the meantime voids the approval', async () => {
  const rules = String(policyFiles().get('policies/guardrails/refunds.yaml')).replace(
    'limit: 100',
    'limit: 1',
  )
  const opened = await openTest({
    bundle: await bundleOf({ 'policies/guardrails/refunds.yaml': rules }),
  })
  const id = await held(opened)
  expect((await opened.engine.decide(refund)).verdict).toBe('deny')
  await review(opened, id, 'ana', { verdict: 'approve' })
  expect(await opened.engine.status(id)).toMatchObject({
    status: 'REJECTED',
    reason: expect.stringContaining('refunds/too-many'),
  })
})

test('two engines that resolve at once give one outcome and one receipt', async () => {
  const first = await openTest()
  const second = await openTest({ folder: first.folder })
  const ids = await Promise.all(Array.from({ length: 4 }, () => held(first)))
  const signer = await signerOf('ana')
  await Promise.all(
    ids.flatMap((id) => [
      reviewRequest(first.parts, id, { verdict: 'approve' }, signer).catch(() => undefined),
      second.engine.status(id).catch(() => undefined),
      second.engine.status(id).catch(() => undefined),
    ]),
  )
  for (const id of ids)
    expect(await second.engine.wait(id, { timeoutMs: 10_000 })).toMatchObject({
      status: 'APPROVED',
    })
  const report = verifyLogFolder(join(first.folder, 'log'))
  expect(report.problems).toEqual([])
  expect(report.receipts).toMatchObject({ APPROVED: 4, hold: 4 })
})

test('a rejection that comes while an approval is being resolved is counted', async () => {
  const opened = await openTest()
  const id = await held(opened)
  let looks = 0
  const forge: Forge = {
    ...opened.parts.forge,
    reviews: async (number) => {
      looks += 1
      const seen = await opened.parts.forge.reviews(number)
      if (looks === 1) {
        // Bo's rejection reaches the forge right after the engine has looked.
        const away = { ...opened.parts, forge: { ...opened.parts.forge, reviews: async () => [] } }
        await reviewRequest(away, id, { verdict: 'reject' }, await signerOf('bo'))
      }
      return seen
    },
  }
  const racing = { ...opened.parts, forge }
  const found = await reviewRequest(racing, id, { verdict: 'approve' }, await signerOf('ana'))
  expect(looks).toBeGreaterThan(2)
  expect(found.resolution).toMatchObject({ decision: 'REJECTED', by: ['bo'] })
  expect(verifyLogFolder(join(opened.folder, 'log')).receipts).not.toHaveProperty('APPROVED')
})

test('a forge that is away delays nothing but the people', async () => {
  const folder = temporaryFolder()
  const real = openLocalForge({ folder: join(folder, 'forge.git'), base: 'main', now: Date.now })
  let away = true
  const gone = async (): Promise<never> => {
    throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
  }
  const forge: Forge = {
    ...real,
    open: (...args) => (away ? gone() : real.open(...args)),
    pull: (...args) => (away ? gone() : real.pull(...args)),
  }
  const opened = await openTest({ folder, forge })
  const outcome = await opened.engine.decide(refund)
  expect(outcome).toMatchObject({ verdict: 'hold' })
  expect(outcome.request?.pull).toBeUndefined()
  away = false
  const restarted = await openTest({ folder, forge })
  expect((await restarted.parts.store.request(String(outcome.request?.id)))?.pull).toBe(1)
  await review(restarted, String(outcome.request?.id), 'ana', { verdict: 'approve' })
  expect(await restarted.engine.status(String(outcome.request?.id))).toMatchObject({
    status: 'APPROVED',
  })
})

test('a resolution that the forge was not told is told at the next start', async () => {
  const folder = temporaryFolder()
  const real = openLocalForge({ folder: join(folder, 'forge.git'), base: 'main', now: Date.now })
  let broken = true
  const forge: Forge = {
    ...real,
    settle: async (...args) => {
      if (broken) throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
      return real.settle(...args)
    },
  }
  const opened = await openTest({ folder, forge })
  const id = await held(opened)
  await expect(review(opened, id, 'ana', { verdict: 'approve' })).rejects.toMatchObject({
    retryable: true,
  })
  broken = false
  const restarted = await openTest({ folder, forge })
  expect(await restarted.parts.store.request(id)).toMatchObject({
    published: true,
    resolution: { decision: 'APPROVED' },
  })
  expect((await real.pull(1)).state).toBe('merged')
})

test('git log of the forge alone tells the story, without a clear value that no route shows', async () => {
  const opened = await openTest()
  const ids = [await held(opened), await held(opened, { amount: 51, to: 'hidden-name' })]
  await review(opened, String(ids[0]), 'ana', { verdict: 'approve', comment: 'fine' })
  await review(opened, String(ids[1]), 'bo', {
    verdict: 'patch',
    payload: { amount: 2, to: 'hidden-name' },
  })
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', join(opened.folder, 'forge.git'), ...args], {
      encoding: 'utf8',
    })
  const story = git('log', 'main', '--format=%s%n%b')
  for (const id of ids) expect(story).toContain(id)
  expect(story).toContain('ana')
  for (const line of git('rev-list', '--objects', '--all', '--no-object-names')
    .trim()
    .split('\n')) {
    expect(git('cat-file', '-p', line)).not.toContain('hidden-name')
  }
  expect(git('show', `main:requests/${ids[0]}/request.json`)).toContain('"value": 50')
})

test('no clear patch reaches the receipts', async () => {
  const opened = await openTest()
  const id = await held(opened)
  await review(opened, id, 'ana', {
    verdict: 'patch',
    payload: { amount: 20, to: 'secret-recipient' },
  })
  expect(await opened.engine.status(id)).toMatchObject({ payload: { to: 'secret-recipient' } })
  for (const entry of readdirSync(opened.folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    expect(readFileSync(file).includes('secret-recipient'), file).toBe(false)
  }
})

test('a request whose stored action was exchanged is not shown for signing', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const other = await openParts({
    bundle: await bundleOf(),
    store: temporaryFolder(),
    credential: CREDENTIAL,
  })
  try {
    const found = await opened.parts.store.request(id)
    const forged = {
      ...opened.parts,
      store: {
        ...opened.parts.store,
        request: async () =>
          found === null
            ? null
            : { ...found, request: { ...found.request, root: `sha256:${'0'.repeat(64)}` } },
      },
    }
    await expect(
      reviewRequest(forged, id, { verdict: 'approve' }, await signerOf('ana')),
    ).rejects.toMatchObject({ code: 'REQUEST_TAMPERED' })
  } finally {
    await other.store.close()
  }
})

test('clear fields are for the people on the routes', async () => {
  const opened = await openTest()
  const id = await held(opened)
  expect(await shownTo(opened.parts, id, null)).not.toHaveProperty('payload')
  expect(await shownTo(opened.parts, id, await signerOf('ana'))).toMatchObject({
    payload: refund.payload,
  })
})
