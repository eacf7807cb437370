import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { shownTo } from '../../../src/app/approvals/reviewer.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Forge } from '../../../src/model/ports.ts'
import {
  bundleOf,
  CREDENTIAL,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder,
} from '../support.ts'

// What an agent, a former reviewer or a writer of the forge's repository may try; none of them holds a counting key.

const read = { agent: 'clerk', service: 'shop', action: 'read_order' } as const
const refund = { agent: 'clerk', service: 'shop', action: 'refund' } as const
const payload = { amount: 50, to: 'u-1' }

async function held(opened: Opened, what: JsonObject = payload): Promise<string> {
  const outcome = await opened.engine.decide({ ...refund, payload: what })
  expect(outcome.verdict).toBe('hold')
  return String(outcome.request?.id)
}

async function fieldsOf(opened: Opened, id: string) {
  return (await opened.parts.store.request(id))?.request.fields ?? []
}

/** The forge, but for calls that find it away. */
function without(forge: Forge, method: 'reviews' | 'settle'): Forge {
  const gone = async (): Promise<never> => {
    throw new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true })
  }
  return { ...forge, [method]: gone }
}

function gitOf({ folder }: Opened): (...args: string[]) => string {
  const identity = ['-c', 'user.name=x', '-c', 'user.email=x@localhost']
  return (...args) =>
    execFileSync('git', ['--git-dir', join(folder, 'forge.git'), ...identity, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
}

/** One store, and engines for two agents that know nothing of each other. */
async function twoAgents() {
  const agent = String(policyFiles().get('policies/agents/clerk.yaml')).replace('clerk', 'boss')
  const bundle = await bundleOf({ 'policies/agents/boss.yaml': agent })
  const clerk = await openTest({ bundle })
  const credential = { ...CREDENTIAL, agents: ['boss'] }
  return { clerk, boss: await openTest({ bundle, folder: clerk.folder, credential }) }
}

test("another agent's idempotency key gives nothing away", async () => {
  const { clerk, boss } = await twoAgents()
  const action = { ...read, agent: 'boss' }
  expect((await boss.engine.decide(action, { idempotencyKey: 'k' })).verdict).toBe('allow')
  const stolen = await clerk.engine.decide(action, { idempotencyKey: 'k' })
  expect(stolen.verdict).toBe('deny')
  expect(stolen.payload).toBeUndefined()
})

test("another agent's idempotency key cannot be occupied", async () => {
  const { clerk, boss } = await twoAgents()
  const action = { ...read, agent: 'boss' }
  expect((await clerk.engine.decide(action, { idempotencyKey: 'k' })).verdict).toBe('deny')
  expect((await boss.engine.decide(action, { idempotencyKey: 'k' })).verdict).toBe('allow')
})

test("another agent's approved request is not answered", async () => {
  const { clerk, boss } = await twoAgents()
  const id = await held(clerk)
  await reviewRequest(clerk.parts, id, { verdict: 'approve' }, await signerOf('ana'))
  await expect(boss.engine.status(id)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
  await expect(boss.engine.wait(id)).rejects.toMatchObject({ code: 'REQUEST_UNKNOWN' })
  expect((await clerk.engine.status(id)).payload).toEqual(payload)
})

const routes = (text: string) => ({
  'policies/routes/routes.yaml': String(policyFiles().get('policies/routes/routes.yaml')).replace(
    'payments, reviewers: [ana, bo]',
    text,
  ),
})

test.for([
  { name: 'took the reviewer off the route', changes: routes('payments, reviewers: [bo]') },
  {
    name: 'asks for more people',
    changes: routes('payments, quorum: 2, reviewers: [ana, bo]'),
  },
])('an approval under a policy that $name by now does not suffice', async ({ changes }) => {
  const first = await openTest()
  const id = await held(first)
  const away = { ...first.parts, forge: without(first.parts.forge, 'reviews') }
  const approve = { verdict: 'approve' } as const
  await expect(reviewRequest(away, id, approve, await signerOf('ana'))).rejects.toThrow()
  const second = await openTest({ folder: first.folder, bundle: await bundleOf(changes) })
  expect(await second.engine.status(id)).toMatchObject({ status: 'PENDING' })
  await reviewRequest(second.parts, id, approve, await signerOf('bo'))
  expect(await second.engine.status(id)).toMatchObject({ status: 'APPROVED' })
})

test('who was taken off the route may neither review nor see the clear action', async () => {
  const first = await openTest()
  const id = await held(first)
  const bundle = await bundleOf(routes('payments, reviewers: [bo]'))
  const { parts } = await openTest({ folder: first.folder, bundle })
  const ana = await signerOf('ana')
  const code = { code: 'REVIEWER_NOT_ON_ROUTE' }
  await expect(reviewRequest(parts, id, { verdict: 'approve' }, ana)).rejects.toMatchObject(code)
  await expect(shownTo(parts, id, ana)).rejects.toMatchObject(code)
})

test('findings that no receipt can hold deny, with a receipt', async () => {
  const about = 'x'.repeat(900)
  const rules = Array.from(
    { length: 120 },
    (_, n) =>
      `  - { id: big/r${n}, about: '${about}', on: { action: read_order }, then: hold, route: default }\n`,
  )
  const file = `apiVersion: countersign/v1\nkind: Guardrails\nrules:\n${rules.join('')}`
  const bundle = await bundleOf({ 'policies/guardrails/big.yaml': file })
  const { engine, folder } = await openTest({ bundle })
  const outcome = await engine.decide(read)
  expect(outcome).toMatchObject({ verdict: 'deny', findings: [{ code: 'RECEIPT_TOO_LARGE' }] })
  expect(outcome.request).toBeUndefined()
  expect(verifyLogFolder(join(folder, 'log'))).toMatchObject({ size: 2, problems: [] })
})

test('approvals that no receipt can hold reject, and the request has ended', async () => {
  const bundle = await bundleOf(routes('payments, quorum: 2, reviewers: [ana, bo]'))
  const opened = await openTest({ bundle })
  const id = await held(opened)
  // Each of them is written as seven characters in the receipt.
  const comment = '\u0001'.repeat(4_096)
  await reviewRequest(opened.parts, id, { verdict: 'approve', comment }, await signerOf('ana'))
  await reviewRequest(opened.parts, id, { verdict: 'approve', comment }, await signerOf('bo'))
  const answer = await opened.engine.status(id)
  expect(answer).toMatchObject({ status: 'REJECTED', reason: expect.stringContaining('receipt') })
  expect(answer.payload).toBeUndefined()
  expect(verifyLogFolder(join(opened.folder, 'log')).problems).toEqual([])
})

test('a value of 4 MB that a route shows is masked on the forge, and can be approved', async () => {
  const shown = String(policyFiles().get('policies/routes/routes.yaml')).replace(
    'show: [payload.amount]',
    'show: [payload.amount, payload.text]',
  )
  const opened = await openTest({
    bundle: await bundleOf({ 'policies/routes/routes.yaml': shown }),
  })
  const large = { amount: 1, text: 'x'.repeat(4 * 1024 * 1024 - 1_000) }
  const id = await held(opened, large)
  expect(await fieldsOf(opened, id)).toEqual([
    { pointer: '/payload/amount', shown: 'clear', value: 1 },
    { pointer: '/payload/text', shown: 'masked', type: 'string' },
    { pointer: '/context', shown: 'masked', type: 'object' },
  ])
  await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
  expect((await opened.engine.status(id)).payload).toEqual(large)
})

test.for([
  { name: 'themselves', stands: '', who: 'ana' },
  {
    name: 'who stands in for them',
    stands: ', delegates: [{ to: bo, until: 2999-01-01T00:00:00Z }]',
    who: 'bo',
  },
] as const)(
  'on whose behalf an action is cannot approve it by $name, though the forge is not told',
  async ({ stands, who }) => {
    const roster = String(policyFiles().get('policies/roster.yaml'))
    const bundle = await bundleOf({
      'policies/roster.yaml': roster.replace(/(id: ana, .*\]) \}/, `$1${stands} }`),
      'policies/guardrails/mail.yaml':
        'apiVersion: countersign/v1\nkind: Guardrails\nrules:\n  - { id: mail/any, on: { action: mail }, scope: { tools: [shop.refund] }, then: hold, route: mail }\n',
      'policies/routes/mail.yaml':
        'apiVersion: countersign/v1\nkind: Routes\nroutes:\n  - { id: mail, reviewers: [ana], time_out: 1h }\n',
    })
    const opened = await openTest({ bundle })
    const mail = { ...read, action: 'mail', principal: 'Ana', payload: { text: 'hello' } }
    const { verdict, request } = await opened.engine.decide(mail)
    expect(verdict).toBe('hold')
    const id = String(request?.id)
    expect((await opened.parts.store.request(id))?.request).not.toHaveProperty('principal')
    const review = reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf(who))
    const ended = await review.then(
      ({ resolution }) => resolution?.decision,
      (error: PolicyError) => error.code,
    )
    expect(ended).toBe('REVIEWER_NOT_ON_ROUTE')
  },
)

