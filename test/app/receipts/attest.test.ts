import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readCursor } from '../../../src/app/receipts/attest-files.ts'
import { openQueue } from '../../../src/app/receipts/attest-queue.ts'
import { publishLogTo } from '../../../src/app/receipts/publish-log.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { rederiveStore } from '../../../src/app/receipts/rederive-store.ts'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { closeWorlds, read, START, signer, trustOf, type World, worldOf } from './attest-case.ts'

// The queue of attestations: what is due, what an outage, a crash or a second process leave, and what waits for it.

afterEach(async () => {
  for (const folder of await closeWorlds()) rmSync(folder, { recursive: true, force: true })
})

const TERMS = { every: '60s', receipts: 3, resolutions: 'each', wait: 'none' } as const

const at = (world: World, path = '') => join(world.folder, 'attestations', path)

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(json|checkpoint|tmp)$/.test(path))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}

async function verify(world: World, changes: object = {}) {
  const file = join(world.folder, 'trust.json')
  writeFileSync(file, JSON.stringify(await trustOf(world, changes)))
  return verifyLogFolder(join(world.folder, 'log'), { trust: file })
}

describe('a round', () => {
  test('attests the checkpoint and each resolution, and an auditor reads it', async () => {
    const world = await worldOf()
    await world.end('approve')
    await world.end('reject', 60)
    const report = await world.attestor().round()
    expect(report).toMatchObject({
      attested: [
        { of: { checkpoint: 5 }, file: 'attestations/checkpoints/5.sigstore.json' },
        { of: { receipt: 2 } },
        { of: { receipt: 4 } },
      ],
      queued: { checkpoint: null, resolutions: [] },
      trouble: null,
    })
    expect(filesIn(at(world))).toEqual([
      'checkpoints/5.checkpoint',
      'checkpoints/5.sigstore.json',
      'cursor.json',
      'receipts/2.sigstore.json',
      'receipts/4.sigstore.json',
    ])
    const verified = await verify(world)
    expect(verified).toMatchObject({ status: 'verified', problems: [] })
    expect(verified.proven).toContainEqual(
      expect.stringMatching(/^the log stood at 5 receipts by 2026-11-21T10:00:00.000Z: engine@/),
    )
    expect(verified.proven).toContain('2 of 2 resolutions have an attestation of their own')
    expect(verified.not_proven.join('\n')).not.toMatch(/attest/)
  })

  test('again has nothing to do, whatever the cursor says', async () => {
    const world = await worldOf()
    await world.end()
    const made = signer()
    const attestor = world.attestor({ signer: made.keyless })
    await attestor.round()
    const before = made.signed
    await attestor.round()
    writeFileSync(at(world, 'cursor.json'), '{"next":"x"}')
    await world.attestor({ signer: made.keyless }).round()
    rmSync(at(world, 'cursor.json'))
    await world.attestor({ signer: made.keyless }).round()
    expect(made.signed).toBe(before)
  })

  test('no resolutions where the policy attests none', async () => {
    const world = await worldOf('{ resolutions: none }')
    await world.end()
    const { attested } = await world.attestor().round()
    expect(attested).toMatchObject([{ of: { checkpoint: 3 } }])
    const { not_proven } = await verify(world)
    expect(not_proven).toContain('that 1 resolutions were seen by others: they have no attestation')
  })

  test('a file that went is made again, and one of other bytes is replaced', async () => {
    const world = await worldOf()
    await world.end()
    await world.end('approve', 60)
    await world.attestor().round()
    rmSync(at(world, 'receipts/2.sigstore.json'))
    writeFileSync(
      at(world, 'receipts/4.sigstore.json'),
      readFileSync(at(world, 'checkpoints/5.sigstore.json')),
    )
    const { attested } = await world.attestor().round()
    expect(attested).toMatchObject([{ of: { receipt: 2 } }, { of: { receipt: 4 } }])
    expect(await verify(world)).toMatchObject({ status: 'verified' })
  })

  test('what would not verify is not placed', async () => {
    const world = await worldOf()
    const foreign = signer({ foreign: 'certificate' })
    const report = await world.attestor({ signer: foreign.keyless }).round()
    expect(report).toMatchObject({ attested: [], trouble: { code: 'SIGSTORE_UNTRUSTED' } })
    expect(filesIn(at(world)).filter((path) => path !== 'cursor.json')).toEqual([])
  })

  test('a token file that is not there is no token', async () => {
    const world = await worldOf()
    const { openAttestor } = await import('../../../src/app/receipts/attestor.ts')
    const file = join(world.folder, 'token')
    const environment = { COUNTERSIGN_IDENTITY_TOKEN_FILE: file }
    const attestor = openAttestor(world.parts, { environment })
    expect(attestor.hasToken()).toBe(false)
    writeFileSync(file, 'x')
    expect(attestor.hasToken()).toBe(true)
  })

  test('without a token -> queued, and it says so', async () => {
    const world = await worldOf()
    await world.end()
    const { openAttestor } = await import('../../../src/app/receipts/attestor.ts')
    const attestor = openAttestor(world.parts, { environment: {} })
    expect(attestor.hasToken()).toBe(false)
    expect(await attestor.round()).toMatchObject({
      attested: [],
      queued: { checkpoint: 3, resolutions: [2] },
      trouble: { code: 'IDENTITY_TOKEN_MISSING' },
    })
    expect(await attestor.backlog()).toEqual({
      ...{ uncovered: 3, resolutions: 1 },
      since: new Date(START).toISOString(),
    })
  })
})

