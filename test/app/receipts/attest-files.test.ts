import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { publishLogTo } from '../../../src/app/receipts/publish-log.ts'
import { verifyLogFolder } from '../../../src/app/receipts/receipts.ts'
import { closeWorlds, trustOf, type World, worldOf } from './attest-case.ts'

// Files that somebody else put among the attestations.

afterEach(async () => {
  for (const folder of await closeWorlds()) rmSync(folder, { recursive: true, force: true })
})

const NAME = 'receipts/2.sigstore.json'
const at = ({ folder }: World, path: string) => join(folder, 'attestations', path)

/** Puts something else in the place of the attestation of a resolution. */
const CASES: readonly { readonly name: string; readonly put: (world: World) => void }[] = [
  {
    name: 'a link to a secret',
    put: (world) => {
      writeFileSync(join(world.folder, 'secret'), 'the secret')
      symlinkSync(join(world.folder, 'secret'), at(world, NAME))
    },
  },
  {
    name: 'a link to a device without end',
    put: (world) => symlinkSync('/dev/zero', at(world, NAME)),
  },
  { name: 'a pipe', put: (world) => execFileSync('mkfifo', [at(world, NAME)]) },
  {
    name: 'a folder',
    put: (world) => mkdirSync(at(world, `${NAME}/deep/er`), { recursive: true }),
  },
  {
    name: 'three gigabytes',
    put: (world) => {
      writeFileSync(at(world, NAME), '')
      truncateSync(at(world, NAME), 3 * 1024 ** 3)
    },
  },
]

test.skipIf(process.platform === 'win32').for(CASES)(
  '$name -> not published, named to the auditor, and no attestation to the engine',
  async ({ put }) => {
    const world = await worldOf('{ wait: resolutions }')
    const request = await world.end()
    await world.attestor().round()
    rmSync(at(world, NAME))
    put(world)

    const [log, site] = [join(world.folder, 'log'), join(world.folder, 'site')]
    await expect(publishLogTo(log, site)).rejects.toMatchObject({ code: 'ATTESTATION_INVALID' })
    expect(existsSync(join(site, 'attestations', NAME))).toBe(false)

    const file = join(world.folder, 'trust.json')
    writeFileSync(file, JSON.stringify(await trustOf(world)))
    const report = verifyLogFolder(log, { trust: file })
    expect(report.status).toBe('refused')
    expect(report.problems).toMatchObject([{ file: expect.stringContaining(NAME) }])

    expect(await world.engine.status(request)).toMatchObject({ status: 'PENDING' })
    const { attested, trouble } = await world.attestor().round()
    // It is made anew, but for a folder in its place.
    if (trouble === null) expect(attested).toMatchObject([{ of: { receipt: 2 } }])
    else expect(trouble.code).toBe('FILE_UNREADABLE')
  },
)

test('a published attestation is not read again, and not replaced', async () => {
  const world = await worldOf()
  await world.end()
  await world.attestor().round()
  const [log, site] = [join(world.folder, 'log'), join(world.folder, 'site')]
  await publishLogTo(log, site)
  const before = readFileSync(join(site, 'attestations', NAME))
  writeFileSync(at(world, NAME), 'x')
  expect(await publishLogTo(log, site)).not.toHaveProperty('attestations')
  expect(readFileSync(join(site, 'attestations', NAME))).toEqual(before)
})