test('who broke the glass does not look at it afterwards; who approved beside them may', async () => {
  const routes = String(policyFiles().get('policies/routes/routes.yaml')).replace(
    'id: payments, reviewers: [ana, bo],',
    'id: payments, reviewers: [ana, bo], quorum: 2, break_glass: { reviewers: [bo], review_within: 24h },',
  )
  const opened = await openTest({
    bundle: await bundleOf({ 'policies/routes/routes.yaml': routes }),
  })
  const id = await held(opened)
  await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
  const glass = { verdict: 'approve', breakGlass: true, comment: 'on fire' } as const
  const ended = await reviewRequest(opened.parts, id, glass, await signerOf('bo'))
  expect(ended.resolution?.decision).toBe('APPROVED')
  const [asked] = await opened.parts.store.ratifications('clerk')
  expect(asked?.request.routes.map(({ reviewers }) => reviewers)).toEqual([['ana']])
})

test('what a route shows cannot be pushed out by other fields, and what is left out is counted', async () => {
  const opened = await openTest()
  const filler = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`a${n}`, n]))
  const fields = await fieldsOf(opened, await held(opened, { ...filler, amount: 7 }))
  expect(fields).toContainEqual({ pointer: '/payload/amount', shown: 'clear', value: 7 })
  expect(fields.at(-1)).toEqual({
    pointer: '',
    shown: 'clear',
    value: '4002 more fields are left out; `requests show` has them',
  })
})

