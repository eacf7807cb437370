import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { type Review, reviewRequest } from '../../../src/app/approvals/review.ts'
import { readBaselineText } from '../../../src/app/baseline/files.ts'
import type { BaselineDocument } from '../../../src/decide/behaviour/text.ts'
import type { Ran } from '../../shells/cli/run.ts'
import { runCli } from '../../shells/cli/run.ts'
import {
  bundleOf,
  type Opened,
  openTest,
  policyFiles,
  signerOf,
  temporaryFolder,
} from '../support.ts'

const GIT_ENV = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ana',
  GIT_AUTHOR_EMAIL: 'ana@example.com',
  GIT_COMMITTER_NAME: 'Ana',
  GIT_COMMITTER_EMAIL: 'ana@example.com',
}

export function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd, env: GIT_ENV, encoding: 'utf8' })
}

export const FILE = 'policies/baselines/clerk.yaml'

/** A policy repository in Git, on the branch `main`, with all that lies in it committed. */
export function policyRepository(changes: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder()
  for (const [path, text] of policyFiles(changes)) write(folder, path, text)
  git(folder, 'init', '-q', '-b', 'main')
  return commitAll(folder, 'Start')
}

export function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

export function commitAll(folder: string, message: string): string {
  git(folder, 'add', '-A')
  git(folder, 'commit', '-qm', message)
  return folder
}

/** The baseline as a revision has it, or as it lies in the work tree. */
export function baselineAt(folder: string, revision: string | null = 'main'): BaselineDocument {
  const text =
    revision === null
      ? readFileSync(join(folder, FILE), 'utf8')
      : git(folder, 'show', `${revision}:${FILE}`)
  return readBaselineText(FILE, text).document
}

/** The count, approvals and rejections of a transition. */
export function edgeOf(
  { snapshot }: BaselineDocument,
  from: string,
  to: string,
): { count: number; sessions: number; approvals: number; rejections: number } {
  const name = (id: number): string => ['^', '$', ...snapshot.nodes][id] ?? ''
  const found = { count: 0, sessions: 0, approvals: 0, rejections: 0 }
  for (let i = 0; i < snapshot.paths.length; i += 5) {
    const [, a = 0, b = 0, count = 0] = snapshot.paths.slice(i, i + 5)
    if (name(a) === from && name(b) === to) found.count += count
  }
  for (let i = 0; i < snapshot.edges.length; i += 5) {
    const [a = 0, b = 0, sessions = 0, approvals = 0, rejections = 0] = snapshot.edges.slice(
      i,
      i + 5,
    )
    if (name(a) === from && name(b) === to)
      Object.assign(found, { sessions, approvals, rejections })
  }
  return found
}

/** An engine whose clock the test moves. */
export type Shop = Opened & { now: number; readonly wait: (ms: number) => void }

export const MINUTE = 60_000

export async function openShop(
  options: { readonly folder?: string; readonly files?: Readonly<Record<string, string>> } = {},
): Promise<Shop> {
  const shop = {
    now: Date.parse('2026-11-21T08:00:00Z'),
    wait: (ms: number) => {
      shop.now += ms
    },
  } as Shop
  const opened = await openTest({
    bundle: await bundleOf(options.files),
    clock: () => shop.now,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  })
  return Object.assign(shop, opened)
}

/** One call; the words are `action` or `action:argument`. A request's id when it was held. */
export async function call(
  shop: Shop,
  session: string,
  word: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string | undefined> {
  const [action = '', argument = ''] = word.split(':')
  shop.wait(1_000)
  const outcome = await shop.engine.decide({
    agent: 'clerk',
    session,
    service: 'shop',
    action,
    payload: { amount: 5, what: argument },
    ...more,
  } as never)
  return outcome.request?.id
}

/** The calls of a session, one after another. */
export async function session(
  shop: Shop,
  name: string,
  ...words: readonly string[]
): Promise<void> {
  for (const word of words) await call(shop, name, word)
}

/** Lets every session so far end: the newest entry of the log is long after them. */
export async function letEnd(shop: Shop): Promise<void> {
  shop.wait(40 * MINUTE)
  await call(shop, `later-${shop.now}`, 'read_order')
}

export async function review(shop: Shop, request: string | undefined, what: Review): Promise<void> {
  shop.wait(1_000)
  await reviewRequest(shop.parts, String(request), what, await signerOf('ana'))
}

/** Runs `baseline …` for the agent of the tests, in the policy repository. */
export async function baseline(folder: string, ...words: readonly string[]): Promise<Ran> {
  const [command = '', ...rest] = words
  return runCli(['baseline', command, 'clerk', ...rest], { cwd: folder })
}

/** The same, which must succeed and print one JSON document. */
export async function baselineJson(
  folder: string,
  ...words: readonly string[]
): Promise<Record<string, unknown>> {
  const ran = await baseline(folder, ...words, '--format', 'json')
  expect(ran, ran.stderr).toMatchObject({ code: 0 })
  return ran.json as Record<string, unknown>
}

/** Recorded sessions of the agent as one trace; each is a list of actions, so many times. */
export function traceOf(sessions: Readonly<Record<string, number>>, name = 'trace'): string {
  const lines = Object.entries(sessions).flatMap(([words, times]) =>
    Array.from({ length: times }, (_, i) => ({
      session: `${name}/${words}/${i}`,
      agent: 'clerk',
      steps: words.split(' ').map((action, at) => ({
        service: 'shop',
        action,
        payload: { id: `${i}-${at}` },
      })),
    })),
  )
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

const copies = new Map<string, string>()

/** A copy of what `make` made the first time, in a folder of its own: learning takes longer than copying. */
export async function copyOf(name: string, make: () => Promise<string>): Promise<string> {
  let made = copies.get(name)
  if (made === undefined) {
    made = mkdtempSync(join(tmpdir(), 'countersign-copy-'))
    cpSync(await make(), made, { recursive: true })
    copies.set(name, made)
  }
  const folder = temporaryFolder()
  cpSync(made, folder, { recursive: true })
  return folder
}

afterAll(() => {
  for (const folder of copies.values()) rmSync(folder, { recursive: true, force: true })
})

/** Learns a trace, commits the baseline as a person does, and gives it back. */
export async function reviewedBaseline(
  folder: string,
  sessions: Readonly<Record<string, number>>,
  edit: (text: string) => string = (text) => text,
): Promise<BaselineDocument> {
  write(folder, 'traces/first.jsonl', traceOf(sessions, 'first'))
  await baselineJson(folder, 'learn', '--trace', 'traces/first.jsonl')
  write(folder, FILE, edit(readFileSync(join(folder, FILE), 'utf8')))
  commitAll(folder, 'Learn')
  return baselineAt(folder)
}
