import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateSshKey, writeSshKey } from '../../../src/host/ssh-key.ts'
import { baseFiles, changed, limit, PEOPLE, rosterOf } from '../../app/changes/change-case.ts'
import { temporaryFolder } from './policies.ts'
import { type Ran, runCli } from './run.ts'

/** A repository whose change weakens a rule, and a file with the key of cy, who may approve it. */
async function weakened() {
  const key = generateSshKey('cy')
  const keyFile = join(temporaryFolder(), 'key')
  await writeSshKey(keyFile, key)
  const roster = rosterOf({ ...PEOPLE, cy: `keys: [{ fingerprint: "${key.fingerprint}" }]` })
  const at = Date.now() - 60_000
  const base = { ...baseFiles(), 'policies/roster.yaml': roster }
  const { folder } = await changed(limit('limit: 50'), { at }, base)
  const between = ['--base', 'main', '--head', 'change']
  return {
    cli: (...argv: string[]): Promise<Ran> => runCli([...argv, ...between], { cwd: folder }),
    folder,
    keyFile,
  }
}

describe('gate approvals', () => {
  test('closed, approved, open -> exit codes 1, 0, 0', async () => {
    const { cli, keyFile } = await weakened()
    const closed = await cli('gate', 'approvals', '--format', 'json')
    expect(closed.code).toBe(1)
    expect(closed.json).toMatchObject({
      verdict: 'closed',
      pull: { number: 1, base_ref: 'main' },
      weakenings: [{ part: 'rule', id: 'notes/too-many', route: 'security' }],
      routes: [{ id: 'security', missing: 1 }],
      commits: { required: 'none', count: 1 },
    })
    const approved = await cli('changes', 'approve', '--key', keyFile, '--format', 'json')
    expect(approved.code).toBe(0)
    expect(approved.json).toMatchObject({ verdict: 'open', reviews: [{ reviewer: 'cy' }] })
    const open = await cli('gate', 'approvals')
    expect(open.code).toBe(0)
    expect(open.stdout).toMatch(/^open pull\/1 .* approved by cy$/m)
  })

  test('closed with --attest -> what an earlier run left there is gone, and nothing else', async () => {
    const { cli, folder } = await weakened()
    const names = ['verdict.json', 'verdict.sigstore.json', 'notes.txt']
    mkdirSync(join(folder, 'out'))
    for (const name of names) writeFileSync(join(folder, 'out', name), '{}')
    expect((await cli('gate', 'approvals', '--attest', 'out')).code).toBe(1)
    expect(readdirSync(join(folder, 'out'))).toEqual(['notes.txt'])
  })

  test('rejected -> closed, and who said so', async () => {
    const { cli, keyFile } = await weakened()
    const rejected = await cli('changes', 'reject', '--key', keyFile, '--comment', 'too many')
    expect(rejected.stdout).toContain('rejected by cy: too many')
    expect((await cli('gate', 'approvals')).code).toBe(1)
  })

  test.for([
    { argv: ['--sigstore'], code: 'SIGSTORE_UNCONFIGURED' },
    { argv: ['--sigstore', '--key', 'key'], code: 'USAGE_INVALID' },
    { argv: ['--identity-token', 'token'], code: 'USAGE_INVALID' },
  ])('approved with $argv -> $code', async ({ argv, code }) => {
    const { cli } = await weakened()
    const ran = await cli('changes', 'approve', ...argv)
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(code)
  })

  test('sarif and github -> a mark on the line that weakens', async () => {
    const { cli } = await weakened()
    const sarif = await cli('gate', 'approvals', '--format', 'sarif')
    const artifactLocation = { uri: 'policies/rules.yaml' }
    expect(sarif.json).toMatchObject({
      runs: [
        { results: [{ level: 'error', locations: [{ physicalLocation: { artifactLocation } }] }] },
      ],
    })
    const github = await cli('gate', 'approvals', '--format', 'github')
    expect(github.stdout).toMatch(
      /^::error file=policies\/rules\.yaml,line=\d+,col=\d+,title=policy weaker::/,
    )
    expect(github.code).toBe(1)
  })

  test.for([
    { name: 'no such base', argv: ['gate', 'approvals', '--base', 'nowhere', '--head', 'change'] },
    {
      name: 'no number',
      argv: ['gate', 'approvals', '--pull', 'x', '--base', 'main', '--head', 'change'],
    },
    { name: 'no head', argv: ['gate', 'approvals', '--base', 'main'] },
    {
      name: 'a group of words',
      argv: ['gate', 'approvals', '--merge-group=a', '--base', 'main', '--head', 'change'],
    },
  ])('$name -> exit code 2', async ({ argv }) => {
    const { folder } = await changed(limit('limit: 3'))
    expect((await runCli(argv, { cwd: folder })).code).toBe(2)
  })

  test('show changes nothing, and exits 0', async () => {
    const { cli } = await weakened()
    const shown = await cli('changes', 'show')
    expect(shown).toMatchObject({ code: 0 })
    expect(shown.stdout).toContain('needs security')
  })
})