test('names that may be values are hidden on the forge', async () => {
  const opened = await openTest()
  const private_ = { 'jane@example.com': { '4111111111111111': [1] }, ['x'.repeat(70)]: 1 }
  const fields = await fieldsOf(opened, await held(opened, { amount: 1, ...private_ }))
  expect(fields.map(({ pointer }) => pointer)).toEqual([
    '/payload/amount',
    '/payload/*/*/0',
    '/payload/*',
    '/context',
  ])
})

test('a field that is redacted before it runs is not shown in clear', async () => {
  const rules = String(policyFiles().get('policies/guardrails/refunds.yaml')).replace(
    'on: { action: mail }\n    pattern: { path: payload.text, ',
    'on: { action: refund }\n    pattern: { path: payload.amount, ',
  )
  const changes = rules.replace('redact: [payload.text]', 'redact: [payload.amount]')
  const bundle = await bundleOf({ 'policies/guardrails/refunds.yaml': changes })
  const opened = await openTest({ bundle })
  const id = await held(opened, { amount: '4111111111111111' })
  expect(await fieldsOf(opened, id)).toContainEqual({
    pointer: '/payload/amount',
    shown: 'clear',
    value: '[redacted]',
  })
})

test.for([
  { name: 'a long name above many fields', what: { ['k'.repeat(100_000)]: Array(5_000).fill(1) } },
  { name: 'more fields than anybody commits to', what: { list: Array(250_000).fill(1) } },
])('$name -> ACTION_TOO_LARGE, at once', async ({ what }) => {
  const { engine, parts } = await openTest()
  const action = { ...read, payload: what }
  await expect(engine.decide(action)).rejects.toMatchObject({ code: 'ACTION_TOO_LARGE' })
  await expect(engine.decide(JSON.stringify(action))).rejects.toMatchObject({
    code: 'ACTION_TOO_LARGE',
  })
  expect(await parts.store.size()).toBe(1)
})

