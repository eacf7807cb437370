import { spawn } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { closeParts, openParts } from '../../src/app/engine/open-engine.ts'
import type { Parts } from '../../src/app/engine/parts.ts'
import { verifyLogFolder } from '../../src/app/receipts/receipts.ts'
import { sha256 } from '../../src/base/digest.ts'
import { readLogFiles, readNote } from '../../src/host/log-folder.ts'
import type { DecisionReceipt } from '../../src/model/generated/types.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { writeBundle } from '../../src/policy/bundle/index.ts'
import { parseCheckpoint } from '../../src/trust/receipt/checkpoint.ts'
import { encodeLeafHash } from '../../src/trust/receipt/index.ts'
import { parseTilePath, tilePath, tilesOf } from '../../src/trust/receipt/tiles.ts'
import { verifyLog } from '../../src/trust/verify/index.ts'
import { CREDENTIAL } from '../app/support.ts'
import { removeLocks } from './locks.ts'
import type { Acknowledgement, Call, ChildLine, Orders } from './workload.ts'
import { callsOf } from './workload.ts'

export type CrashPlan = {
  readonly folder: string
  readonly bundle: Bundle
  readonly kills: number
  /** Decisions that each run would make if it lived. */
  readonly calls: number
  /** Decisions of a second engine over the same store, which lives on beside each that is killed. Default: none. */
  readonly besideCalls?: number
  readonly seed: number
}

/** Where the kills struck, and what the log came to. */
export type CrashReport = {
  readonly kills: { opening: number; deciding: number; tooLate: number }
  /** Kills that left decisions in the store which the log did not have yet, or files half-way to the log. */
  readonly publishing: number
  /** Lock files that killed gits left in the forge. */
  readonly locks: number
  readonly acknowledged: number
  /** In the log, though the kill cut their answers off. */
  readonly unheard: number
  /** Asked again with their key after the kill, and answered with the decision that the log had. */
  readonly recalled: number
  readonly size: number
  readonly requests: number
}

/**
 * Kills the engine again and again over one store, and checks after each kill that what it acknowledged is there:
 * first in the log as it lies, then after opening the store again.
 */
export async function killRepeatedly(plan: CrashPlan): Promise<CrashReport> {
  const ledger = new Ledger()
  const bundle = join(plan.folder, 'policy.bundle')
  const store = join(plan.folder, 'data')
  writeFileSync(bundle, writeBundle(plan.bundle))
  const kills = { opening: 0, deciding: 0, tooLate: 0 }
  let publishing = 0
  let locks = 0
  let again: Call[] = []
  let openingMs = 800
  for (let run = 0; run < plan.kills; run++) {
    const orders: Orders = { store, bundle, run, calls: plan.calls, again }
    const [life, beside] = await Promise.all([
      runAndKill(orders, moment(plan, run, openingMs)),
      liveBeside({ store, bundle, run: plan.kills + 1 + run, calls: plan.besideCalls ?? 0 }),
    ])
    ledger.hear([...life.lines, ...beside])
    if (life.group) locks += removeLocks(join(store, 'forge.git'))
    if (life.openedMs !== null) openingMs = life.openedMs
    kills[life.killed ? (life.openedMs === null ? 'opening' : 'deciding') : 'tooLate'] += 1
    const lying = checkAsItLies(join(store, 'log'), ledger)
    const { size } = await checkReopened(store, plan.bundle, ledger)
    if (lying.halfWay || lying.size < size) publishing += 1
    again = unanswered(orders, ledger)
  }
  const last = { store, bundle, run: plan.kills, calls: plan.calls, again }
  const life = await runAndKill(last, null)
  expect(life.lines.at(-1)).toEqual({ done: plan.kills })
  ledger.hear(life.lines)
  return {
    kills,
    publishing,
    locks,
    ...(await checkReopened(store, plan.bundle, ledger)),
    ...ledger.counts(),
  }
}

/** An engine that nobody kills: it ends well, whatever happens to its neighbour. */
async function liveBeside(orders: Omit<Orders, 'again'>): Promise<readonly ChildLine[]> {
  if (orders.calls === 0) return []
  const { lines } = await runAndKill({ ...orders, again: [] }, null)
  expect(lines.at(-1)).toEqual({ done: orders.run })
  return lines
}

