import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readTrustedRoot } from '../../../src/model/trusted-root.ts'
import { temporaryFolder } from '../../app/support.ts'
import { fakeSigstore } from '../../fakes/sigstore/fake-sigstore.ts'
import { startTufRepository, type TufServer } from '../../fakes/sigstore/tuf-repository.ts'
import { runCli } from '../../shells/cli/run.ts'

const ROOT = JSON.stringify(fakeSigstore(Date.parse('2026-11-21T10:00:00Z')).root)

let served: TufServer | undefined
afterEach(() => served?.close())

async function fetched(given: {
  readonly target?: string
  readonly expires?: string
  /** What clients trust the repository by, in place of its own root. */
  readonly root?: string
  readonly change?: (files: Map<string, string>) => void
  readonly flags?: readonly string[]
}) {
  const about = given.expires === undefined ? {} : { expires: given.expires }
  served = await startTufRepository(given.target ?? ROOT, about)
  given.change?.(served.files)
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'root.json'), given.root ?? served.root)
  const flags = given.flags ?? ['--tuf-root', 'root.json']
  return runCli(['keys', 'trusted-root', '--tuf-mirror', served.url, ...flags], { cwd })
}

test('the root of a repository that is trusted by its own root.json', async () => {
  const { code, json } = await fetched({})
  expect(code).toBe(0)
  expect(json).toEqual(readTrustedRoot(ROOT))
})

test.for([
  { name: 'no root.json', flags: [], code: 'USAGE_INVALID' },
  {
    name: 'a root.json that is not there',
    flags: ['--tuf-root', 'x.json'],
    code: 'FILE_UNREADABLE',
  },
  {
    name: 'another target than was signed',
    change: (files: Map<string, string>) =>
      files.set('/targets/trusted_root.json', ROOT.replace('example', 'evil.ex')),
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'other targets than were signed',
    change: (files: Map<string, string>) =>
      files.set(
        '/targets.json',
        (files.get('/targets.json') ?? '').replace('"version":1', '"version":2'),
      ),
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'metadata that has expired',
    expires: '2020-01-01T00:00:00Z',
    code: 'SIGSTORE_UNTRUSTED',
  },
  {
    name: 'no metadata',
    change: (files: Map<string, string>) => files.delete('/timestamp.json'),
    code: 'SIGSTORE_UNREACHABLE',
  },
  { name: 'a target that is no trusted root', target: '{}', code: 'SIGSTORE_ROOT_INVALID' },
])('$name -> $code', async ({ name: _, code, ...given }) => {
  const ran = await fetched(given as Parameters<typeof fetched>[0])
  expect(ran.code).not.toBe(0)
  expect(ran.stderr).toContain(code)
})

test("another repository's root.json -> SIGSTORE_UNTRUSTED", async () => {
  const other = await startTufRepository(ROOT)
  other.close()
  expect((await fetched({ root: other.root })).stderr).toContain('SIGSTORE_UNTRUSTED')
})
