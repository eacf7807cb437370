import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { open } from '../../../src/app/engine/open-engine.ts'
import type { ErasingPlace } from '../../../src/app/receipts/erasing.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { retain } from '../../../src/app/receipts/retain.ts'
import { RETENTION_ROUND_MAX } from '../../../src/base/limits.ts'
import { retentionText } from '../../../src/report/erasure.ts'
import { painter } from '../../../src/report/paint.ts'
import { bundleOf, CREDENTIAL, compileFiles, type Opened, policyFiles } from '../support.ts'
import { act, ended, eraseScene, holders, MARK, refund, secretsIn } from './erase-scene.ts'
import { rederiveAll } from './rederive-scene.ts'

const DAY = 24 * 60 * 60 * 1000
const HEAD = 'apiVersion: countersign/v1\nkind: '
const project = (retention: string) => ({
  'countersign.yaml': `${HEAD}Project\nproject: shop\ndefaults: { low: allow, medium: allow, high: hold, critical: deny }\nretention: ${retention}\n`,
})

function placeOf({ parts }: Opened): ErasingPlace {
  return {
    store: parts.store,
    run: (unit) => parts.batcher.run(unit),
    origin: parts.signer.origin,
    entropy: parts.entropy,
  }
}

const mail = act('mail', { to: `${MARK}@example.com` })
const now = { dryRun: false, rewrite: true }

