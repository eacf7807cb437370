import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { type Review, reviewRequest } from '../../../src/app/approvals/review.ts'
import { changeAndMint, keepTokens, tokenOf } from '../../../src/app/engine/tokens.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import type { JsonObject } from '../../../src/base/json-value.ts'
import type { Action } from '../../../src/model/generated/types.ts'
import type { JudgedAction } from '../../../src/model/nouns.ts'
import { bundleOf, type Opened, openTest, signerOf } from '../support.ts'

const ANA = 'ana.souza@example.com'
const HEAD = 'apiVersion: countersign/v1\nkind: '
const TOOLS = `${HEAD}Tools
service: shop
tools:
  read_order: { effect: read }
  mail: { effect: write, detokenise: [payload.to, 'payload.cc[]'] }
  refund: { effect: irreversible, priority: high, detokenise: [payload.to] }
`
const RULES = `${HEAD}Guardrails
rules:
  - id: personal/results
    on: { phase: result }
    pii: { detect: [email] }
    then: tokenise
  - id: personal/calls
    on: { action: [refund, read_order] }
    pii: { detect: [email] }
    then: tokenise
  - id: refunds/any
    on: { action: refund }
    then: hold
    route: payments
`
const FILES = { 'policies/tools/shop.yaml': TOOLS, 'policies/guardrails/refunds.yaml': RULES }

async function openShop(): Promise<Opened> {
  return openTest({ bundle: await bundleOf(FILES) })
}

const call = (action: string, payload: JsonObject): Action => ({
  agent: 'clerk',
  service: 'shop',
  action,
  payload,
})

/** Has a result tokenised, as an agent would meet it. @returns the token */
async function learnt({ engine }: Opened, text = ANA): Promise<string> {
  const read = { ...call('read_order', { id: 1 }), phase: 'result', result: { contact: text } }
  const outcome = await engine.decide(read as Action)
  return String((outcome.result as JsonObject)['contact'])
}

/** Deletes every subject's key, as shredding does. */
function shred({ folder }: Opened): void {
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  database.exec('DELETE FROM subject_keys')
  database.close()
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

async function review(opened: Opened, id: string, what: Review) {
  return reviewRequest(opened.parts, id, what, await signerOf('ana'))
}

describe('an allowed call', () => {
  test('gets the clear value where its tool says so, and the token elsewhere', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    expect(token).toBe(tokenOf(opened.parts, ANA, 'email'))
    const payload = { to: `Ana <${token}>`, cc: [token, 'x'], text: `for ${token}` }
    const answer = await opened.engine.ask(call('mail', payload))
    expect(answer.payload).toEqual({ to: `Ana <${ANA}>`, cc: [ANA, 'x'], text: `for ${token}` })
  })

  test('of another tool gets the token', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    const answer = await opened.engine.ask(call('read_order', { to: token }))
    expect(answer.payload).toEqual({ to: token })
  })

  test('gets back what it sends itself, tokenised on the way', async () => {
    const opened = await openShop()
    const outcome = await opened.engine.decide(call('read_order', { to: ANA }))
    const token = tokenOf(opened.parts, ANA, 'email')
    expect(outcome.payload).toEqual({ to: token })
    const answer = await opened.engine.ask(call('mail', { to: token }))
    expect(answer.payload).toEqual({ to: ANA })
  })

  test('asked for again by its key gets the same', async () => {
    const opened = await openShop()
    const action = call('mail', { to: await learnt(opened) })
    const first = await opened.engine.decide(action, { idempotencyKey: 'one' })
    const second = await opened.engine.decide(action, { idempotencyKey: 'one' })
    expect(second).toEqual(first)
    expect(second.payload).toEqual({ to: ANA })
    shred(opened)
    await expect(opened.engine.decide(action, { idempotencyKey: 'one' })).rejects.toThrow()
  })

  test('the clear value is in no file: receipts, requests, state', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    await opened.engine.ask(call('mail', { to: token }))
    await opened.engine.defer(call('refund', { to: ANA, amount: 5 }))
    const files = filesBelow(opened.folder)
    expect(files.length).toBeGreaterThan(10)
    for (const file of files) expect(readFileSync(file).includes(ANA), file).toBe(false)
    expect(verifyLogFolder(join(opened.folder, 'log')).problems).toEqual([])
  })
})

describe('a call does not run', () => {
  test.for([
    { name: 'a token that nobody made', token: `tok_email_${'0'.repeat(32)}` },
    { name: 'a token of another kind', token: `tok_ip_${'a'.repeat(32)}` },
  ])('with $name', async ({ token }) => {
    const { engine } = await openShop()
    const outcome = await engine.decide(call('mail', { to: token }))
    expect(outcome.verdict).toBe('deny')
    expect(outcome.findings.map(({ code }) => code)).toContain('TOKEN_UNKNOWN')
    expect(outcome.payload).toBeUndefined()
  })

  test('with a token whose subject was shredded', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    shred(opened)
    const outcome = await opened.engine.decide(call('mail', { to: token }))
    expect(outcome.findings.map(({ code }) => code)).toContain('TOKEN_UNREADABLE')
    expect(outcome.payload).toBeUndefined()
    // A new value of the same person is kept under a new key.
    await learnt(opened)
    expect((await opened.engine.ask(call('mail', { to: token }))).payload).toEqual({ to: ANA })
  })

  test('with a token of another project', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    expect(await opened.parts.store.tokens('shop', token)).toHaveLength(1)
    expect(await opened.parts.store.tokens('other', token)).toEqual([])
  })

  test('with a kept value that was moved to another token', async () => {
    const opened = await openShop()
    const [one, other] = [await learnt(opened), await learnt(opened, 'bo@example.com')]
    const database = new DatabaseSync(join(opened.folder, 'store.sqlite'))
    database
      .prepare(
        'UPDATE tokens SET ciphertext = (SELECT ciphertext FROM tokens WHERE token = ?) WHERE token = ?',
      )
      .run(other, one)
    database.close()
    const outcome = await opened.engine.decide(call('mail', { to: one }))
    expect(outcome.findings.map(({ code }) => code)).toContain('TOKEN_UNREADABLE')
  })
})

