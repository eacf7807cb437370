/**
 * `npm run bench:approvals`: how soon an agent goes on after a review, and what many open requests cost, as one JSON
 * document on stdout. Against the fake GitHub, which is its API over a real bare repository; the peer of the same run is
 * what one would write first: each request asks for its own pull request and reviews, every poll interval.
 *
 * `--requests N` open requests (default 1000), `--reviews N` measured (default 5), `--seconds N` of watching (default 60).
 */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { lookAtRequests } from '../src/app/approvals/request-list.ts'
import { reviewRequest } from '../src/app/approvals/review.ts'
import { type Engine, engineOf } from '../src/app/engine/engine.ts'
import { closeParts, openParts } from '../src/app/engine/open-engine.ts'
import type { Parts } from '../src/app/engine/parts.ts'
import { settleRequest } from '../src/app/engine/resolve.ts'
import { openGithubForge } from '../src/host/forge-github.ts'
import { openWebhookListener } from '../src/host/webhooks/listener.ts'
import type { Forge, ReviewSigner } from '../src/model/ports.ts'
import type { FakeGithub } from '../test/support/fake-github/server.ts'
import { startFakeGithub } from '../test/support/fake-github/server.ts'
import { approvalsPolicy } from './approvals-policy.ts'
import { median } from './stats.ts'

const POLL_MS = 2_000
const SECRET = 'a secret of sixteen characters or more'
const GITHUB_CALLS_AN_HOUR = 5_000

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    reviews: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
  },
})

/** A forge, and engines on it. */
type Scene = {
  readonly github: FakeGithub
  readonly open: (folder: string) => Promise<{ readonly parts: Parts; readonly engine: Engine }>
  readonly folder: (name: string) => string
  readonly signer: ReviewSigner
  readonly close: () => Promise<void>
}

async function openScene(poll: string): Promise<Scene> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
  const github = await startFakeGithub({
    folder: join(root, 'approvals.git'),
    rateLimit: Number.MAX_SAFE_INTEGER,
  })
  const bot = github.addAccount('engine', { type: 'Bot' })
  const ana = github.addAccount('ana')
  const about = { apiUrl: github.url, account: ana.id, poll, keyFile: join(root, 'key') }
  const { bundle, signer } = await approvalsPolicy(about)
  // GitHub's own limit on changes, of some 80 a minute, is no part of what is measured.
  const forgeOf = (token: string): Forge =>
    openGithubForge({
      ...{ repository: 'acme/approvals', base: 'main', apiUrl: github.url },
      timing: { secondMs: 1, timeoutMs: 60_000 },
      credentials: () => ({ kind: 'token', token }),
    })
  const forge = () => ({
    ...forgeOf(bot.token),
    postReview: (...given: Parameters<Forge['postReview']>) =>
      forgeOf(ana.token).postReview(...given),
  })
  return {
    github,
    signer,
    folder: (name) => join(root, name),
    open: async (folder) => {
      const credential = { project: 'shop', agents: ['clerk'], role: 'agent' }
      const parts = await openParts({ bundle, store: folder, forge: forge(), credential })
      return { parts, engine: engineOf(parts, () => closeParts(parts)) }
    },
    close: async () => {
      await github.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const refund = (amount: number) => ({
  ...{ agent: 'clerk', service: 'shop', action: 'refund', payload: { amount } },
})

/** Posts an approval as a person elsewhere, whom the engine learns of only through the forge. */
async function post(parts: Parts, signer: ReviewSigner, id: string): Promise<void> {
  const blind = { ...parts, forge: { ...parts.forge, reviews: async () => [] } }
  await reviewRequest(blind, id, { verdict: 'approve' }, signer)
}

/** Milliseconds from the review's being posted to the agent's having its payload. */
async function resumptions(
  around: Scene,
  afterPost: (engine: Engine, pull: number) => Promise<void>,
  count: number,
): Promise<readonly number[]> {
  const { parts, engine } = await around.open(around.folder(`resume-${Math.random()}`))
  const taken: number[] = []
  for (let i = 0; i < count; i++) {
    const { request = '', resume = '' } = await engine.defer(refund(i + 1))
    const waiting = engine.wait(resume).then(({ payload }) => {
      if (payload === undefined) throw new Error('the agent got no payload')
      return performance.now()
    })
    await sleep(POLL_MS * (0.5 + i / count)) // Anywhere within the interval.
    await post(parts, around.signer, request)
    const posted = performance.now()
    await afterPost(engine, (await parts.store.request(request))?.pull ?? 0)
    taken.push((await waiting) - posted)
    await engine.sweep()
  }
  await engine.close()
  return taken
}

async function measureResuming(count: number): Promise<object> {
  const scene = await openScene(`${POLL_MS}ms`)
  const polled = await resumptions(scene, async () => undefined, count)
  let target: Engine | null = null
  const listener = await openWebhookListener({
    ...{ port: 0, secrets: [SECRET], now: Date.now },
    onPull: (pull) => target?.nudge(pull),
  })
  const deliver = async (engine: Engine, number: number): Promise<void> => {
    target = engine
    await sendWebhook(`http://127.0.0.1:${listener.port}/`, scene.github, number)
  }
  const pushed = await resumptions(scene, deliver, count)
  await listener.close()
  await scene.close()
  return {
    reviews: count,
    webhooks_ms: { median: median(pushed), max: Math.max(...pushed), aim: 1_000 },
    polling_ms: { median: median(polled), max: Math.max(...polled), aim: POLL_MS + 1_000 },
    poll_interval_ms: POLL_MS,
  }
}

/** As GitHub sends it when a review was submitted. */
async function sendWebhook(
  url: string,
  { state, pull }: FakeGithub,
  number: number,
): Promise<void> {
  const { branch } = pull(number)
  const body = JSON.stringify({
    action: 'submitted',
    pull_request: { number, head: { ref: branch } },
    repository: { id: state.id },
  })
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'pull_request_review',
      'x-github-delivery': crypto.randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    },
    body,
  })
  if (answer.status !== 202) throw new Error(`the listener answered ${answer.status}`)
}