describe('a checkpoint is due', () => {
  test.for([
    { name: 'not when the log has not grown', receipts: 0, ms: 3_600_000, want: null },
    { name: 'not before its time', receipts: 1, ms: 59_999, want: null },
    { name: 'once its time has come', receipts: 1, ms: 60_000, want: 3 },
    { name: 'sooner when the log grew by as much', receipts: 3, ms: 0, want: 5 },
  ])('$name', async ({ receipts, ms, want }) => {
    const world = await worldOf()
    await world.engine.decide(read)
    const attestor = world.attestor()
    await attestor.round()
    for (let i = 0; i < receipts; i++) await world.engine.decide({ ...read, payload: { id: i } })
    const queue = openQueue(world.folder, world.parts.store)
    const { checkpoint } = await queue.due(TERMS, START + ms, false)
    expect(checkpoint?.size ?? null).toBe(want)
  })

  test('again when its files are gone, whatever the cursor says', async () => {
    const world = await worldOf()
    await world.attestor().round()
    rmSync(at(world, 'checkpoints'), { recursive: true })
    const { attested } = await world.attestor().round()
    expect(attested).toMatchObject([{ of: { checkpoint: 1 } }])
  })

  test.for([
    { name: 'that runs ahead of the log', cursor: { checkpoint: 9, at: START } },
    { name: 'of another day', cursor: { checkpoint: 1, at: START + 86_400_000 } },
  ])('whatever a cursor says $name', async ({ cursor }) => {
    const world = await worldOf()
    await world.attestor().round()
    writeFileSync(at(world, 'cursor.json'), JSON.stringify({ next: 1, resolutions: 0, ...cursor }))
    await world.engine.decide(read)
    const queue = openQueue(world.folder, world.parts.store)
    expect(await queue.due(TERMS, START + 60_000, false)).toMatchObject({ checkpoint: { size: 2 } })
  })

  test('a log that is behind its attested checkpoint -> LOG_ROLLED_BACK', async () => {
    const world = await worldOf()
    await world.attestor().round()
    writeFileSync(at(world, 'cursor.json'), '{"next":0,"resolutions":0,"checkpoint":9,"at":0}')
    for (const name of ['9.checkpoint', '9.sigstore.json'])
      writeFileSync(at(world, `checkpoints/${name}`), 'x')
    await expect(world.attestor().round()).rejects.toMatchObject({ code: 'LOG_ROLLED_BACK' })
  })
})