describe('a held call', () => {
  test('shows the token to people, and gets the clear value once it is approved', async () => {
    const opened = await openShop()
    const token = await learnt(opened)
    const pending = await opened.engine.defer(call('refund', { to: token, amount: 5 }))
    expect(pending.payload).toBeUndefined()
    await review(opened, String(pending.request), { verdict: 'approve' })
    const answer = await opened.engine.status(String(pending.request))
    expect(answer).toMatchObject({ status: 'APPROVED', payload: { to: ANA, amount: 5 } })
    for (const file of filesBelow(opened.folder)) {
      expect(readFileSync(file).includes(ANA), file).toBe(false)
    }
  })

  test('gets what a reviewer put in, tokenised and opened again', async () => {
    const opened = await openShop()
    const pending = await opened.engine.defer(call('refund', { to: ANA, amount: 5 }))
    const payload = { to: 'bo@example.com', note: 'for bo@example.com', amount: 5 }
    await review(opened, String(pending.request), { verdict: 'patch', payload })
    const answer = await opened.engine.status(String(pending.request))
    const token = tokenOf(opened.parts, 'bo@example.com', 'email')
    expect(answer.payload).toEqual({ to: 'bo@example.com', note: `for ${token}`, amount: 5 })
    // It was kept when the decision was made: another call may use it.
    const mail = await opened.engine.ask(call('mail', { to: token }))
    expect(mail.payload).toEqual({ to: 'bo@example.com' })
  })

  test('is refused when its token is unknown, though people approved', async () => {
    const opened = await openShop()
    const to = `tok_email_${'0'.repeat(32)}`
    const pending = await opened.engine.defer(call('refund', { to, amount: 5 }))
    await review(opened, String(pending.request), { verdict: 'approve' })
    const answer = await opened.engine.status(String(pending.request))
    expect(answer).toMatchObject({ status: 'REJECTED' })
    expect(answer.reason).toMatch(/TOKEN_UNKNOWN/)
    expect(answer.payload).toBeUndefined()
  })
})

test('the names of a rule are looked for in what runs', async () => {
  const rules = `${HEAD}Guardrails
rules:
  - id: personal/names
    on: { action: mail }
    pii: { detect: [person_name], names: [Ana Souza] }
    then: redact
`
  const files = { ...FILES, 'policies/guardrails/refunds.yaml': rules }
  const { engine } = await openTest({ bundle: await bundleOf(files) })
  const outcome = await engine.decide(call('mail', { text: 'ask ana souza' }))
  expect(outcome.payload).toEqual({ text: 'ask [redacted:person_name]' })
})

describe('a guarded tool', () => {
  const PROJECT = `${HEAD}Project
project: shop
defaults: { low: allow, medium: allow, high: hold, critical: deny }
grants: { lifetime: 60s }
`
  const openGranting = async () =>
    openTest({ bundle: await bundleOf({ ...FILES, 'countersign.yaml': PROJECT }) })

  test('runs with the clear value under its grant; its result is judged with the token', async () => {
    const opened = await openGranting()
    const token = await learnt(opened)
    const mail = opened.engine.guard(({ to }: { to: string }) => ({ sent: to }), {
      agent: 'clerk',
      service: 'shop',
      action: 'mail',
    })
    expect(await mail({ to: token })).toEqual({ sent: token })
    for (const file of filesBelow(opened.folder)) {
      expect(readFileSync(file).includes(ANA), file).toBe(false)
    }
  })

  test('redeems the grant of an answer with the payload that it was given, and no other', async () => {
    const opened = await openGranting()
    const answer = await opened.engine.ask(call('mail', { to: await learnt(opened) }))
    expect(answer.payload).toEqual({ to: ANA })
    const other = { payload: { to: 'bo@example.com' } }
    await expect(opened.engine.redeem(String(answer.grant), other)).rejects.toMatchObject({
      code: 'GRANT_UNBOUND',
    })
    const { payload = {} } = answer
    const execution = await opened.engine.redeem(String(answer.grant), { payload })
    expect(execution.decision).toBe(answer.decision)
  })

  test('redeems the grant of an approved call', async () => {
    const opened = await openGranting()
    const pending = await opened.engine.defer(call('refund', { to: ANA, amount: 5 }))
    await review(opened, String(pending.request), { verdict: 'approve' })
    const { payload = {}, grant } = await opened.engine.status(String(pending.request))
    expect(payload).toEqual({ to: ANA, amount: 5 })
    await opened.engine.redeem(String(grant), { payload })
    for (const file of filesBelow(opened.folder)) {
      expect(readFileSync(file).includes(ANA), file).toBe(false)
    }
  })
})

test('what a token stands for names no secret', async () => {
  const opened = await openShop()
  const reference = 'secret://env/HOME'
  const { changed: after, tokens } = changeAndMint(
    opened.parts,
    { payload: {}, result: { x: reference } },
    [{ kind: 'tokenise', paths: ['result.x'], rule: 'a/b' }],
  )
  const action = { project: 'shop', agent: 'clerk', principal: null } as JudgedAction
  await opened.parts.store.transact((tx) => keepTokens(tx, opened.parts, action, tokens))
  const token = (after.result as JsonObject)['x'] as string
  const answer = await opened.engine.ask(call('mail', { to: token }))
  expect(answer.payload).toEqual({ to: reference })
})
