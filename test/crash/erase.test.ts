import { spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { open } from '../../src/app/engine/open-engine.ts'
import { openErasingPlace } from '../../src/app/receipts/erasing-place.ts'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import {
  act,
  erase,
  eraseScene,
  holders,
  PRINCIPAL,
  rowsOf,
  secretsIn,
} from '../app/receipts/erase-scene.ts'
import { CREDENTIAL, temporaryFolder } from '../app/support.ts'

const ACTIONS = 120
const KILLS = 4

/** Runs an erasure and kills it so many milliseconds after it began. @returns how long it lived */
async function eraseAndKill(folder: string, afterMs: number | null): Promise<number> {
  const child = spawn(process.execPath, [
    join(import.meta.dirname, 'erase-child.ts'),
    folder,
    PRINCIPAL,
  ])
  let begun = 0
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  begun = performance.now()
  if (afterMs !== null) {
    await sleep(afterMs)
    child.kill('SIGKILL')
  }
  await ended
  return performance.now() - begun
}

test('killed in the middle of an erasure: all of it is there or nothing, and the next run ends it', async () => {
  const scene = await eraseScene()
  const payload = (i: number) => ({ to: `${i}@example.com`, text: 'x'.repeat(5_000) })
  await Promise.all(
    Array.from({ length: ACTIONS }, (_, i) => scene.engine.decide(act('mail', payload(i)))),
  )
  await scene.engine.decide(act('mail', { to: 'kept' }, 'u-2'))
  await scene.engine.close()
  const before = secretsIn(scene.folder)
  const copy = () => {
    const folder = temporaryFolder()
    cpSync(scene.folder, folder, { recursive: true })
    return folder
  }
  const lifeMs = await eraseAndKill(copy(), null)
  const seen = { all: 0, nothing: 0 }
  for (let kill = 0; kill < KILLS; kill++) {
    const folder = copy()
    await eraseAndKill(folder, (lifeMs * (kill + 0.5)) / KILLS)
    const place = await openErasingPlace(folder)
    const rows = await rowsOf(place.store)
    await place.close()
    const isErased = rows.some(({ stage }) => stage === 'erasure')
    const left = secretsIn(folder)
    expect(left.inputs).toHaveLength(isErased ? 2 : before.inputs.length)
    expect(left.keys).toHaveLength(isErased ? 1 : 2)
    seen[isErased ? 'all' : 'nothing'] += 1

    if (isErased) {
      // The engine's start overwrites what the kill left lying.
      const engine = await open({ store: folder, credential: CREDENTIAL, bundle: scene.bundle })
      await engine.close()
      await expect(erase({ folder })).rejects.toMatchObject({ code: 'ERASE_UNKNOWN' })
    } else {
      expect((await erase({ folder })).decisions).toBe(ACTIONS)
    }
    const gone = before.inputs.filter((one) => !left.inputs.some((kept) => kept.equals(one)))
    expect(holders(folder, isErased ? gone : before.inputs.slice(0, ACTIONS))).toEqual([])
    expect(secretsIn(folder).inputs).toHaveLength(2)
    const log = verifyLogFolder(join(folder, 'log'))
    expect(log.problems).toEqual([])
    expect(log.receipts).toMatchObject({ erasure: 1 })
  }
  expect(seen.all + seen.nothing).toBe(KILLS)
  expect(seen.nothing).toBeGreaterThan(0)
})