test('one request that is damaged on the forge does not keep the engine from opening', async () => {
  const first = await openTest()
  const open = async (): Promise<never> => {
    throw new PolicyError('REQUEST_TAMPERED', 'damaged')
  }
  const forge = { ...first.parts.forge, open }
  const second = await openTest({ folder: first.folder, forge })
  const { verdict, request } = await second.engine.decide({ ...refund, payload })
  expect({ verdict, note: request?.note }).toEqual({
    verdict: 'hold',
    note: 'damaged (REQUEST_TAMPERED)',
  })
  const third = await openTest({ folder: first.folder, forge })
  expect((await third.engine.decide(read)).verdict).toBe('allow')
})

test('a head that moved after the reviews is not merged', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const away = { ...opened.parts, forge: without(opened.parts.forge, 'settle') }
  const signer = await signerOf('ana')
  await expect(reviewRequest(away, id, { verdict: 'approve' }, signer)).rejects.toThrow()
  const git = gitOf(opened)
  const tree = git('rev-parse', 'refs/pull/1/head^{tree}')
  const other = git('commit-tree', tree, '-p', 'main', '-m', 'another')
  git('update-ref', 'refs/pull/1/head', other)
  // What was signed for stands in the log, and the forge's copy is left as it is.
  expect(await opened.engine.status(id)).toMatchObject({
    status: 'APPROVED',
    note: expect.stringContaining('FORGE_CONFLICT'),
  })
  expect((await opened.parts.store.request(id))?.published).toBe(false)
  expect(git('rev-list', 'main')).not.toContain(other)
})

test('an outcome that somebody else committed is replaced by the receipt', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const clone = join(temporaryFolder(), 'clone')
  const git = gitOf(opened)
  git('clone', '--quiet', join(opened.folder, 'forge.git'), clone)
  mkdirSync(join(clone, 'requests', id), { recursive: true })
  writeFileSync(join(clone, 'requests', id, 'decision.json'), '{"decision":"APPROVED"}')
  const inClone = ['--git-dir', join(clone, '.git'), '--work-tree', clone]
  git(...inClone, 'add', '.')
  git(...inClone, 'commit', '--quiet', '-m', 'forged')
  git(...inClone, 'push', '--quiet', 'origin', 'HEAD:main')
  await reviewRequest(opened.parts, id, { verdict: 'reject' }, await signerOf('ana'))
  expect(git('show', `main:requests/${id}/decision.json`)).toContain('"decision":"REJECTED"')
})

test("the forge's own configuration runs no program", async () => {
  const opened = await openTest()
  const id = await held(opened)
  const git = gitOf(opened)
  const mark = join(opened.folder, 'ran')
  for (const [name, value] of [
    ['core.repositoryFormatVersion', '1'],
    ['extensions.partialClone', 'origin'],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.url', `ext::touch ${mark}`],
    ['protocol.ext.allow', 'always'],
  ]) {
    git('config', String(name), String(value))
  }
  // An object that is missing is what makes git ask a remote.
  const objects = join(opened.folder, 'forge.git', 'objects')
  const blob = git('rev-parse', `refs/pull/1/head:requests/${id}/request.json`)
  rmSync(join(objects, blob.slice(0, 2), blob.slice(2)), { force: true })
  for (const pack of readdirSync(join(objects, 'pack'))) rmSync(join(objects, 'pack', pack))
  expect(await opened.engine.status(id)).toMatchObject({
    status: 'PENDING',
    note: expect.stringMatching(/./),
  })
  expect(existsSync(mark)).toBe(false)
})

test('a ref that replaces an object of the request changes nothing', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const git = gitOf(opened)
  const blob = git('rev-parse', `refs/pull/1/head:requests/${id}/request.json`)
  const other = git('rev-parse', 'main:README.md')
  git('replace', '-f', blob, other)
  await reviewRequest(opened.parts, id, { verdict: 'approve' }, await signerOf('ana'))
  expect(await opened.engine.status(id)).toMatchObject({ status: 'APPROVED' })
})

