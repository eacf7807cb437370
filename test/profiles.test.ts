import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from './shells/cli/run.ts'

// Profiles for handling data: each is used alone, with the setting of the library's tests.

const LIBRARY = join(import.meta.dirname, '..', 'policies')
const PROFILES = ['gdpr', 'hipaa', 'pci', 'soc2']

test('every profile is tested', () => {
  expect(readdirSync(join(LIBRARY, 'profiles')).sort()).toEqual(PROFILES)
})

describe.for(PROFILES)('policies/profiles/%s', (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-profile-'))
  const run = (...argv: string[]) => runCli(argv, { cwd: folder })

  beforeAll(() => {
    cpSync(join(LIBRARY, 'setting'), join(folder, 'setting'), { recursive: true })
    cpSync(join(LIBRARY, 'profiles', name), join(folder, 'profile'), { recursive: true })
    const project = readFileSync(join(LIBRARY, 'countersign.yaml'), 'utf8')
    const alone = project.replace(/^folders: .*$/m, 'folders: [setting, profile]')
    writeFileSync(join(folder, 'countersign.yaml'), alone)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('check finds nothing in it, not even a warning', async () => {
    const { code, json } = await run('check', '--format', 'json')
    const { diagnostics } = json as { readonly diagnostics: readonly { readonly file: string }[] }
    // The setting has tools that nothing holds: which do is not what a profile is about.
    expect(diagnostics.filter(({ file }) => !file.startsWith('setting/'))).toEqual([])
    expect(code).toBe(0)
  })

  test('its files are formatted', async () => {
    expect(await run('fmt', '--check')).toMatchObject({ code: 0, stdout: '' })
  })

  test('all tests pass, and notice whatever is weakened', async () => {
    const tested = await run('test', '--format', 'json')
    expect(tested.json).toMatchObject({ failed: 0, skipped: 0 })
    const { code, json } = await run('test', '--mutate', '--format', 'json')
    expect(json).toMatchObject({ survived: 0 })
    expect(code).toBe(0)
  })

  test('its page says what it is for', () => {
    const page = readFileSync(join(LIBRARY, 'profiles', name, 'README.md'), 'utf8')
    expect(page).toMatch(new RegExp(`^# ${name}\n\n\\S`))
  })
})