/** When to kill: some milliseconds after the start, or after so many answers. */
type Moment = { readonly answers: number; readonly ms: number; readonly group: boolean }

/** Drawn from the seed: every fifth while opening, the others anywhere among the decisions. */
function moment(plan: CrashPlan, run: number, openingMs: number): Moment {
  const draw = (what: string) =>
    Buffer.from(sha256(Buffer.from(`${plan.seed}/${run}/${what}`))).readUInt32BE() / 2 ** 32
  // A power cut takes the git processes too.
  const group = run % 2 === 1
  if (run % 5 === 2) return { answers: 0, ms: draw('ms') * openingMs, group }
  return { answers: 1 + Math.floor(draw('answers') * plan.calls), ms: draw('ms') * 12, group }
}

type Life = {
  readonly lines: readonly ChildLine[]
  readonly killed: boolean
  /** Whether its git processes were killed with it. */
  readonly group: boolean
  /** Milliseconds from the start to the open engine; null when it was not to be. */
  readonly openedMs: number | null
}

function runAndKill(orders: Orders, when: Moment | null): Promise<Life> {
  const program = join(import.meta.dirname, 'engine-child.ts')
  const started = performance.now()
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // A group of its own, so that all of it can be killed.
  })
  const lines: ChildLine[] = []
  let openedMs: number | null = null
  let answers = 0
  let complaints = ''
  const strike = async () => {
    if (when === null) return
    await sleep(when.ms)
    if (child.pid === undefined || child.exitCode !== null) return
    try {
      process.kill(when.group ? -child.pid : child.pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  if (when?.answers === 0) void strike()
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as ChildLine
    lines.push(line)
    if ('opened' in line) openedMs = performance.now() - started
    else if (++answers === when?.answers) void strike()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') {
        resolve({ lines, killed: signal === 'SIGKILL', group: when?.group === true, openedMs })
      } else reject(new Error(`the engine ended with ${code ?? signal}: ${complaints}`))
    })
  })
}

/** Keyed calls without an answer, of the last run: nobody knows whether they were decided. */
function unanswered({ run, calls, again }: Orders, ledger: Ledger): Call[] {
  return [...again, ...callsOf(run, calls)]
    .filter(({ key, session }) => key !== null && !ledger.heard(session))
    .slice(0, 80)
}

/** Everything that was acknowledged, by the call. A call is answered once, or with the same answer again. */
class Ledger {
  readonly #bySession = new Map<string, Acknowledgement>()
  readonly #decisions = new Set<string>()
  readonly #indexes = new Set<number>()
  /** Calls that the log had when nobody had heard an answer. */
  readonly #unheard = new Map<string, number>()
  #recalled = 0

