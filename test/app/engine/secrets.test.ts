import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Review, reviewRequest } from '../../../src/app/approvals/review.ts'
import { openDecision } from '../../../src/app/engine/record.ts'
import { fromUtf8 } from '../../../src/base/digest.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Action, Receipt } from '../../../src/model/generated/types.ts'
import type { SecretProviders } from '../../../src/model/ports.ts'
import { bundleOf, type Opened, openTest, signerOf } from '../support.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '
const KEY = 'secret://env/STRIPE_KEY'
const MAIL = 'secret://vault/mail/smtp#password'

const CREDENTIALS =
  'credentials:\n  - { secret: secret://env/STRIPE_KEY, tools: [shop.refund, shop.mail] }\n  - { secret: "secret://vault/mail/*", tools: [shop.mail] }\n'
const AGENT = `${HEAD}Agent\nagent: clerk\nscopes: [{ tools: ['shop.read_*', 'shop.refund', 'shop.delete', 'shop.mail'] }]\n`

const FILES = {
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\nsecrets:\n  env: { names: [STRIPE_*] }\n  vault: { address: "https://vault.example", token: { env: VAULT_TOKEN } }\n`,
  'policies/agents/clerk.yaml': AGENT + CREDENTIALS,
  'policies/tools/shop.yaml': `${HEAD}Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write, secret_texts: [payload.header] }\n`,
  'policies/guardrails/results.yaml': `${HEAD}Guardrails\nrules:\n  - id: results/too-large\n    on: { phase: result }\n    output: { in: result, bytes_max: 100000 }\n    then: deny\n`,
}

let values: Record<string, string>
let reads: string[]
let away: boolean

beforeEach(() => {
  // Another one each time, so that what a test looks for can come from nowhere else.
  const random = () => `v-${randomBytes(12).toString('hex')}`
  values = { STRIPE_KEY: random(), 'mail/smtp#password': random() }
  reads = []
  away = false
})

const provider = {
  read: async (name: string) => {
    reads.push(name)
    if (away) throw new PolicyError('SECRET_UNAVAILABLE', 'away', { retryable: true })
    return values[name] ?? Promise.reject(new PolicyError('SECRET_MISSING', 'no such secret'))
  },
}
const providers: SecretProviders = { env: provider, file: null, vault: provider }

async function open(
  changes: Record<string, string> = {},
  more: Parameters<typeof openTest>[0] = {},
): Promise<Opened> {
  const bundle = await bundleOf({ ...FILES, ...changes })
  return openTest({ bundle, secrets: providers, ...more })
}

function call(action: string, payload: JsonObject): Action {
  return { agent: 'clerk', service: 'shop', action, payload } as Action
}

/** Everything that the engine keeps, opened as far as it opens: files, Git objects, sealed inputs. */
async function everythingKept({ folder, parts }: Opened): Promise<string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
  const sealed: string[] = []
  for (const bytes of await parts.store.receipts(1, 1000)) {
    const receipt = JSON.parse(fromUtf8(bytes)) as Receipt
    const { id } = receipt.predicate as { id?: string }
    sealed.push(JSON.stringify(receipt))
    if (id?.startsWith('dec_'))
      sealed.push(JSON.stringify((await openDecision(parts.store, id)).inputs))
  }
  for (const { request, resolution } of await parts.store.requests({ state: 'all' })) {
    sealed.push(JSON.stringify(request))
    if (resolution !== null) {
      sealed.push(JSON.stringify((await openDecision(parts.store, resolution.record)).inputs))
    }
  }
  return [...files, gitObjects(join(folder, 'forge.git')), ...sealed].join('\n')
}

/** Git compresses its objects; there are none before the first request. */
function gitObjects(repository: string): string {
  if (!existsSync(repository)) return ''
  const batch = ['cat-file', '--batch-all-objects', '--batch', '--unordered']
  const options = { maxBuffer: 1 << 28 }
  return execFileSync('git', ['-C', repository, ...batch], options).toString('latin1')
}

async function expectNothingKept(opened: Opened): Promise<void> {
  const kept = await everythingKept(opened)
  // What is looked for must be there to be found: the reference is.
  expect(kept).toContain('secret://')
  for (const value of Object.values(values)) expect(kept).not.toContain(value)
}

describe('an allowed call', () => {
  test('decide hands on the value, and keeps the reference', async () => {
    const opened = await open()
    const outcome = await opened.engine.decide(call('mail', { to: 'a', key: KEY }))
    expect(outcome.payload).toEqual({ to: 'a', key: values['STRIPE_KEY'] })
    await expectNothingKept(opened)
  })

  test('ask hands on the value, and tells of no change', async () => {
    const opened = await open()
    const answer = await opened.engine.ask(call('mail', { key: KEY, list: [MAIL, 'x'] }))
    expect(answer).toMatchObject({
      status: 'ALLOWED',
      payload: { key: values['STRIPE_KEY'], list: [values['mail/smtp#password'], 'x'] },
      changes: [],
    })
    expect((await opened.engine.defer(call('mail', { key: KEY }))).payload).toEqual({
      key: values['STRIPE_KEY'],
    })
    await expectNothingKept(opened)
  })

  test('within a longer text that the tool opens, each reference by its own value', async () => {
    const opened = await open()
    const header = `Bearer ${KEY}, ${MAIL}; ${KEY}.`
    const { payload } = await opened.engine.ask(call('mail', { header }))
    const [stripe, mail] = Object.values(values)
    expect(payload).toEqual({ header: `Bearer ${stripe}, ${mail}; ${stripe}.` })
    expect(reads).toEqual(['STRIPE_KEY', 'mail/smtp#password'])
  })

  test('a value with a dollar sign or a reference in it stands as it is', async () => {
    values['STRIPE_KEY'] = `$&$1${MAIL}`
    const opened = await open()
    const { payload } = await opened.engine.ask(call('mail', { key: KEY }))
    expect(payload).toEqual({ key: `$&$1${MAIL}` })
    expect(reads).toEqual(['STRIPE_KEY'])
  })

  test('guard runs the tool with the value; what it gives back is judged without it', async () => {
    const opened = await open()
    const ran: JsonObject[] = []
    const mail = opened.engine.guard(
      (payload: JsonObject) => {
        ran.push(payload)
        return { sent: true, echo: `used ${String(payload['key'])}`, [String(payload['key'])]: 1 }
      },
      { agent: 'clerk', service: 'shop', action: 'mail' },
    )
    const result = await mail({ key: KEY, to: 'a' })
    expect(ran).toEqual([{ key: values['STRIPE_KEY'], to: 'a' }])
    expect(result).toEqual({ sent: true, echo: `used ${KEY}`, [KEY]: 1 })
    await expectNothingKept(opened)
  })

  test('a result that is judged by itself is kept without the value, its call too', async () => {
    const opened = await open()
    const { payload, decision } = await opened.engine.ask(call('mail', { key: KEY }))
    const ran = { ...call('mail', {}), payload: payload as JsonObject }
    const given = { log: `POST with ${values['STRIPE_KEY']}` }
    const told = await opened.engine.result(ran, given, { call: decision })
    expect(told).toMatchObject({ status: 'ALLOWED', result: { log: `POST with ${KEY}` } })
    await expectNothingKept(opened)
  })

  test('a copy of the payload that was handed on is known again by its values', async () => {
    const opened = await open()
    const { payload } = await opened.engine.ask(call('mail', { key: KEY }))
    const copy = structuredClone(payload) as JsonObject
    await opened.engine.result({ ...call('mail', {}), payload: copy }, 'done')
    await expectNothingKept(opened)
  })

  test.for([
    {
      name: 'holds itself',
      result: () => {
        const self: Record<string, unknown> = {}
        self['self'] = self
        return self
      },
    },
    { name: 'is a class instance', result: () => new Date(0) },
  ])('a report whose result $name -> VALUE_NOT_JSON', async ({ result }) => {
    const opened = await open({
      'countersign.yaml': `${FILES['countersign.yaml']}grants: {}\n`,
    })
    const { grant = '' } = await opened.engine.ask(call('mail', { key: KEY }))
    await opened.engine.redeem(grant)
    const told = { result: result() as JsonObject }
    await expect(opened.engine.report(grant, told)).rejects.toMatchObject({
      code: 'VALUE_NOT_JSON',
    })
  })

  test('a payload that the tool changed and gives back is reported as it is now', async () => {
    const opened = await open({
      'countersign.yaml': `${FILES['countersign.yaml']}grants: {}\n`,
    })
    const { engine, parts } = opened
    const { payload, grant = '' } = await engine.ask(call('mail', { key: KEY, text: 'a' }))
    const result = Object.assign(payload ?? {}, { text: 'b' })
    const { execution } = await engine.redeem(grant, { result })
    const { inputs } = await openDecision(parts.store, execution)
    expect(inputs).toMatchObject({ told: { result: { key: KEY, text: 'b' } } })
  })

  test('who puts a value that the engine gave into another call asks for the secret', async () => {
    const opened = await open()
    await opened.engine.ask(call('mail', { key: KEY }))
    const read = await opened.engine.decide(call('read_order', { q: values['STRIPE_KEY'] ?? '' }))
    expect(read).toMatchObject({ verdict: 'deny', findings: [{ code: 'SECRET_OUT_OF_SCOPE' }] })
    const text = `tell them ${values['STRIPE_KEY']}`
    const mail = await opened.engine.decide(call('mail', { text }))
    expect(mail).toMatchObject({
      verdict: 'deny',
      findings: [{ code: 'SECRET_REFERENCE_INVALID' }],
    })
    await expectNothingKept(opened)
  })

  test('keep leaves the references for a caller that follows them', async () => {
    const opened = await open({}, { secrets: 'keep' })
    expect((await opened.engine.ask(call('mail', { key: KEY }))).payload).toEqual({ key: KEY })
    expect(reads).toEqual([])
  })
})

describe('a call that must not run', () => {
  test.for([
    { name: 'denied by the policy', action: 'delete', payload: { key: KEY } },
    { name: 'with a tool that the secret is not for', action: 'read_order', payload: { key: KEY } },
    { name: 'with another secret', action: 'mail', payload: { key: 'secret://env/STRIPE_OTHER' } },
    { name: 'with a malformed reference', action: 'mail', payload: { key: 'secret://env/' } },
  ])('$name -> nothing is read', async ({ action, payload }) => {
    const opened = await open()
    const outcome = await opened.engine.decide(call(action, payload))
    expect(outcome.verdict).toBe('deny')
    expect(outcome.payload).toBeUndefined()
    expect(reads).toEqual([])
  })

  test('a provider that is away -> SECRET_UNAVAILABLE; later the same key runs it', async () => {
    const opened = await open()
    const mail = call('mail', { key: KEY })
    away = true
    for (const ask of ['decide', 'ask', 'defer'] as const) {
      await expect(opened.engine[ask](mail, { idempotencyKey: 'one' })).rejects.toMatchObject({
        code: 'SECRET_UNAVAILABLE',
        retryable: true,
      })
    }
    away = false
    const { payload } = await opened.engine.ask(mail, { idempotencyKey: 'one' })
    expect(payload).toEqual({ key: values['STRIPE_KEY'] })
  })

  test('a guarded tool does not run when its secret cannot be had', async () => {
    const opened = await open()
    let ran = 0
    const mail = opened.engine.guard(() => ++ran, {
      agent: 'clerk',
      service: 'shop',
      action: 'mail',
    })
    away = true
    await expect(mail({ key: KEY })).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' })
    away = false
    delete values['STRIPE_KEY']
    await expect(mail({ key: KEY })).rejects.toMatchObject({ code: 'SECRET_MISSING' })
    expect(ran).toBe(0)
  })
})

describe('a held call', () => {
  async function review(opened: Opened, id: string, what: Review): Promise<void> {
    await reviewRequest(opened.parts, id, what, await signerOf('ana'))
  }
  const refund = call('refund', { amount: 50, to: 'u-1', key: KEY })

  test('nothing is read before people approve; then the value is handed on, as often as asked', async () => {
    const opened = await open()
    const pending = await opened.engine.defer(refund)
    expect(pending.status).toBe('PENDING')
    expect(reads).toEqual([])
    const id = String(pending.request)
    await review(opened, id, { verdict: 'approve' })
    const want = {
      status: 'APPROVED',
      payload: { amount: 50, to: 'u-1', key: values['STRIPE_KEY'] },
    }
    expect(await opened.engine.wait(id)).toMatchObject({ ...want, changes: [] })
    expect(await opened.engine.status(id)).toMatchObject(want)
    await expectNothingKept(opened)
  })

  test('what people see, and the patch that they sign, has the reference', async () => {
    const opened = await open()
    const pending = await opened.engine.defer(refund)
    const id = String(pending.request)
    await review(opened, id, { verdict: 'patch', payload: { amount: 20, to: 'u-1', key: KEY } })
    expect(await opened.engine.wait(id)).toMatchObject({
      status: 'APPROVED_WITH_MODIFICATIONS',
      payload: { amount: 20, to: 'u-1', key: values['STRIPE_KEY'] },
      changes: [{ pointer: '/amount' }],
    })
    await expectNothingKept(opened)
  })

  test('a patch that names a secret which the agent may not use is void', async () => {
    const opened = await open()
    const pending = await opened.engine.defer(refund)
    const id = String(pending.request)
    const key = 'secret://env/STRIPE_OTHER'
    await review(opened, id, { verdict: 'patch', payload: { amount: 20, to: 'u-1', key } })
    expect(await opened.engine.wait(id)).toMatchObject({ status: 'REJECTED' })
    expect(reads).toEqual([])
  })

  test('a credential that was taken away since -> SECRET_OUT_OF_SCOPE', async () => {
    const first = await open()
    const pending = await first.engine.defer(refund)
    const id = String(pending.request)
    await review(first, id, { verdict: 'approve' })
    expect((await first.engine.wait(id)).status).toBe('APPROVED')
    const second = await open({ 'policies/agents/clerk.yaml': AGENT }, { folder: first.folder })
    reads = []
    await expect(second.engine.status(id)).rejects.toMatchObject({ code: 'SECRET_OUT_OF_SCOPE' })
    expect(reads).toEqual([])
  })
})

test('the environment is the provider of a policy that sets it up', async () => {
  const name = `STRIPE_${randomBytes(6).toString('hex').toUpperCase()}`
  const file = `${AGENT}credentials: [{ secret: secret://env/STRIPE_*, tools: [shop.mail] }]\n`
  const bundle = await bundleOf({ ...FILES, 'policies/agents/clerk.yaml': file })
  const opened = await openTest({ bundle })
  const mail = call('mail', { key: `secret://env/${name}` })
  await expect(opened.engine.ask(mail)).rejects.toMatchObject({ code: 'SECRET_MISSING' })
  process.env[name] = `v-${randomBytes(12).toString('hex')}`
  try {
    expect((await opened.engine.ask(mail)).payload).toEqual({ key: process.env[name] })
    expect(await everythingKept(opened)).not.toContain(process.env[name])
  } finally {
    delete process.env[name]
  }
})