describe('what was kept long enough goes', () => {
  test('inputs and tokens each at their time, with one receipt a round', async () => {
    const scene = await eraseScene()
    const { engine, parts, folder, bundle, pass } = scene
    await engine.decide(mail)
    const old = secretsIn(folder)
    pass(100 * DAY)
    const kept = await engine.decide(act('mail', { to: 'other' }))
    const terms = { inputs: '90d', tokens: '365d' }
    const report = await retain(placeOf(scene), terms, { ...now, now: parts.clock() })
    expect(report.rounds).toEqual([
      { decisions: 1, tokens: 0, through: 1, receipt: { id: expect.any(String), index: 3 } },
    ])
    expect(holders(folder, old.inputs.slice(0, 1))).toEqual([])
    // The subject's key goes on sealing what is kept.
    expect(holders(folder, old.keys)).not.toEqual([])
    pass(300 * DAY)
    const later = await retain(placeOf(scene), terms, { ...now, now: parts.clock() })
    expect(later.rounds).toEqual([
      { decisions: 1, tokens: 1, through: 2, receipt: { id: expect.any(String), index: 4 } },
    ])
    pass(400 * DAY)
    await retain(placeOf(scene), terms, { ...now, now: parts.clock() })
    expect(holders(folder, old.keys)).toEqual([])
    const log = verifyLogFolder(join(folder, 'log'))
    expect(log.problems).toEqual([])
    expect(log.receipts).toMatchObject({ erasure: 3 })
    const again = await rederiveAll(parts, { bundles: [bundle] })
    expect(again.cannot).toEqual({ 'inputs-erased': 2 })
    expect(again.underived.map(({ erasure }) => erasure)).toEqual([3, 4])
    expect((await parts.store.decision(kept.decision))?.inputs.ciphertext.length).toBe(0)
  })

  test('but for requests that wait', async () => {
    const scene = await eraseScene()
    const { engine, parts, bundle, pass } = scene
    const done = await ended(scene)
    const held = await engine.decide(refund())
    pass(100 * DAY)
    const report = await retain(
      placeOf(scene),
      { inputs: '1h', tokens: null },
      {
        ...now,
        now: parts.clock(),
      },
    )
    expect(report.rounds).toMatchObject([{ decisions: 2, through: 2 }])
    expect((await parts.store.decision(done.decision))?.inputs.ciphertext.length).toBe(0)
    expect((await engine.status(String(held.request?.id))).status).toBe('EXPIRED')
    expect((await rederiveAll(parts, { bundles: [bundle] })).counts).toMatchObject({
      rederived: 2,
      cannot: 2,
    })
  })

  test('a dry run says what would go, and a second run finds nothing', async () => {
    const scene = await eraseScene()
    const { engine, parts, folder, pass } = scene
    await engine.decide(mail)
    pass(2 * DAY)
    const terms = { inputs: '1d', tokens: '1d' }
    const before = secretsIn(folder)
    const dry = await retain(placeOf(scene), terms, {
      now: parts.clock(),
      dryRun: true,
      rewrite: true,
    })
    expect(dry.rounds).toEqual([{ decisions: 1, tokens: 1, through: 1, receipt: null }])
    expect(secretsIn(folder)).toEqual(before)
    const made = await retain(placeOf(scene), terms, { ...now, now: parts.clock() })
    expect(made.rounds).toHaveLength(1)
    expect(secretsIn(folder)).toEqual({ keys: [], inputs: [] })
    const none = await retain(placeOf(scene), terms, { ...now, now: parts.clock() })
    expect(none.rounds).toEqual([])
  })

  test('more than a round takes: one receipt each', async () => {
    const scene = await eraseScene()
    const { engine, parts, folder, pass } = scene
    await engine.decide(mail)
    // Rows like the first one, for which nothing else is needed here.
    const database = new DatabaseSync(join(folder, 'store.sqlite'))
    database
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)
         INSERT INTO decisions SELECT i, 'dec_' || i, at, agent, root, receipt, subject, inputs FROM n, decisions WHERE idx = 1`,
      )
      .run(RETENTION_ROUND_MAX)
    database.close()
    pass(2 * DAY)
    const dry = { ...now, now: parts.clock(), dryRun: true }
    const would = await retain(placeOf(scene), { inputs: '1d', tokens: null }, dry)
    expect(retentionText(would, painter(false))).toContain('; 0 tokens, and perhaps more')
    const report = await retain(
      placeOf(scene),
      { inputs: '1d', tokens: null },
      {
        ...now,
        now: parts.clock(),
      },
    )
    expect(report.rounds.map(({ decisions }) => decisions)).toEqual([RETENTION_ROUND_MAX, 1])
    expect(secretsIn(folder).inputs).toHaveLength(1)
  })
})

test('an engine that runs does so by itself, and one without `retention` keeps all', async () => {
  const scene = await eraseScene(project('{ inputs: 1h }'))
  await scene.engine.decide(mail)
  const later = () => Date.now() + DAY
  const keeper = { store: scene.folder, credential: CREDENTIAL, clock: later }
  const keeping = await open({ ...keeper, bundle: await bundleOf() })
  await keeping.close()
  expect(secretsIn(scene.folder).inputs).toHaveLength(2)
  const retaining = await open({ ...keeper, bundle: scene.bundle })
  await retaining.close()
  expect(secretsIn(scene.folder).inputs).toHaveLength(1)
})

test.for([
  { name: 'half an hour', retention: '{ inputs: 30m }', code: 'DURATION_INVALID' },
  { name: 'no duration', retention: '{ tokens: long }', code: 'VALUE_INVALID' },
  { name: 'an unknown key', retention: '{ receipts: 1d }', code: 'KEY_UNKNOWN' },
  { name: 'nothing', retention: '{}', code: 'VALUE_INVALID' },
])('retention of $name -> $code', async ({ retention, code }) => {
  const { diagnostics } = await compileFiles(policyFiles(project(retention)))
  expect(diagnostics.map((one) => one.code)).toContain(code)
})

test('a store of an older version: its tokens count from the last action of their subject', async () => {
  const scene = await eraseScene()
  const { engine, parts, folder } = scene
  await engine.decide(mail)
  const at = async () => {
    const database = new DatabaseSync(join(folder, 'store.sqlite'))
    const row = database.prepare('SELECT at FROM tokens').get()
    database.close()
    return Number(row?.['at'])
  }
  const given = await at()
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  database.exec('ALTER TABLE tokens DROP COLUMN at')
  database.close()
  const engineAgain = await open({
    ...{ store: folder, credential: CREDENTIAL, bundle: scene.bundle },
  })
  await engineAgain.close()
  expect(Math.abs((await at()) - given)).toBeLessThan(60_000)
  expect(parts.store).toBeDefined()
})
