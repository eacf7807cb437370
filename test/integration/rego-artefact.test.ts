import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY, succeed } from './support/host.ts'

test('the Rego compiler built again from its recipe is the committed one, and its Go tests pass', () => {
  const committed = JSON.parse(
    readFileSync(join(REPOSITORY, 'src/host/rego-compiler/artefact.json'), 'utf8'),
  ) as { sha256: string }
  const said = succeed(process.execPath, ['scripts/rego-compiler/build.ts', '--check'], {
    cwd: REPOSITORY,
  })
  expect(said).toContain(committed.sha256)
  expect(said).toMatch(/^ok\s+countersign\.dev\/rego-compiler/m)
})