test('an approval whose time runs out while it waits for the store expires', async () => {
  let now = Date.parse('2026-03-01T10:00:00Z')
  const first = await openTest({ clock: () => now })
  const forge: Forge = {
    ...first.parts.forge,
    reviews: async (number) => {
      const found = await first.parts.forge.reviews(number)
      now += 2 * 60 * 60_000
      return found
    },
  }
  const id = await held(first)
  const slow = { ...first.parts, forge }
  await reviewRequest(slow, id, { verdict: 'approve' }, await signerOf('ana'))
  const answer = await first.engine.status(id)
  expect(answer).toMatchObject({ status: 'EXPIRED' })
  expect(answer.payload).toBeUndefined()
  expect(verifyLogFolder(join(first.folder, 'log')).problems).toEqual([])
})

test('a reviewer whom a new policy takes off the route while the reviews are counted does not count', async () => {
  const opened = await openTest()
  const { parts } = opened
  const id = await held(opened)
  const away = { ...parts, forge: without(parts.forge, 'reviews') }
  const ana = await signerOf('ana')
  await expect(reviewRequest(away, id, { verdict: 'approve' }, ana)).rejects.toThrow()
  const next = await bundleOf(routes('payments, reviewers: [bo]'))
  const { onBase } = parts.forge
  let isArmed = false
  Object.assign(parts.forge, {
    onBase: async (sha: string) => {
      if (!isArmed) await parts.arm(openJudge(next, parts.evidenceKey))
      isArmed = true
      return onBase(sha)
    },
  })
  expect(await opened.engine.status(id)).toMatchObject({ status: 'PENDING' })
  expect(isArmed).toBe(true)
  await reviewRequest(parts, id, { verdict: 'approve' }, await signerOf('bo'))
  expect(await opened.engine.status(id)).toMatchObject({ status: 'APPROVED' })
})

test('a call that is asked for anew does not count twice, though a second call does', async () => {
  let now = Date.parse('2026-03-01T10:00:00Z')
  const guardrails = 'policies/guardrails/refunds.yaml'
  const rules = String(policyFiles().get(guardrails)).replace('limit: 100', 'limit: 1')
  const first = await openTest({
    bundle: await bundleOf({ [guardrails]: rules }),
    clock: () => now,
  })
  const id = await held(first)
  now += 60_000
  const bundle = await bundleOf({ [guardrails]: rules.replace('above: 1000', 'above: 1') })
  const { engine, parts } = await openTest({ folder: first.folder, bundle, clock: () => now })
  const approve = { verdict: 'approve' } as const
  await reviewRequest(parts, id, approve, await signerOf('ana'))
  const next = String((await parts.store.request(id))?.resolution?.next)
  expect(next).toMatch(/^req_/)
  now += 60_000
  await reviewRequest(parts, next, approve, await signerOf('ana'))
  await reviewRequest(parts, next, approve, await signerOf('bo'))
  expect(await engine.status(next)).toMatchObject({ status: 'APPROVED' })
  expect((await engine.decide({ ...refund, payload })).verdict).toBe('deny')
})

test('an agent with a thousand waiting requests is denied the next, and gets it after an answer', async () => {
  const opened = await openTest()
  const id = await held(opened)
  const found = await opened.parts.store.request(id)
  await opened.parts.store.transact(async (tx) => {
    for (let n = 0; n < 999; n++) {
      const twin = { id: `req_twin${n}`, decision: `dec_twin${n}`, nonce: `${n}` }
      if (found !== null) await tx.putRequest({ ...found.request, ...twin }, 1)
    }
  })
  const denied = await opened.engine.decide({ ...refund, payload })
  expect(denied).toMatchObject({ verdict: 'deny', findings: [{ code: 'REQUESTS_TOO_MANY' }] })
  await reviewRequest(opened.parts, id, { verdict: 'reject' }, await signerOf('ana'))
  expect((await opened.engine.decide({ ...refund, payload })).verdict).toBe('hold')
})