describe('an outage', () => {
  test('loses nothing: decisions go on, pauses grow, the queue is worked off', async () => {
    const services = signer()
    services.down = true
    const options = { signer: services.keyless, lookMs: 5, pauseMs: 20 }
    const world = await worldOf('{ every: 1s }', { options })
    const tries = vi.spyOn(services.keyless, 'identity')
    world.parts.attestor.start()
    const request = await world.end()
    expect(await world.engine.status(request)).toMatchObject({ status: 'APPROVED' })
    await sleep(500)
    expect(world.parts.attestor.trouble()).toMatchObject({ code: 'SIGSTORE_UNREACHABLE' })
    // 20, 40, 80, 160, 320 ms: at most six tries, where one every 5 ms would be a hundred.
    expect(tries.mock.calls.length).toBeLessThan(8)
    expect(await world.parts.attestor.backlog()).toMatchObject({ uncovered: 3, resolutions: 1 })
    services.down = false
    await vi.waitFor(
      () => expect(existsSync(at(world, 'receipts/2.sigstore.json'))).toBe(true),
      5000,
    )
    await vi.waitFor(() => expect(world.parts.attestor.trouble()).toBeNull(), 5000)
    expect(await verify(world)).toMatchObject({ status: 'verified' })
  })

  test('in the middle of a round: what was made stays, the cursor stops at the gap', async () => {
    const world = await worldOf()
    for (let i = 0; i < 4; i++) await world.end('approve', 50 + i)
    const services = signer()
    const sign = services.keyless.sign
    const flaky = {
      ...services.keyless,
      sign: async (payload: Uint8Array) => {
        if (services.signed === 3) services.down = true
        return sign(payload)
      },
    }
    const first = await world.attestor({ signer: flaky }).round()
    expect(first.trouble).toMatchObject({ code: 'SIGSTORE_UNREACHABLE' })
    expect(first.attested).toHaveLength(3)
    const [gap] = first.queued.resolutions
    expect(readCursor(at(world)).next).toBeLessThanOrEqual(Number(gap))
    const second = await world.attestor().round()
    expect(second.attested.map(({ of }) => of)).toEqual(
      first.queued.resolutions.map((receipt) => ({ receipt })),
    )
    expect(await verify(world)).toMatchObject({ status: 'verified' })
  })
})

describe('a crash', () => {
  test('leaves drafts and a checkpoint without its bundle; the next process makes what lacks', async () => {
    const world = await worldOf()
    await world.end()
    const queue = openQueue(world.folder, world.parts.store)
    const { checkpoint } = await queue.due(TERMS, START, true)
    mkdirSync(at(world, 'checkpoints'), { recursive: true })
    mkdirSync(at(world, 'receipts'), { recursive: true })
    writeFileSync(at(world, 'checkpoints/3.checkpoint'), checkpoint?.note ?? '')
    writeFileSync(at(world, 'receipts/2.sigstore.json.a1b2c3.tmp'), '{"torn')
    const { attested } = await world.attestor().round()
    expect(attested.map(({ of }) => of)).toEqual([{ checkpoint: 3 }, { receipt: 2 }])
    expect(await verify(world)).toMatchObject({ status: 'verified', problems: [] })
  })

  test('before the cursor was written: what is there is not made again', async () => {
    const world = await worldOf()
    await world.end()
    await world.attestor().round()
    rmSync(at(world, 'cursor.json'))
    await world.end('approve', 60)
    const made = signer()
    const { attested } = await world.attestor({ signer: made.keyless }).round()
    expect(attested.map(({ of }) => of)).toEqual([{ checkpoint: 5 }, { receipt: 4 }])
    expect(readCursor(at(world))).toMatchObject({ next: 5, resolutions: 2, checkpoint: 5 })
  })
})

test('two processes at once leave whole files that verify, and the cursor behind nobody', async () => {
  const one = await worldOf()
  const two = await worldOf('{}', { folder: one.folder })
  for (let i = 0; i < 5; i++) await (i % 2 === 0 ? one : two).end('approve', 50 + i)
  await Promise.all([one.attestor().round(), two.attestor().round(), one.attestor().round()])
  expect(filesIn(at(one)).filter((path) => path.endsWith('.tmp'))).toEqual([])
  expect(filesIn(at(one)).filter((path) => path.startsWith('receipts/'))).toHaveLength(5)
  expect(readCursor(at(one))).toMatchObject({ next: 11, resolutions: 5, checkpoint: 11 })
  const report = await verify(one)
  expect(report).toMatchObject({ status: 'verified', problems: [] })
  expect(report.proven).toContain('5 of 5 resolutions have an attestation of their own')
})

