import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../src/app/engine/open-engine.ts'
import type { Action } from '../src/model/generated/types.ts'
import { writeBundle } from '../src/policy/bundle/index.ts'
import type { Prepared } from './in-process.ts'
import { benchInputs, PASS_MS, SPACING_MS } from './inputs.ts'
import { CREDENTIAL, START, subjectOf } from './ours.ts'
import type { RegoChoice } from './policy-files.ts'
import { type Figures, medians, overlapping } from './stats.ts'

export type DurableReport = {
  readonly rules: number
  readonly rego: RegoChoice
  readonly callers: number
  /** `decide` of the engine: state, sealed inputs, receipt, log tiles and checkpoint on disk before it answers. */
  readonly decide: Figures
  /** One appended record of 1 KiB a decision, synced; with several callers they share one write and one sync. */
  readonly append: Figures
}

export const CALLERS: readonly number[] = [1, 64]

/** Where the durable part writes. */
export function diskOf(): { readonly folder: string; readonly file_system: string } {
  const folder = tmpdir()
  const { type } = statfsSync(folder)
  return { folder, file_system: FILE_SYSTEMS.get(type) ?? `0x${type.toString(16)}` }
}

/**
 * Measures `decide` and the raw append in turns, in a new folder. Held actions are left out: each would open a pull
 * request, whose cost is Git's.
 */
export async function measureDurable(
  prepared: Prepared,
  effort: { readonly rounds: number; readonly roundMs: number },
): Promise<readonly DurableReport[]> {
  const { rules, rego, bundle } = prepared
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
  const actions = actionsNotHeld(prepared)
  let now = START
  const engine = await open({
    bundle: writeBundle(bundle),
    store: join(folder, 'store'),
    credential: CREDENTIAL,
    clock: () => now,
  })
  let count = 0
  const decide = async (): Promise<void> => {
    const at = count % actions.length
    // The engine reads its clock before it first waits, so that each decision has the time set here.
    now = START + Math.floor(count / actions.length) * PASS_MS + at * SPACING_MS
    count += 1
    const { verdict } = await engine.decide(actions[at]!)
    if (verdict === 'hold') throw new Error('an action was held that was not before')
  }
  const fd = openSync(join(folder, 'append'), 'a')
  const rounds = CALLERS.map((callers) => ({
    callers,
    decide: [] as Figures[],
    append: [] as Figures[],
  }))
  try {
    for (const { callers } of rounds) await callFor(effort.roundMs / 2, callers, decide)
    for (let round = 0; round < effort.rounds; round++) {
      for (const one of rounds) {
        one.decide.push(await callFor(effort.roundMs, one.callers, decide))
        one.append.push(appendFor(effort.roundMs, one.callers, fd))
      }
    }
  } finally {
    closeSync(fd)
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return rounds.map((one) => ({
    rules,
    rego,
    callers: one.callers,
    decide: medians(one.decide),
    append: medians(one.append),
  }))
}

const RECORD_BYTES = 1024

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
  [0x01021994, 'tmpfs (in memory: syncing costs nothing)'],
])

function actionsNotHeld({ rules, tools, bundle }: Prepared): readonly Action[] {
  const inputs = benchInputs(rules, undefined, tools)
  const verdicts = subjectOf(bundle, inputs).verdicts()
  return inputs
    .filter((_, at) => verdicts[at] !== 'hold')
    .map(({ action }) => action as unknown as Action)
}

async function callFor(ms: number, callers: number, call: () => Promise<void>): Promise<Figures> {
  const nanos: number[] = []
  const start = performance.now()
  const caller = async () => {
    while (performance.now() - start < ms) {
      const began = performance.now()
      await call()
      nanos.push((performance.now() - began) * 1e6)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return overlapping(nanos, performance.now() - start)
}

function appendFor(ms: number, callers: number, fd: number): Figures {
  const records = Buffer.alloc(RECORD_BYTES * callers, 'x')
  const nanos: number[] = []
  const start = performance.now()
  while (performance.now() - start < ms) {
    const began = performance.now()
    writeSync(fd, records)
    fdatasyncSync(fd)
    const took = (performance.now() - began) * 1e6
    for (let record = 0; record < callers; record++) nanos.push(took)
  }
  return overlapping(nanos, performance.now() - start)
}
