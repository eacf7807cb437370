import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { makePatch, openPatch, sealPatch } from '../../../src/app/engine/patch.ts'
import { openDecision } from '../../../src/app/engine/record.ts'
import { writeErasure } from '../../../src/app/receipts/erasing.ts'
import { openErasingPlace } from '../../../src/app/receipts/erasing-place.ts'
import { findReceipt, verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { fromUtf8, utf8 } from '../../../src/base/digest.ts'
import { seal, unseal } from '../../../src/host/seal.ts'
import type { ErasureReceipt } from '../../../src/model/generated/types.ts'
import { ask, openBatchScene, review } from '../approvals/batch-scene.ts'
import {
  act,
  allBytes,
  ended,
  erase,
  eraseScene,
  holders,
  MARK,
  PRINCIPAL,
  refund,
  rowsOf,
  secretsIn,
} from './erase-scene.ts'
import { rederiveAll } from './rederive-scene.ts'

const mail = act('mail', { to: `${MARK}@example.com`, text: `${MARK} hello` })

describe('a subject is erased', () => {
  test('and neither clear value, nor key, nor ciphertext is in any file; all still verifies', async () => {
    const scene = await eraseScene()
    const { engine, parts, folder, bundle } = scene
    await engine.decide(mail)
    await ended(scene, 'approve')
    await ended(scene, 'patch')
    await ended(scene, 'reject')
    const before = secretsIn(folder)
    expect(before.keys).toHaveLength(1)
    expect(before.inputs.length).toBeGreaterThan(7)
    expect(holders(folder, before.keys)).not.toEqual([])
    const other = await engine.decide(act('mail', { to: 'x' }, 'u-2'))
    const kept = secretsIn(folder).keys.filter((key) => !before.keys.some((one) => one.equals(key)))

    const report = await erase(scene)
    expect(report).toMatchObject({ status: 'erased', scope: 'subject', decisions: 7, tokens: 1 })
    expect(holders(folder, [MARK, ...before.keys, ...before.inputs])).toEqual([])
    // The bytes can be found where they are kept: the search is no blind one.
    expect(holders(folder, kept)).not.toEqual([])
    expect([...allBytes(folder).keys()]).toContain('objects')

    const log = verifyLogFolder(join(folder, 'log'))
    expect(log.problems).toEqual([])
    expect(log.receipts).toMatchObject({ erasure: 1, APPROVED: 1, REJECTED: 1 })
    expect(log.proven.join()).toContain('3')
    expect((await engine.decide(act('read_order', {}, 'u-2'))).verdict).toBe('allow')

    const again = await rederiveAll(parts, { bundles: [bundle] })
    expect(again.cannot).toEqual({ 'inputs-erased': 7 })
    expect(again.differing).toEqual([])
    expect(again.underived[0]).toMatchObject({
      reason: 'inputs-erased',
      erasure: report.receipt?.index,
      message: `erased on purpose, as receipt ${report.receipt?.index} says: asked for it, case 88`,
    })
    expect((await parts.store.decision(other.decision))?.inputs.ciphertext.length).toBeGreaterThan(
      0,
    )
  })

  test('and its next action gets a new key under the same pseudonym', async () => {
    const scene = await eraseScene()
    const { engine, parts, bundle } = scene
    const first = await engine.decide(mail)
    const { subject = '' } = await erase(scene)
    expect(await parts.store.subjectKey(subject)).toBeNull()
    const second = await engine.decide(mail)
    expect((await parts.store.decision(second.decision))?.inputs.subject).toBe(subject)
    expect(await parts.store.subjectKey(subject)).not.toBeNull()
    const again = await rederiveAll(parts, { bundles: [bundle] })
    expect(again.counts).toMatchObject({ rederived: 1, cannot: 1, differs: 0 })
    expect(again.underived[0]).toMatchObject({ id: first.decision, reason: 'inputs-erased' })
    const report = await erase(scene)
    expect(report).toMatchObject({ subject, decisions: 1 })
  })

  test('and the receipt tells whose, why, by whom and how much, and no name', async () => {
    const scene = await eraseScene()
    await scene.engine.decide(mail)
    const { subject, receipt } = await erase(scene, { by: 'data protection officer' })
    const found = await findReceipt(scene.parts.store, String(receipt?.id))
    expect(found.index).toBe(receipt?.index)
    const { predicate } = found.receipt as ErasureReceipt
    expect(predicate).toEqual({
      ...{ id: receipt?.id, scope: 'subject', subject, decisions: 1, tokens: 1, through: 1 },
      ...{ reason: 'asked for it, case 88', by: 'data protection officer' },
      ...{ issuedAt: expect.any(String), issuerId: 'countersign.local/shop' },
    })
    expect(JSON.stringify(found.receipt)).not.toContain(MARK)
    const rows = await rowsOf(scene.parts.store)
    expect(rows.at(-1)).toMatchObject({ stage: 'erasure', decision: 'erased subject', agent: '' })
  })

  test('named by agent: its actions on nobody’s behalf, and no others', async () => {
    const scene = await eraseScene()
    const { engine } = scene
    await engine.decide(mail)
    await engine.decide(act('mail', { to: 'y' }, null))
    expect(await erase(scene, { who: { agent: 'clerk' } })).toMatchObject({
      decisions: 1,
      tokens: 1,
    })
    expect(await erase(scene)).toMatchObject({ decisions: 1, tokens: 1 })
  })

  test('before a time: what is newer stays, and so does the key', async () => {
    const scene = await eraseScene()
    const { engine, parts, bundle, pass } = scene
    await engine.decide(mail)
    pass(10_000)
    await engine.decide(mail)
    const report = await erase(scene, { before: Date.now() + 5_000 })
    expect(report).toMatchObject({ decisions: 1, tokens: 0 })
    expect(await parts.store.subjectKey(report.subject ?? '')).not.toBeNull()
    const again = await rederiveAll(parts, { bundles: [bundle] })
    expect(again.counts).toMatchObject({ rederived: 1, cannot: 1 })
  })

  test('what a route had shown is masked in the store', async () => {
    const scene = await eraseScene(SHOWING)
    const { request } = await ended(scene)
    const fieldsOf = async () => (await scene.parts.store.request(request))?.request.fields
    expect(JSON.stringify(await fieldsOf())).toContain(MARK)
    await erase(scene)
    expect(JSON.stringify(await fieldsOf())).not.toContain(MARK)
    expect(holders(scene.folder, [MARK]).filter((name) => name.startsWith('store'))).toEqual([])
    // Git does not forget: a route that shows a value says so for good.
    expect(holders(scene.folder, [MARK])).toContain('objects')
  })
})

const SHOWING = {
  'policies/routes/routes.yaml': `apiVersion: countersign/v1\nkind: Routes\nroutes:\n  - { id: default, reviewers: [ana, bo], time_out: 1h }\n  - { id: payments, reviewers: [ana, bo], time_out: 1h, show: [payload.to] }\n  - { id: board, reviewers: [bo], time_out: 1h }\n`,
}

test('what a route had shown is masked once the forge hears how it ended, if that is later', async () => {
  const scene = await eraseScene(SHOWING)
  const { store } = scene.parts
  const { request } = await ended(scene)
  tamper(scene.folder, 'UPDATE requests SET published = 0')
  await erase(scene)
  expect(JSON.stringify((await store.request(request))?.request)).toContain(MARK)
  await store.transact((tx) => tx.setPublished(request))
  expect(JSON.stringify((await store.request(request))?.request)).not.toContain(MARK)
  expect(await store.scrub()).toBe(true)
  expect(holders(scene.folder, [MARK]).filter((name) => name.startsWith('store'))).toEqual([])
})

test.for([
  { name: 'that the forge knows to have ended', published: 1 },
  { name: 'of which the forge hears later', published: 0 },
])(
  'of a batch $name, what was shown of one request is masked, and no more',
  async ({ published }) => {
    const scene = await openBatchScene({ payments: ', batch: { max: 2, within: 10s }' })
    const { parts, folder } = scene
    const [gone = '', kept = ''] = await ask(scene, [61, 62])
    const who = { decision: gone }
    await expect(erase(scene, { who })).rejects.toMatchObject({ code: 'ERASE_PENDING' })
    await review(scene, gone)
    tamper(folder, `UPDATE requests SET published = ${published}`)
    await erase(scene, { who })
    const [batch] = await scene.batches()
    if (published === 0) {
      await parts.store.transact((tx) => tx.setPublished(String(batch?.request.id)))
    }
    const shown = async (id: string) => (await parts.store.request(id))?.request.fields
    const [after] = await scene.batches()
    const members = after?.request.members ?? []
    for (const fields of [await shown(gone), members[0]?.fields]) {
      expect(fields).toContainEqual({ pointer: '/payload/amount', shown: 'masked', type: 'number' })
    }
    for (const fields of [await shown(kept), members[1]?.fields]) {
      expect(fields).toContainEqual({ pointer: '/payload/amount', shown: 'clear', value: 62 })
    }
    expect(scene.audit()).toMatchObject({ APPROVED: 2, erasure: 1 })
  },
)

/** Changes a store behind the engine's back. */
function tamper(folder: string, sql: string): void {
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  database.exec(sql)
  database.close()
}

describe('one decision is erased', () => {
  test('by the id of its execution, and neither that nor a request’s lets a reason name the person', async () => {
    const scene = await eraseScene({
      'countersign.yaml': `apiVersion: countersign/v1\nkind: Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\ngrants: {}\n`,
    })
    const answer = await scene.engine.ask(act('read_order', { a: 1 }))
    const { execution } = await scene.engine.redeem(String(answer.grant))
    const { request } = await ended(scene)
    for (const decision of [execution, request]) {
      const named = erase(scene, { who: { decision }, reason: `for ${PRINCIPAL}` })
      await expect(named).rejects.toMatchObject({ code: 'ERASE_REASON' })
      expect(await erase(scene, { who: { decision } })).toMatchObject({ decisions: 2 })
    }
  })

  test.for(['approve', 'patch', 'reject'] as const)(
    'with how it ended (%s), by its id or its request’s; the subject’s others stay',
    async (verdict) => {
      const scene = await eraseScene()
      const { engine, parts, folder, bundle } = scene
      const gone = await ended(scene, verdict)
      const sealed = secretsIn(folder).inputs
      const other = await engine.decide(act('mail', { to: 'kept' }))
      const who = { decision: verdict === 'patch' ? gone.request : gone.decision }
      expect(await erase(scene, { who })).toMatchObject({
        scope: 'decision',
        decisions: 2,
        tokens: 0,
      })
      expect(holders(folder, sealed)).toEqual([])
      const stored = await parts.store.decision(other.decision)
      expect(await parts.store.subjectKey(stored?.inputs.subject ?? '')).not.toBeNull()
      const again = await rederiveAll(parts, { bundles: [bundle] })
      expect(again.counts).toMatchObject({ rederived: 1, cannot: 2, differs: 0 })
      expect(again.cannot).toEqual({ 'inputs-erased': 2 })
      expect(verifyLogFolder(join(folder, 'log')).problems).toEqual([])
    },
  )
})

test('a patch in the forge opens with the held action’s inputs alone, and those of older versions do too', async () => {
  const scene = await eraseScene()
  const { decision } = await scene.engine.decide(mail)
  const { inputs, key } = await openDecision(scene.parts.store, decision)
  const patch = makePatch(inputs, { to: 'other' })
  const about = { key, request: 'req_1' }
  const { root } = patch.committed
  const sealed = sealPatch(patch, inputs, about.request)
  expect(openPatch(inputs, { root, sealed }, about).payload).toEqual({ to: 'other' })
  expect(() => unseal(key, sealed, 'patch/req_1')).toThrow()
  const other = { ...inputs, seed: '0'.repeat(64) }
  expect(() => openPatch(other, { root, sealed }, about)).toThrow()
  const older = seal(key, utf8('{"to":"other"}'), 'patch/req_1')
  expect(openPatch(inputs, { root, sealed: older }, about).payload).toEqual({ to: 'other' })
})

describe('nothing is erased', () => {
  test('while a request waits that needs it: ERASE_PENDING lists it', async () => {
    const scene = await eraseScene()
    const held = await scene.engine.decide(refund())
    const before = secretsIn(scene.folder)
    await expect(erase(scene)).rejects.toMatchObject({
      code: 'ERASE_PENDING',
      message: expect.stringContaining(String(held.request?.id)),
    })
    expect(await erase(scene, { dryRun: true })).toMatchObject({
      status: 'would-erase',
      decisions: 1,
      waiting: [held.request?.id],
    })
    expect(secretsIn(scene.folder)).toEqual(before)
    expect(await scene.parts.store.size()).toBe(2)
  })

  test.for([
    { name: 'the name', reason: `for ${PRINCIPAL}` },
    { name: 'the name in capitals', reason: PRINCIPAL.toUpperCase() },
    { name: 'the name in who erases', by: PRINCIPAL },
    { name: 'no words', reason: '  ' },
    { name: 'too many words', reason: 'x'.repeat(513) },
    { name: 'half a letter', reason: '\ud800' },
  ])('with $name in the reason: ERASE_REASON', async ({ name: _name, ...said }) => {
    const scene = await eraseScene()
    const { decision } = await scene.engine.decide(mail)
    await expect(erase(scene, said)).rejects.toMatchObject({ code: 'ERASE_REASON' })
    const who = { decision }
    await expect(erase(scene, { who, ...said })).rejects.toMatchObject({ code: 'ERASE_REASON' })
  })

  test('a word that only holds the name is no name', async () => {
    const scene = await eraseScene()
    await scene.engine.decide(act('mail', { to: 'x' }, 'user:al'))
    const who = { principal: 'user:al' }
    await expect(erase(scene, { who, reason: 'Al asked' })).rejects.toMatchObject({
      code: 'ERASE_REASON',
    })
    expect(await erase(scene, { who, reason: 'legal asked' })).toMatchObject({ decisions: 1 })
  })

  test.for([
    { name: 'an unknown principal', who: { principal: 'nobody' }, code: 'ERASE_UNKNOWN' },
    { name: 'an unknown agent', who: { agent: 'nobody' }, code: 'ERASE_UNKNOWN' },
    { name: 'an unknown decision', who: { decision: 'dec_0' }, code: 'RECEIPT_UNKNOWN' },
    { name: 'the genesis', who: { decision: 'genesis' }, code: 'ERASE_UNKNOWN' },
    { name: 'nothing that old', who: { principal: PRINCIPAL }, before: 1, code: 'ERASE_UNKNOWN' },
  ])('of $name -> $code', async ({ name: _name, code, ...question }) => {
    const scene = await eraseScene()
    await scene.engine.decide(mail)
    await expect(erase(scene, question)).rejects.toMatchObject({ code })
  })

  test('by a dry run, which says what would go', async () => {
    const scene = await eraseScene()
    await scene.engine.decide(mail)
    const before = secretsIn(scene.folder)
    expect(await erase(scene, { dryRun: true })).toMatchObject({
      ...{ status: 'would-erase', decisions: 1, tokens: 1, through: 1, waiting: [] },
    })
    expect(secretsIn(scene.folder)).toEqual(before)
  })

  test('when the transaction fails', async () => {
    const scene = await eraseScene()
    await scene.engine.decide(mail)
    const before = secretsIn(scene.folder)
    const place = await openErasingPlace(scene.folder)
    const subject = String((await erase(scene, { dryRun: true })).subject)
    const failing = place.run(async (tx) => {
      await tx.erase({ scope: 'subject', subject }, 2, true)
      throw new Error('power cut')
    })
    await expect(failing).rejects.toThrow('power cut')
    expect(await place.store.scrub()).toBe(false)
    await place.close()
    expect(secretsIn(scene.folder)).toEqual(before)
  })
})

test('a receipt of another erasure excuses nothing', async () => {
  const scene = await eraseScene()
  const { engine, parts, bundle } = scene
  await engine.decide(mail)
  await erase(scene)
  await engine.decide(mail)
  const store = {
    ...parts.store,
    erasedBy: async () => 2,
    subjectKey: async () => null,
  }
  const report = await rederiveAll({ ...parts, store }, { bundles: [bundle], store })
  // The second one came after the erasure.
  expect(report.cannot).toEqual({ 'inputs-erased': 1, 'inputs-unreadable': 1 })
})

describe('an operator who deletes behind the log’s back is found out by `rederive`', () => {
  test.for([
    {
      name: 'under the receipt of another decision',
      who: (decision: string) => ({ decision }),
      sql: "UPDATE decisions SET inputs = x'' WHERE idx = 1; INSERT INTO erased VALUES (1, 3)",
      want: { 'inputs-erased': 1, 'inputs-unreadable': 1 },
    },
    {
      name: 'under no receipt',
      who: () => ({ principal: 'u-2' }),
      sql: 'DELETE FROM subject_keys',
      want: { 'inputs-erased': 1, 'inputs-unreadable': 1 },
    },
  ])('$name', async ({ who, sql, want }) => {
    const scene = await eraseScene()
    await scene.engine.decide(mail)
    const { decision } = await scene.engine.decide(act('mail', { to: 'x' }, 'u-2'))
    await erase(scene, { who: who(decision) })
    tamper(scene.folder, sql)
    const again = await rederiveAll(scene.parts, { bundles: [scene.bundle] })
    expect(again.cannot).toEqual(want)
  })

  test('under the receipt of a retention that it is too young for', async () => {
    const scene = await eraseScene()
    const { engine, parts, folder, bundle, pass } = scene
    await engine.decide(mail)
    pass(10_000)
    const young = await engine.decide(mail)
    await erase(scene, { before: Date.now() + 5_000 })
    tamper(folder, "UPDATE decisions SET inputs = x'' WHERE idx = 2; UPDATE erased SET idx = 2")
    const again = await rederiveAll(parts, { bundles: [bundle] })
    expect(again.underived).toContainEqual(
      expect.objectContaining({ id: young.decision, reason: 'inputs-unreadable' }),
    )
  })
})

test('an erasure while another process overwrites what it had erased is overwritten too', async () => {
  const scene = await eraseScene()
  const { engine, folder } = scene
  await engine.decide(mail)
  const wide = act('mail', { to: 'x', text: 'y'.repeat(20_000) }, 'u-2')
  for (let i = 0; i < 5; i++) await engine.decide(wide)
  const targetOf = async (principal: string) => {
    const { subject = '' } = await erase(scene, { who: { principal }, dryRun: true })
    return { scope: 'subject', subject } as const
  }
  const targets = [await targetOf(PRINCIPAL), await targetOf('u-2')] as const
  const said = { reason: 'asked for it', now: Date.now() }
  const [one, two] = [await openErasingPlace(folder), await openErasingPlace(folder)]
  await one.run((tx) => writeErasure(tx, one, targets[0], { ...said, rewrite: false }))
  const reader = new DatabaseSync(join(folder, 'store.sqlite'))
  reader.exec('BEGIN; SELECT * FROM decisions')
  const scrubbing = one.store.scrub()
  await sleep(60) // It waits for the reader.
  await two.run((tx) => writeErasure(tx, two, targets[1], { ...said, rewrite: true }))
  reader.exec('COMMIT')
  await scrubbing
  await two.store.scrub()
  expect(reader.prepare('PRAGMA freelist_count').get()).toEqual({ freelist_count: 0 })
  reader.close()
  await one.close()
  await two.close()
})

test('receipts of 500 subjects: what moved between pages while the store grew is gone too', async () => {
  const scene = await eraseScene()
  const { engine, folder } = scene
  const people = Array.from({ length: 500 }, (_, i) => `person-${i}`)
  await Promise.all(people.map((one) => engine.decide(act('mail', { to: one }, one))))
  const first = await erase(scene, { who: { principal: 'person-77' }, dryRun: true })
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  const key = database
    .prepare('SELECT wrapped FROM subject_keys WHERE subject = ?')
    .get(String(first.subject))
  database.close()
  const wrapped = Buffer.from(key?.['wrapped'] as Uint8Array)
  expect(holders(folder, [wrapped])).not.toEqual([])
  await erase(scene, { who: { principal: 'person-77' } })
  expect(holders(folder, [wrapped])).toEqual([])
  expect(secretsIn(folder).keys).toHaveLength(499)
  expect(fromUtf8(allBytes(folder).get('log/checkpoint') ?? Buffer.alloc(0))).toContain('502')
})
