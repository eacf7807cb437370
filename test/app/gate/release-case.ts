import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { judgeRelease, type ReleaseQuery } from '../../../src/app/gate/release.ts'
import { digestOf } from '../../../src/base/digest.ts'
import type { CompiledRelease, Release } from '../../../src/model/generated/types.ts'
import { compileReleases } from '../../../src/policy/compile/release.ts'
import { filesDigest, releaseDigest } from '../../../src/policy/compile/release-digest.ts'
import { policyFiles } from '../support.ts'

// A policy repository with two releases of its clerk, the files that they are made of, and evidence. `clerk-1` is in the
// base; `clerk-2` is the one that is to ship.

export const NOW = Date.parse('2026-11-21T10:00:00Z')
export const MADE_AT = '2026-11-21T09:00:00Z'

export const PROMPT = 'You are a clerk.\n'
export const TOOLS = '{"tools": ["read_order", "refund"]}\n'
export const ARTEFACT = 'the artefact of clerk 2\n'
const OLD_ARTEFACT = 'the artefact of clerk 1\n'

/** A Release manifest as its author writes it, without `apiVersion` and `kind`. */
export type Manifest = Omit<Release, 'apiVersion' | 'kind'>

export const manifest = (changes: Partial<Manifest> = {}): Manifest => ({
  ...{ release: 'clerk-2', agent: 'clerk', version: '2.0.0' },
  model: { name: 'example-large', version: '2026-10-01' },
  prompt: { files: ['agent/prompt.md'], digest: listDigest('agent/prompt.md', PROMPT) },
  tools: { files: ['agent/tools.json'], digest: listDigest('agent/tools.json', TOOLS) },
  artefacts: [{ name: 'clerk.tar', digest: digestOf(ARTEFACT) }],
  evals: [
    {
      id: 'refunds',
      file: 'evidence/refunds.json',
      format: 'counts',
      need: { passed: 12, of: 12 },
    },
  ],
  latency: [{ file: 'evidence/latency.json', p95_ms: 4000, p50_ms: 1500 }],
  cost: { file: 'evidence/cost.json', usd_per_run: 0.05 },
  fallback: { route: 'payments' },
  rollback: { to: 'clerk-1' },
  ...changes,
})

export const first = (changes: Partial<Manifest> = {}): Manifest =>
  manifest({
    ...{ release: 'clerk-1', version: '1.0.0', rollback: { first: true } },
    artefacts: [{ name: 'clerk.tar', digest: digestOf(OLD_ARTEFACT) }],
    ...changes,
  })

function listDigest(path: string, text: string): string {
  return filesDigest([{ path, digest: digestOf(text) }])
}

export function compiled(one: Manifest): CompiledRelease {
  const value = { apiVersion: 'countersign/v1', kind: 'Release', ...one } as Release
  const place = { file: 'releases/r.yaml', line: 1, column: 1 }
  const [release] = compileReleases({
    releases: [{ value, at: () => place, keyAt: () => place }],
  }).releases ?? [undefined]
  if (release === undefined) throw new Error('no release')
  return release
}

/** The digest that evidence of a release names. */
export const digestNamed = (one: Manifest = manifest()): string => releaseDigest(compiled(one))

export type Files = Readonly<Record<string, string | null>>

export const yaml = (one: object): string =>
  `apiVersion: countersign/v1\nkind: Release\n${Object.entries(one)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')}`

const TESTS = `apiVersion: countersign/v1
kind: DecisionTest
tests:
  - name: the clerk reads orders
    action: { agent: clerk, service: shop, action: read_order, payload: { id: 1 } }
    expect: { verdict: allow }
`

export function evidence(name: string, changes: Files = {}): Files {
  const metadata = { release_digest: name }
  return {
    'evidence/refunds.json': JSON.stringify({ passed: 12, failed: 0, at: MADE_AT, metadata }),
    'evidence/latency.json': JSON.stringify({
      ...{ count: 40, p50_ms: 900, p95_ms: 3200, at: MADE_AT, metadata },
    }),
    'evidence/cost.json': JSON.stringify({ runs: 40, usd: 1.2, at: MADE_AT, metadata }),
    ...changes,
  }
}

export function filesOf(one: Manifest = manifest(), changes: Files = {}): Files {
  return {
    ...Object.fromEntries(policyFiles({ 'tests/clerk.yaml': TESTS })),
    'releases/clerk-1.yaml': yaml(first()),
    'releases/clerk-2.yaml': yaml(one),
    'agent/prompt.md': PROMPT,
    'agent/tools.json': TOOLS,
    'clerk.tar': ARTEFACT,
    ...evidence(digestNamed(one)),
    ...changes,
  }
}

/** Writes files; a text of null is no file. */
export function write(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

export function git(folder: string, ...args: readonly string[]): string {
  const who = [
    '-c',
    'user.name=Pat',
    '-c',
    'user.email=pat@example.com',
    '-c',
    'commit.gpgsign=false',
  ]
  return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' })
}

/** @param base - the files of the base branch, which is what is checked out; null for no repository */
export function openCase(
  files: Files = filesOf(),
  base: Files | null = { ...filesOf(), 'releases/clerk-2.yaml': null },
): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  if (base !== null) {
    write(folder, base)
    git(folder, 'init', '-q', '-b', 'main', '--template=')
    git(folder, 'add', '.')
    git(folder, 'commit', '-q', '-m', 'Start')
    for (const path of Object.keys(base)) rmSync(join(folder, path), { force: true })
  }
  write(folder, files)
  return folder
}

export function queryOf(folder: string, changes: Partial<ReleaseQuery> = {}): ReleaseQuery {
  return {
    ...{ folder, name: 'clerk-2', source: folder, evidence: folder },
    artefacts: [{ name: null, at: join(folder, 'clerk.tar') }],
    rollback: { base: null },
    clock: () => NOW,
    ...changes,
  }
}

export const judgeCase = (folder: string, changes: Partial<ReleaseQuery> = {}) =>
  judgeRelease(queryOf(folder, changes))