  hear(lines: readonly ChildLine[]): void {
    for (const line of lines) {
      if (!('session' in line)) continue
      expect(this.#bySession.has(line.session), `${line.session} was answered twice`).toBe(false)
      expect(this.#decisions.has(line.decision), `${line.decision} acknowledged twice`).toBe(false)
      expect(this.#indexes.has(line.index), `index ${line.index} acknowledged twice`).toBe(false)
      const known = this.#unheard.get(line.session)
      if (known !== undefined) {
        // The decision was in the log before: its answer is that one and no second decision.
        expect(line.index, `${line.session} was decided twice`).toBe(known)
        this.#recalled += 1
      }
      this.#bySession.set(line.session, line)
      this.#decisions.add(line.decision)
      this.#indexes.add(line.index)
    }
  }

  heard(session: string): boolean {
    return this.#bySession.has(session)
  }

  all(): Iterable<Acknowledgement> {
    return this.#bySession.values()
  }

  noteUnheard(session: string, index: number): void {
    this.#unheard.set(session, index)
  }

  counts() {
    return {
      acknowledged: this.#bySession.size,
      unheard: this.#unheard.size,
      recalled: this.#recalled,
    }
  }
}

/** The folder right after the kill, before anything repairs it: what its checkpoint calls for verifies. */
function checkAsItLies(log: string, ledger: Ledger): { size: number; halfWay: boolean } {
  const acknowledged = [...ledger.all()]
  const drafts = existsSync(`${log}.tmp`) && readdirSync(`${log}.tmp`).length > 0
  const note = readNote(log)
  if (note === null) {
    // Killed before the first checkpoint: then nobody has been told anything.
    expect(acknowledged).toEqual([])
    return { size: 0, halfWay: drafts }
  }
  const files = readLogFiles(log)
  const { size } = parseCheckpoint(note)
  const called = new Set(['checkpoint', ...[...tilesOf(size)].map(tilePath)])
  const beyond = [...files.keys()].filter((path) => !called.has(path))
  expect(beyond.filter((path) => parseTilePath(path) === null)).toEqual([])
  const kept = new Map([...files].filter(([path]) => called.has(path)))
  const report = verifyLog(kept)
  expect(report.problems).toEqual([])
  expect(report.status).toBe('self-consistent; key not pinned')
  const entries = entriesOf(kept)
  for (const { session, index, leaf } of acknowledged) {
    expect(encodeLeafHash(entries[index] ?? new Uint8Array()), session).toBe(leaf)
  }
  return { size, halfWay: drafts || beyond.length > 0 }
}

/** The entries of a log that has been verified, in order. */
function entriesOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array[] {
  const bundles = [...files].flatMap(([path, bytes]) => {
    const tile = parseTilePath(path)
    return tile?.kind === 'entries' ? [{ index: tile.index, bytes }] : []
  })
  const entries: Uint8Array[] = []
  for (const { bytes } of bundles.sort((a, b) => a.index - b.index)) {
    const view = Buffer.from(bytes)
    for (let at = 0; at < view.length; ) {
      const length = view.readUInt16BE(at)
      entries.push(view.subarray(at + 2, at + 2 + length))
      at += 2 + length
    }
  }
  return entries
}

/** The store opened again: log and store agree, every call stands in them once, every hold has its pull request. */
async function checkReopened(
  store: string,
  bundle: Bundle,
  ledger: Ledger,
): Promise<{ size: number; requests: number }> {
  const parts = await openParts({ bundle, store, credential: CREDENTIAL })
  try {
    const log = join(store, 'log')
    const report = verifyLogFolder(log)
    expect(report.problems).toEqual([])
    const size = await parts.store.size()
    expect(report.size).toBe(size)
    const entries = entriesOf(readLogFiles(log))
    expect(entries).toHaveLength(size)
    const requests = await checkEntries(parts, entries, ledger)
    return { size, requests }
  } finally {
    await closeParts(parts)
  }
}

async function checkEntries(
  parts: Parts,
  entries: readonly Uint8Array[],
  ledger: Ledger,
): Promise<number> {
  const indexes = new Map<string, number>()
  let holds = 0
  for (const [index, entry] of entries.entries()) {
    if (index === 0) continue
    const { predicate } = JSON.parse(Buffer.from(entry).toString('utf8')) as DecisionReceipt
    const session = String(predicate.action['session'])
    expect(indexes.has(session), `${session} stands in the log twice`).toBe(false)
    indexes.set(session, index)
    if (predicate.decision === 'hold') holds += 1
    if (!ledger.heard(session)) ledger.noteUnheard(session, index)
  }
  for (const { session, index, leaf, decision, request } of ledger.all()) {
    expect(encodeLeafHash(entries[index] ?? new Uint8Array()), session).toBe(leaf)
    expect(indexes.get(session), session).toBe(index)
    expect((await parts.store.decision(decision))?.index, session).toBe(index)
    if (request !== null) expect((await parts.store.request(request))?.heldAt).toBe(index)
  }
  const requests = await parts.store.requests({ state: 'all' })
  expect(requests).toHaveLength(holds)
  // Opening finishes what the kill cut short, each pull request once.
  expect(new Set(requests.map(({ pull }) => pull)).size).toBe(holds)
  expect(requests.filter(({ pull }) => pull === null)).toEqual([])
  return requests.length
}
