import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ChangeQuery, judgeChange } from '../../../src/app/changes/judge-change.ts'
import type { ChangeReport } from '../../../src/model/policy-change.ts'
import type { ReviewSigner } from '../../../src/model/ports.ts'
import { GIT_NAMESPACE } from '../../../src/trust/verify/commit-signature.ts'
import { freshSigner, KEYS } from '../../fakes/review-case.ts'

/** When everything happens, Unix milliseconds. */
export const NOW = Date.parse('2026-11-21T09:05:00Z')

/** A key that no roster of the base has. */
export const STRANGER = freshSigner('stranger')

export type Files = Readonly<Record<string, string | null>>

const RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: notes/secret-in-note
    on: { service: notes, action: write }
    pattern: { path: payload.text, matches: '(?i)password' }
    then: deny
  - id: notes/too-many
    on: { service: notes, action: write }
    velocity: { limit: 5, per: 10m, by: [agent] }
    then: hold
    route: default
`

const ROUTES = `apiVersion: countersign/v1
kind: Routes
routes:
  - { id: default, reviewers: [ana, bo], time_out: 30m, signature: signed }
  - { id: security, reviewers: [bo, cy], quorum: 1, time_out: 30m, signature: signed }
  - { id: owners, reviewers: [ana, cy], quorum: 2, time_out: 30m, signature: signed }
`

const AGENTS = `apiVersion: countersign/v1
kind: Agent
agent: helper
scopes:
  - tools: [notes.*]
---
apiVersion: countersign/v1
kind: Tools
service: notes
tools:
  read: { effect: read }
  write: { effect: write }
`

const TESTS = `apiVersion: countersign/v1
kind: DecisionTest
defaults: { agent: helper, service: notes }
tests:
  - name: reading is allowed
    action: { action: read }
    expect: { verdict: allow }
  - name: a password is denied
    action: { action: write, payload: { text: password } }
    expect: { verdict: deny }
`

export const CHANGES = `
changes:
  weaker: { rules: security, routes: security, roster: owners, baselines: security, project: owners }
