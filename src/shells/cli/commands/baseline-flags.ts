import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { BaselineOwner } from '../../../app/baseline/files.ts'
import type { LearnSettings } from '../../../app/baseline/learn.ts'
import type { SessionSource } from '../../../app/baseline/version.ts'
import { parseDuration } from '../../../base/duration.ts'
import { usage } from '../options.ts'
import type { Cli } from '../output.ts'

export type OwnerFlags = {
  readonly policy?: string
  readonly fingerprint?: string
  readonly format: string
}

export type LearnFlags = OwnerFlags & {
  readonly trace?: readonly string[]
  readonly data?: string
  readonly idle: string
  readonly rate?: string
  readonly halfLife?: string
}

/** Adds the agent, and `--fingerprint`. */
export function withOwner(command: Command): Command {
  return command
    .argument('<agent>', 'the agent whose baseline it is')
    .option(
      '--fingerprint <fingerprint>',
      'the baseline of this fingerprint alone (default: of all that have none of their own)',
    )
}

/** Adds where to learn from, and what the baseline is to be. */
export function withLearning(command: Command): Command {
  return command
    .option('--trace <file...>', 'recorded sessions to learn from, as replay reads them')
    .addOption(
      new Option(
        '--data <dir>',
        "the engine's folder, whose decisions to learn from (default: .countersign)",
      ).conflicts('trace'),
    )
    .option('--idle <duration>', 'a session has ended when nothing came of it for so long', '30m')
    .option('--rate <share>', 'the share of normal sessions that may raise an alarm (first: 0.02)')
    .option('--half-life <sessions>', 'after how many sessions an unused path counts half')
}

export function ownerOf(agent: string, { fingerprint }: OwnerFlags): BaselineOwner {
  return { agent, fingerprint: fingerprint ?? null }
}

/** @throws {PolicyError} DURATION_INVALID */
export function sourceOf(
  cli: Cli,
  { trace, data, idle }: LearnFlags,
  show: (text: string) => void,
): SessionSource {
  const at = (path: string): string => resolve(cli.io.cwd, path)
  if (trace !== undefined) return { traces: trace.map(at) }
  return {
    data: at(data ?? '.countersign'),
    idleMs: parseDuration(idle),
    onProgress: (count) => show(`reading: ${count} receipts`),
  }
}

/** @throws {PolicyError} USAGE_INVALID */
export function settingsOf({ rate, halfLife }: LearnFlags): LearnSettings {
  return {
    ...(rate === undefined ? {} : { rate: rateNumber(rate) }),
    ...(halfLife === undefined ? {} : { halfLife: sessionCount(halfLife) }),
  }
}

/** @throws {PolicyError} USAGE_INVALID */
export function versionNumber(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw usage(`expected --to to be the number of a version, found ${text}`)
}

/** @throws {PolicyError} USAGE_INVALID */
export function exampleCount(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw usage(`expected --examples to be a whole number up to 9999, found ${text}`)
}

function rateNumber(text: string): number {
  const rate = Number(text)
  if (/^0?\.\d{1,6}$/.test(text) && rate >= RATE_MIN && rate <= RATE_MAX) return rate
  throw usage(`expected --rate to be a share from ${RATE_MIN} to ${RATE_MAX}, found ${text}`)
}

// As `schemas/baseline.schema.json` has them.
const RATE_MIN = 0.002
const RATE_MAX = 0.5

function sessionCount(text: string): number {
  const sessions = Number(text)
  if (/^[1-9]\d{0,6}$/.test(text) && sessions <= HALF_LIFE_MAX) return sessions
  throw usage(`expected --half-life to be a number of sessions up to ${HALF_LIFE_MAX}`)
}

const HALF_LIFE_MAX = 1_000_000
