import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
  const base = { ...baseFiles(), 'policies/roster.yaml': roster }
  const { folder } = await changed(limit('limit: 50'), { at: Date.now() - 60_000 }, base)
  const between = ['--base', 'main', '--head', 'change']
  return {
    cli: (...argv: string[]): Promise<Ran> => runCli([...argv, ...between], { cwd: folder }),
    folder,
    keyFile,
  }
}

describe('gate policy', () => {
  test('held, approved, allowed -> exit codes 1 and 0, and one document', async () => {
    const { cli, keyFile, folder } = await weakened()
    const step = { service: 'notes', action: 'write', payload: { text: 'milk' } }
    const session = { session: 'monday', agent: 'helper', steps: Array(6).fill(step) }
    writeFileSync(join(folder, 'trace.jsonl'), `${JSON.stringify(session)}\n`)
    const gate = ['gate', 'policy', '--pull', '1', '--format', 'json', '--trace', 'trace.jsonl']
    const held = await cli(...gate)
    expect(held.code).toBe(1)
    expect(held.json).toMatchObject({
      ...{ verdict: 'hold', base: { name: 'main' }, head: { name: 'change' } },
      counts: { flips: 1, flips_lenient: 1, weakened: 1 },
      changes: [{ part: 'rule', id: 'notes/too-many', change: 'weakened' }],
      flips: { flips: 1 },
      approvals: [{ verdict: 'closed', routes: [{ id: 'security', missing: 1 }] }],
      check: { errors: 0, fail_level: 'error' },
      tests: { passed: 2, failed: 0, failures: [], coverage: { rules: 50 } },
      annotations: expect.arrayContaining([expect.objectContaining({ id: 'policy weaker' })]),
    })
    await cli('changes', 'approve', '1', '--key', keyFile)
    const allowed = await cli(...gate)
    expect(allowed.code).toBe(0)
    expect(allowed.json).toMatchObject({ verdict: 'allow' })
  })

  test('each file holds its report, and the summary is added to', async () => {
    const { cli, folder } = await weakened()
    writeFileSync(join(folder, 'summary.md'), '# Before\n')
    const files = [
      '--summary',
      'summary.md',
      '--comment',
      'out/comment.md',
      '--sarif',
      'out/g.sarif',
    ]
    const ran = await cli('gate', 'policy', '--pull', '1', ...files, '--junit', 'out/g.xml')
    expect(ran.code).toBe(1)
    const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
    expect(text('summary.md')).toMatch(/^# Before\n## ⏳ Countersign: hold\n[\s\S]*```mermaid/)
    expect(text('out/comment.md')).toMatch(/^<!-- countersign:gate:policy -->\n/)
    expect(text('out/comment.md')).toMatch(/changes approve 1 --base main (?:\\\n {2})?--head /)
    expect(JSON.parse(text('out/g.sarif'))).toMatchObject({ version: '2.1.0' })
    expect(text('out/g.xml')).toContain('<testsuite name="reviews" tests="1" failures="1"')
  })

  test('no verdict -> reports that lay there are gone, and the summary stays', async () => {
    const { cli, folder } = await weakened()
    const lies = ['comment.md', 'gate.sarif', 'gate.xml', 'summary.md']
    for (const name of lies) writeFileSync(join(folder, name), 'allow')
    const names = ['--comment', '--sarif', '--junit', '--summary']
    const argv = names.flatMap((name, at) => [name, lies[at] ?? ''])
    const ran = await cli('gate', 'policy', '--pull', '1', '--trace', 'none.jsonl', ...argv)
    expect(ran.code).toBe(2)
    expect(lies.filter((name) => existsSync(join(folder, name)))).toEqual(['summary.md'])
  })

  test('a submodule in the place of the folder -> refused', async () => {
    const { cli, folder } = await weakened()
    mkdirSync(join(folder, 'bot'))
    writeFileSync(join(folder, 'bot/.git'), 'gitdir: ../.git\n')
    for (const policy of ['bot', 'bot/gone']) {
      const ran = await cli('gate', 'policy', '--policy', policy)
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('of its own within')])
    }
  })

  test.for([
    {
      format: 'github',
      want: /^::error file=policies\/rules\.yaml,line=10,col=\d+,title=policy weaker::/m,
    },
    { format: 'sarif', want: /"ruleId": "policy weaker"/ },
    { format: 'junit', want: /<failure type="hold" message="1 more of bo, cy">/ },
    { format: 'markdown', want: /^<!-- countersign:gate:policy -->/ },
    { format: 'pretty', want: /^hold 1 more for security$/m },
  ])('--format $format -> $want', async ({ format, want }) => {
    const { cli } = await weakened()
    const ran = await cli('gate', 'policy', '--pull', '1', '--format', format)
    expect(ran.code).toBe(1)
    expect(ran.stdout).toMatch(want)
  })

  test.for([
    { name: 'no base', argv: [] },
    { name: 'a base that is not there', argv: ['--base', 'nowhere', '--head', 'change'] },
    { name: 'no number', argv: ['--base', 'main', '--head', 'change', '--pull', 'x'] },
    {
      name: 'both kinds of reviews',
      argv: ['--base', 'main', '--pull', '1', '--merge-group', '1'],
    },
    { name: 'no share', argv: ['--base', 'main', '--head', 'change', '--min-coverage', '101'] },
    {
      name: 'a trace that is not there',
      argv: ['--base', 'main', '--head', 'change', '--trace', 'x'],
    },
  ])('$name -> exit code 2, and no report', async ({ argv }) => {
    const { folder } = await changed(limit('limit: 3'))
    const ran = await runCli(['gate', 'policy', ...argv, '--comment', 'c.md'], { cwd: folder })
    expect(ran.code).toBe(2)
    expect(existsSync(join(folder, 'c.md'))).toBe(false)
  })
})