describe('wait: resolutions', () => {
  test('approved is PENDING, without payload and grant, until it is attested', async () => {
    const world = await worldOf('{ wait: resolutions }', { options: {} })
    const request = await world.end()
    const before = await world.engine.status(request)
    expect(before).toMatchObject({ status: 'PENDING', note: 'waiting for attestation' })
    expect(before).not.toHaveProperty('payload')
    expect(before).not.toHaveProperty('grant')
    expect(await world.engine.wait(request, { timeoutMs: 200 })).toMatchObject({
      status: 'PENDING',
    })
    const waiting = world.engine.wait(String(before.resume), { timeoutMs: 10_000 })
    await world.attestor().round()
    const after = await waiting
    expect(after).toMatchObject({ status: 'APPROVED', payload: { amount: 50 } })
    expect(after.grant).toBeDefined()
  })

  test.for([
    { name: 'of another receipt', bytes: 'receipts/4.sigstore.json' },
    { name: 'of the checkpoint', bytes: 'checkpoints/5.sigstore.json' },
    { name: 'that is none', bytes: null },
  ])('an attestation $name lets nothing through', async ({ bytes }) => {
    const world = await worldOf('{ wait: resolutions }')
    const request = await world.end()
    await world.end('approve', 60)
    await world.attestor().round()
    const other = bytes === null ? '{}' : readFileSync(at(world, bytes))
    writeFileSync(at(world, 'receipts/2.sigstore.json'), other)
    expect(await world.engine.status(request)).toMatchObject({ status: 'PENDING' })
  })

  test('by an authority that the policy does not pin -> PENDING', async () => {
    const world = await worldOf('{ wait: resolutions }')
    const request = await world.end()
    const [entry] = await world.parts.store.receipts(2, 1)
    mkdirSync(at(world, 'receipts'), { recursive: true })
    const forged = await signer({ foreign: 'certificate' }).keyless.sign(entry ?? new Uint8Array())
    writeFileSync(at(world, 'receipts/2.sigstore.json'), forged)
    expect(await world.engine.status(request)).toMatchObject({ status: 'PENDING' })
  })

  test('a rejection, and an allow, wait for nothing', async () => {
    const world = await worldOf('{ wait: resolutions }')
    expect(await world.engine.status(await world.end('reject'))).toMatchObject({
      status: 'REJECTED',
    })
    expect(await world.engine.defer(read)).toMatchObject({ status: 'ALLOWED' })
  })

  test('wait: none hands out what people approved at once', async () => {
    const world = await worldOf()
    expect(await world.engine.status(await world.end())).toMatchObject({ status: 'APPROVED' })
  })
})

describe('a published log', () => {
  test('has the attestations of what it covers, and verifies with them', async () => {
    const world = await worldOf()
    await world.end()
    await world.attestor().round()
    const site = join(world.folder, 'site', 'log')
    expect(await publishLogTo(join(world.folder, 'log'), site)).toMatchObject({ attestations: 2 })
    expect(await publishLogTo(join(world.folder, 'log'), site)).not.toHaveProperty('attestations')
    writeFileSync(join(world.folder, 't.json'), JSON.stringify(await trustOf(world)))
    const report = verifyLogFolder(site, { trust: join(world.folder, 't.json') })
    expect(report).toMatchObject({ status: 'verified', problems: [] })
    expect(report.proven).toContain('1 of 1 resolutions have an attestation of their own')
  })

  test('keeps what is published, and refuses another checkpoint of a size', async () => {
    const world = await worldOf()
    await world.attestor().round()
    const [log, site] = [join(world.folder, 'log'), join(world.folder, 'site', 'log')]
    await publishLogTo(log, site)
    const file = join(site, 'attestations/checkpoints/1.sigstore.json')
    const before = readFileSync(file, 'utf8')
    rmSync(at(world), { recursive: true })
    await world.attestor().round()
    await publishLogTo(log, site)
    expect(readFileSync(file, 'utf8')).toBe(before)
    writeFileSync(join(site, 'attestations/checkpoints/1.checkpoint'), 'another')
    await expect(publishLogTo(log, site)).rejects.toMatchObject({ code: 'LOG_FORKED' })
  })
})

test('attestations change nothing of what is derived again', async () => {
  const world = await worldOf()
  await world.end()
  await world.attestor().round()
  await world.parts.batcher.idle()
  const file = join(world.folder, 'policy.bundle')
  writeFileSync(file, await writeBundle(world.parts.judge.bundle))
  const report = await rederiveStore({
    data: world.folder,
    bundles: { files: [file], folders: [] },
    cwd: world.folder,
  })
  expect(report).toMatchObject({ status: 'rederived' })
})