`

/** @param people - lines of `keys` and the like by person */
export function rosterOf(people: Readonly<Record<string, string>>): string {
  const entries = Object.entries(people).map(([id, text]) => `  - { id: ${id}, ${text} }\n`)
  return `apiVersion: countersign/v1\nkind: Roster\npeople:\n${entries.join('')}`
}

export function keysOf(signer: ReviewSigner, more = ''): string {
  return `keys: [{ fingerprint: "${signer.fingerprint}"${more} }]`
}

export const PEOPLE = {
  ana: keysOf(KEYS.ana),
  bo: keysOf(KEYS.bo),
  cy: keysOf(KEYS.cy),
  dee: keysOf(KEYS.dee),
}

/** The base branch: three routes, four people, two rules, two tests. */
export function baseFiles(project = CHANGES): Readonly<Record<string, string>> {
  return {
    'countersign.yaml': `apiVersion: countersign/v1\nkind: Project\nproject: minimal\ndefaults: { low: allow, medium: allow, high: deny, critical: deny }\n${project}`,
    'policies/agents.yaml': AGENTS,
    'policies/rules.yaml': RULES,
    'policies/routes.yaml': ROUTES,
    'policies/roster.yaml': rosterOf(PEOPLE),
    'tests/notes.yaml': TESTS,
  }
}

/** `limit: 5` as some other limit. */
export const limit = (text: string): Files => ({
  'policies/rules.yaml': RULES.replace('limit: 5', text),
})

export const rules = (from: string, to: string): Files => {
  if (!RULES.includes(from)) throw new Error(`no ${from}`)
  return { 'policies/rules.yaml': RULES.replace(from, to) }
}
export const routes = (from: string, to: string): Files => {
  if (!ROUTES.includes(from)) throw new Error(`no ${from}`)
  return { 'policies/routes.yaml': ROUTES.replace(from, to) }
}
export const tests = (from: string, to: string): Files => {
  if (!TESTS.includes(from)) throw new Error(`no ${from}`)
  return { 'tests/notes.yaml': TESTS.replace(from, to) }
}

export type Commit = {
  readonly name?: string
  readonly email?: string
  /** Unix milliseconds. Default: a minute before NOW. */
  readonly at?: number
  /** Who signs it; nobody by default. */
  readonly signer?: ReviewSigner
  readonly namespace?: string
  /** Changes the commit's text after it was signed. */
  readonly edit?: (text: string) => string
  readonly message?: string
  /** Default: `change`. */
  readonly branch?: string
  /** Where it begins. Default: the branch, where there is one. */
  readonly from?: string
  /** Parents after the first. */
  readonly merges?: readonly string[]
  /** Lines of git-fast-import(1) for what is no regular file. */
  readonly entries?: readonly string[]
}

export type Repository = ReturnType<typeof openRepository>

/** Repositories of a base, made once a run: a copy is quicker than another. */
const templates = new Map<string, string>()

function templateOf(files: Files): string {
  const key = JSON.stringify(files)
  const known = templates.get(key)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), 'countersign-base-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  gitIn(folder, ['init', '-q', '-b', 'main', '--template='])
  importCommit(folder, 'refs/heads/main', files, {})
  gitIn(folder, ['update-ref', 'refs/heads/change', 'refs/heads/main'])
  templates.set(key, folder)
  return folder
}

/** A real Git repository with the base on the branch `main`, and a branch `change` that is the same. No work tree. */
export function openRepository(files: Files = baseFiles()) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-change-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(templateOf(files), folder, { recursive: true })
  const git = (...args: readonly string[]): string => gitIn(folder, args)
  const commit = async (changes: Files, about: Commit = {}): Promise<string> => {
    const { branch = 'change', signer, edit } = about
    const ref = `refs/heads/${branch}`
    const oid = importCommit(folder, ref, changes, about)
    if (signer === undefined && edit === undefined) return oid
    let text = git('cat-file', 'commit', oid)
    if (signer !== undefined) {
      const armour = await signer.sign(Buffer.from(text), about.namespace ?? GIT_NAMESPACE)
      const lines = armour.trimEnd().split('\n').join('\n ')
      text = text.replace('\n\n', `\ngpgsig ${lines}\n\n`)
    }
    if (edit !== undefined) text = edit(text)
    const made = gitIn(folder, ['hash-object', '-t', 'commit', '-w', '--stdin'], text).trim()
    git('update-ref', ref, made)
    return made
  }
  const query = (about: Partial<ChangeQuery> = {}): ChangeQuery => ({
    ...{ folder, base: 'main', head: 'change', pull: 1, clock: () => NOW, environment: {} },
    ...about,
  })
  const judge = async (about: Partial<ChangeQuery> = {}): Promise<ChangeReport> =>
    (await judgeChange(query(about))).report
  return { folder, git, commit, query, judge }
}

/** git-fast-import(1): one process a commit. */
export function importCommit(folder: string, ref: string, files: Files, about: Commit): string {
  const { name = 'Pat', email = 'pat@example.com', at = NOW - 60_000 } = about
  const message = about.message ?? 'Change the policy\n'
  const who = `${name} <${email}> ${Math.floor(at / 1000)} +0000`
  const parent = about.from ?? (hasRef(folder, ref) ? `${ref}^0` : null)
  const entries = Object.entries(files).map(([path, text]) =>
    text === null
      ? `D ${path}\n`
      : `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  )
  const merged = (about.merges ?? []).map((one) => `merge ${one}\n`)
  const stream = [
    `commit ${ref}\nmark :1\nauthor ${who}\ncommitter ${who}\n`,
    `data ${Buffer.byteLength(message)}\n${message}\n`,
    parent === null ? '' : `from ${parent}\n`,
    ...merged,
    ...entries,
    ...(about.entries ?? []).map((line) => `${line}\n`),
    'get-mark :1\n',
  ]
  return gitIn(folder, ['fast-import', '--quiet', '--force'], stream.join('')).trim()
}

function hasRef(folder: string, ref: string): boolean {
  return existsSync(join(folder, '.git', ref)) || existsSync(join(folder, ref))
}

export function gitIn(folder: string, args: readonly string[], input = ''): string {
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  return execFileSync('git', [...args], {
    cwd: folder,
    env,
    input,
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

/** A repository whose branch `change` has these files. */
export async function changed(files: Files, about: Commit = {}, base?: Files): Promise<Repository> {
  const repository = openRepository(base)
  await repository.commit(files, about)
  return repository
}
