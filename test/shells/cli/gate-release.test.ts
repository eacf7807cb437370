import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../../src/base/digest.ts'
import {
  ARTEFACT,
  digestNamed,
  evidence,
  filesOf,
  manifest,
  openCase,
} from '../../app/gate/release-case.ts'
import { runCli } from './run.ts'

/** Evidence of this hour: the command asks the machine's clock. */
const fresh = (changes: Readonly<Record<string, string>> = {}) => {
  const at = new Date(Date.now() - 60_000).toISOString()
  const files = Object.entries(evidence(digestNamed())).map(
    ([path, text]) => [path, String(text).replaceAll('2026-11-21T09:00:00Z', at)] as const,
  )
  return openCase(filesOf(manifest(), { ...Object.fromEntries(files), ...changes }))
}

const gate = (cwd: string, ...argv: string[]) => runCli(['gate', 'release', ...argv], { cwd })

test('may ship -> 0; in every format', async () => {
  const folder = fresh()
  const named = ['clerk-2', '--artefact', 'clerk.tar=clerk.tar']
  const pretty = await gate(folder, ...named)
  expect(pretty).toMatchObject({ code: 0, stderr: '' })
  expect(pretty.stdout).toMatch(/^allow clerk-2 clerk 2\.0\.0 may ship/)
  const { json } = await gate(folder, ...named, '--format', 'json')
  expect(json).toMatchObject({ verdict: 'allow', release: { artefacts: [{ name: 'clerk.tar' }] } })
  const { stdout: markdown } = await gate(folder, ...named, '--format', 'markdown')
  expect(markdown).toMatch(/^<!-- countersign:gate:release -->\n\n<h3>✅ May ship:/)
  expect((await gate(folder, ...named, '--format', 'github')).stdout).toBe('')
})

test('11 of 12 -> 1, an annotation where the manifest asks for more, and what an earlier run left is gone', async () => {
  const metadata = { release_digest: digestNamed() }
  const at = new Date().toISOString()
  const folder = fresh({
    'evidence/refunds.json': JSON.stringify({ passed: 11, failed: 1, at, metadata }),
  })
  mkdirSync(join(folder, 'out'))
  for (const name of ['release.json', 'release.sigstore.json', 'notes.txt']) {
    writeFileSync(join(folder, 'out', name), '{}')
  }
  const ran = await gate(
    folder,
    'clerk-2',
    '--artefact',
    digestOf(ARTEFACT),
    '--attest',
    'out',
    '--format',
    'github',
  )
  expect(ran).toMatchObject({
    code: 1,
    stdout:
      '::error file=releases/clerk-2.yaml,line=10,col=9,title=RELEASE_MISSED::eval/refunds: 11/12 passed, of at least 12 (evidence/refunds.json)\n',
  })
  expect(readdirSync(join(folder, 'out'))).toEqual(['notes.txt'])
})

test('what the policy and evidence say stands in code', async () => {
  const folder = fresh({ 'agent/prompt.md': 'x' })
  const one = '<img>@everyone'
  const { stdout } = await gate(
    folder,
    'clerk-2',
    '--artefact',
    `${one}=clerk.tar`,
    '--format',
    'markdown',
  )
  expect(stdout).not.toContain('<img')
  expect(stdout).toContain('&lt;img&gt;@everyone')
})

test.for([
  { name: 'no name', argv: [], code: 'USAGE_INVALID' },
  { name: 'a name that is none', argv: ['clerk-9'], code: 'RELEASE_UNKNOWN' },
  {
    name: 'an artefact that is not there',
    argv: ['clerk-2', '--artefact', 'none'],
    code: 'FILE_UNREADABLE',
  },
  {
    name: '--verify without --trust',
    argv: ['--verify', 'x', '--artefact', 'clerk.tar'],
    code: 'USAGE_INVALID',
  },
  {
    name: '--verify without --artefact',
    argv: ['--verify', 'x', '--trust', 'x'],
    code: 'USAGE_INVALID',
  },
  {
    name: 'a policy digest that is none',
    argv: ['--verify', 'x', '--trust', 'x', '--artefact', 'clerk.tar', '--policy-digest', 'latest'],
    code: 'USAGE_INVALID',
  },
  {
    name: '--verify-rollback without --trust',
    argv: ['clerk-2', '--verify-rollback', 'x'],
    code: 'USAGE_INVALID',
  },
  {
    name: '--identity-token without --attest',
    argv: ['clerk-2', '--identity-token', 'x'],
    code: 'USAGE_INVALID',
  },
  ...[['--policy-digest', digestOf(ARTEFACT)], ['--require', 'EVIDENCE_BOUND'], ['--approved']].map(
    (flag) => ({
      name: `${flag[0]} without --verify`,
      argv: ['clerk-2', '--artefact', 'clerk.tar', ...flag],
      code: 'USAGE_INVALID',
    }),
  ),
  {
    name: 'a trust file that is not there',
    argv: ['--verify', 'x', '--trust', 'x', '--artefact', 'clerk.tar'],
    code: 'FILE_UNREADABLE',
  },
])('$name -> $code, 2', async ({ argv, code }) => {
  const ran = await gate(fresh(), ...argv)
  expect(ran.code).toBe(2)
  expect(ran.stderr).toContain(code)
})
