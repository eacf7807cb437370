import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openBatcher } from '../../../src/app/engine/batch.ts'
import { PolicyError } from '../../../src/base/errors.ts'
import { openSqliteStore } from '../../../src/host/store-sqlite.ts'
import { temporaryFolder } from '../support.ts'

const KEY = new Uint8Array(32).fill(1)

function storeOf(folder = temporaryFolder()) {
  return openSqliteStore(join(folder, 'store.sqlite'), KEY)
}

const entry = (value: number) => ({ k: { value, until: 10 } })

test('an answer leaves only after the log was published', async () => {
  const store = storeOf()
  const order: string[] = []
  const batcher = openBatcher(store, async () => {
    order.push('published')
  })
  await batcher.run(async (tx) => tx.writeState(entry(1))).then(() => order.push('answered'))
  expect(order).toEqual(['published', 'answered'])
  await store.close()
})

test('units that wait together share one publication', async () => {
  const store = storeOf()
  let published = 0
  const batcher = openBatcher(store, async () => {
    published += 1
  })
  await Promise.all(
    Array.from({ length: 50 }, () => batcher.run(async (tx) => tx.readState(['k']))),
  )
  expect(published).toBe(1)
  await store.close()
})

test('a unit that throws leaves nothing behind and takes nobody along', async () => {
  const store = storeOf()
  const batcher = openBatcher(store, async () => undefined)
  const ended = await Promise.allSettled([
    batcher.run(async (tx) => tx.writeState({ a: { value: 1, until: 10 } })),
    batcher.run(async (tx) => {
      await tx.writeState({ b: { value: 1, until: 10 } })
      throw new PolicyError('ENGINE_FAILED', 'on purpose')
    }),
    batcher.run(async (tx) => tx.writeState({ c: { value: 1, until: 10 } })),
  ])
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const state = await store.transact((tx) => tx.readState(['a', 'b', 'c']))
  expect(Object.keys(state)).toEqual(['a', 'c'])
  await store.close()
})

test('when the log cannot be published nobody is told yes', async () => {
  const store = storeOf()
  const batcher = openBatcher(store, async () => {
    throw new PolicyError('STORE_FAILED', 'the disk is full')
  })
  await expect(batcher.run(async (tx) => tx.writeState(entry(1)))).rejects.toMatchObject({
    code: 'STORE_FAILED',
  })
  await store.close()
})

test('a batch ends in time, and the rest comes next, in order', async () => {
  const store = storeOf()
  let published = 0
  const batcher = openBatcher(store, async () => {
    published += 1
  })
  const order: number[] = []
  await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      batcher.run(async () => {
        order.push(n)
        await new Promise((resolve) => setTimeout(resolve, 150))
      }),
    ),
  )
  expect(order).toEqual([0, 1, 2, 3, 4, 5])
  expect(published).toBeGreaterThan(1)
  await store.close()
})

test('too many waiting units are refused, not kept without bound', async () => {
  const store = storeOf()
  const batcher = openBatcher(store, async () => undefined)
  const running = Array.from({ length: 16_384 }, () => batcher.run(async () => 1))
  await expect(batcher.run(async () => 1)).rejects.toMatchObject({
    code: 'STORE_FAILED',
    retryable: true,
  })
  await Promise.all(running)
  await store.close()
})

test('two stores on one file take turns', async () => {
  const folder = temporaryFolder()
  const [one, two] = [storeOf(folder), storeOf(folder)]
  const add = (store: typeof one) =>
    store.transact(async (tx) => {
      const before = Number((await tx.readState(['k']))['k']?.value ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 1))
      await tx.writeState(entry(before + 1))
    })
  await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? one : two)))
  expect((await one.transact((tx) => tx.readState(['k'])))['k']?.value).toBe(20)
  await Promise.all([one.close(), two.close()])
})

test.for([
  { name: 'another key', key: new Uint8Array(32).fill(2), code: 'STORE_KEY_MISMATCH' },
  { name: 'the same key', key: KEY, code: null },
])('a store opened with $name', async ({ key, code }) => {
  const file = join(temporaryFolder(), 'store.sqlite')
  await openSqliteStore(file, KEY).close()
  const open = () => openSqliteStore(file, key)
  if (code === null) await open().close()
  else expect(open).toThrow(expect.objectContaining({ code }))
})

test.for([
  { name: 'of a newer format', format: '2' },
  { name: 'of a format that is none', format: 'x' },
])('a store $name is refused', async ({ format }) => {
  const file = join(temporaryFolder(), 'store.sqlite')
  await openSqliteStore(file, KEY).close()
  const database = new DatabaseSync(file)
  database.prepare("UPDATE meta SET value = ? WHERE key = 'format'").run(Buffer.from(format))
  database.close()
  expect(() => openSqliteStore(file, KEY)).toThrow(
    expect.objectContaining({ code: 'STORE_NEWER_FORMAT' }),
  )
})

test('state that is no JSON -> STORE_FAILED', async () => {
  const folder = temporaryFolder()
  const store = storeOf(folder)
  await store.transact((tx) => tx.writeState(entry(1)))
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  database.exec("UPDATE state SET value = '{'")
  database.close()
  await expect(store.transact((tx) => tx.readState(['k']))).rejects.toMatchObject({
    code: 'STORE_FAILED',
  })
  await store.close()
})

test('state that may be forgotten goes, bit by bit', async () => {
  const store = storeOf()
  await store.transact((tx) =>
    tx.writeState(
      Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, { value: n, until: n }])),
    ),
  )
  await store.transact((tx) => tx.forgetState(50))
  const keys = Array.from({ length: 100 }, (_, n) => `k${n}`)
  const left = await store.transact((tx) => tx.readState(keys))
  expect(Object.keys(left)).toHaveLength(50)
  await store.close()
})
