import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAKE, projectOf, ROOT_FILE } from '../../app/receipts/attest-case.ts'
import { compileFiles, policyFiles } from '../../app/support.ts'

test('defaults are filled in', async () => {
  const { bundle } = await compileFiles(policyFiles(projectOf('{}')))
  expect(bundle?.policy.attest).toEqual({
    every: '60s',
    receipts: 1000,
    resolutions: 'each',
    wait: 'none',
  })
})

test.for([
  { attest: '{ every: 500ms }', want: 'DURATION_INVALID' },
  { attest: '{ every: 25h }', want: 'DURATION_INVALID' },
  { attest: '{ receipts: 0 }', want: 'VALUE_INVALID' },
  { attest: '{ receipts: 1000001 }', want: 'VALUE_INVALID' },
  { attest: '{ resolutions: some }', want: 'VALUE_INVALID' },
  { attest: '{ wait: all }', want: 'VALUE_INVALID' },
  { attest: '{ wait: resolutions, resolutions: none }', want: 'VALUE_INVALID' },
  { attest: '{ evry: 60s }', want: 'KEY_UNKNOWN' },
])('$attest -> $want at its place', async ({ attest, want }) => {
  const { bundle, diagnostics } = await compileFiles(policyFiles(projectOf(attest)))
  expect(bundle).toBeNull()
  const [first] = diagnostics
  expect(first).toMatchObject({ code: want, file: 'countersign.yaml', line: 5 })
})

test('without sigstore -> KEY_MISSING where it stands', async () => {
  const files = projectOf('{}')
  const project = String(files['countersign.yaml']).replace(/sigstore:\n(?: {2}.*\n)+/, '')
  const { diagnostics } = await compileFiles(policyFiles({ 'countersign.yaml': project }))
  expect(diagnostics).toMatchObject([{ code: 'KEY_MISSING', line: 5, column: 8 }])
})

test('each project in docs/how-to/attest.md passes', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/how-to/attest.md'), 'utf8')
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text)
  expect(blocks).toHaveLength(3)
  for (const text of blocks) {
    const files = { 'countersign.yaml': text, [ROOT_FILE]: JSON.stringify(FAKE.root) }
    const { bundle, diagnostics } = await compileFiles(policyFiles(files))
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(bundle?.policy.attest).toBeDefined()
  }
})