/** What GitHub was asked since a moment, by operation. */
function callsSince({ seen, spent }: FakeGithub): () => {
  asked: number
  counted: number
  by: Record<string, number>
} {
  const [from, spentFrom] = [seen.length, spent()]
  return () => {
    const by: Record<string, number> = {}
    for (const { operation } of seen.slice(from)) by[operation] = (by[operation] ?? 0) + 1
    return { asked: seen.length - from, counted: spent() - spentFrom, by }
  }
}

async function measureMany(count: number, seconds: number): Promise<object> {
  const scene = await openScene('5s')
  const folder = scene.folder('many')
  const { parts, engine } = await scene.open(folder)
  const began = performance.now()
  const resumes: string[] = []
  for (let i = 0; i < count; i++) resumes.push((await engine.defer(refund(i + 1))).resume ?? '')
  const openedMs = performance.now() - began
  await settleDown(engine, scene.github)
  const listing = await measureListing(scene, folder)
  const ended = new AbortController()
  const waiters = resumes.map((resume) => waitOn(engine, resume, ended.signal))
  await engine.sweep()
  global.gc?.()
  const heapBefore = process.memoryUsage().heapUsed
  const calls = callsSince(scene.github)
  await sleep(seconds * 1_000)
  const idle = calls()
  for (let i = 0; i < 50; i++) await engine.sweep()
  global.gc?.()
  const heapAfter = process.memoryUsage().heapUsed
  ended.abort()
  await Promise.all(waiters)
  const plain = await measurePlain(scene, parts)
  await engine.close()
  await scene.close()
  const perHour = (n: number) => Math.round((n * 3_600) / seconds)
  return {
    requests: count,
    opening_ms_each: openedMs / count,
    listing_ms: { ...listing, aim: 1_000 },
    heap_growth_bytes: heapAfter - heapBefore,
    watched_seconds: seconds,
    calls_an_hour: {
      asked: perHour(idle.asked),
      counted: perHour(idle.counted),
      limit: GITHUB_CALLS_AN_HOUR,
      by_operation: idle.by,
    },
    plain: {
      calls_an_hour: { asked: plain.asked * 720, counted: plain.counted * 720 },
      round_ms: plain.ms,
      times_ours: (plain.asked * 720) / Math.max(1, perHour(idle.asked)),
    },
  }
}

/** Sweeps until nothing is left to look at: each opening is a change, which is looked at once. */
async function settleDown(engine: Engine, github: FakeGithub): Promise<void> {
  for (;;) {
    const calls = callsSince(github)
    await engine.sweep()
    if (Object.keys(calls().by).every((operation) => operation === 'pulls/list')) return
  }
}

async function waitOn(engine: Engine, resume: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await engine.wait(resume, { signal }).catch(() => undefined)
}

/** As `requests ls` does it, in a process of its own and in one that has listed before. */
async function measureListing(scene: Scene, folder: string) {
  const { parts, engine } = await scene.open(folder)
  const times: number[] = []
  for (let i = 0; i < 4; i++) {
    const start = performance.now()
    await lookAtRequests(parts, 'waiting')
    times.push(performance.now() - start)
  }
  await engine.close()
  const [first = 0, ...later] = times
  return { first, later: median(later) }
}

/** One interval of the plain implementation: every request asks for its own, with the same client and its ETags. */
async function measurePlain({ github }: Scene, parts: Parts) {
  const waiting = await parts.store.requests({ state: 'waiting' })
  for (const { request } of waiting) await settleRequest(parts, request.id)
  const calls = callsSince(github)
  const start = performance.now()
  for (const { request } of waiting) await settleRequest(parts, request.id)
  return { ...calls(), ms: performance.now() - start }
}

const resuming = await measureResuming(Number(values.reviews))
process.stderr.write(`${JSON.stringify(resuming)}\n`)
const many = await measureMany(Number(values.requests), Number(values.seconds))
process.stdout.write(`${JSON.stringify({ resuming, many }, null, 2)}\n`)
