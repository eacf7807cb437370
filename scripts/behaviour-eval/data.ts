import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One tool call of a recorded session. */
export type Call = {
  readonly service: string
  readonly action: string
  /** A digest of the arguments; null when there is none. */
  readonly args: string | null
}

export type RecordedSession = {
  readonly id: string
  readonly task: string
  readonly calls: readonly Call[]
}

/** A benign session with an attack put in. */
export type AttackSession = RecordedSession & {
  /** The benign session that the attack was made from. */
  readonly base: string
  readonly family: string
  /** Index of the first call that was put in or moved. */
  readonly attackAt: number
}

/** What one kind of agent did, and the attacks on it. */
export type Domain = {
  readonly name: string
  readonly sessions: readonly RecordedSession[]
  readonly attacks: readonly AttackSession[]
}

/** Block traces of a file system: sessions to learn from, and benign and odd ones to tell apart. */
export type BlockTraces = {
  readonly train: readonly RecordedSession[]
  readonly benign: readonly RecordedSession[]
  readonly odd: readonly RecordedSession[]
}

export type Data = {
  readonly domains: readonly Domain[]
  readonly hdfs: BlockTraces | null
  /** What was left out because a file is missing. */
  readonly leftOut: readonly string[]
}

/** The folder holds no domain at all. */
export class DataMissingError extends Error {
  override readonly name = 'DataMissingError'
}

/** These are named when they are missing; what else the folder holds is taken. */
const DOMAINS = ['retail', 'airline']

/** A session of fewer calls has no order that could be odd. */
const CALLS_MIN = 2

/**
 * The sessions in a folder's `tau_<domain>_{benign,attack}.jsonl` and `hdfs_{benign,attack}.jsonl`.
 *
 * @throws {DataMissingError} when the folder holds none of them whole
 */
export function readData(folder: string): Data {
  const leftOut: string[] = []
  const domains = domainNames(folder).flatMap((name) => {
    const files = filesOf(folder, `tau_${name}`, name, leftOut)
    return files === null ? [] : [domainOf(name, files)]
  })
  const traces = filesOf(folder, 'hdfs', 'hdfs', leftOut)
  const hdfs = traces === null ? null : blockTraces(traces)
  if (domains.length === 0 && hdfs === null) {
    throw new DataMissingError(
      `${folder} holds no recorded sessions: expected tau_<domain>_benign.jsonl and tau_<domain>_attack.jsonl`,
    )
  }
  return { domains, hdfs, leftOut }
}

/** The domain of rows as the files hold them; rows of attacks without a call of the attack are left out. */
export function domainOf(name: string, { benign, attack }: Files): Domain {
  const sessions = benign.map(sessionOf).filter(({ calls }) => calls.length >= CALLS_MIN)
  return {
    name,
    sessions,
    attacks: attack
      .filter((row) => row['attack_len'] !== 0)
      .map((row) => ({
        ...sessionOf(row),
        base: textOf(row, 'base'),
        family: textOf(row, 'family'),
        attackAt: typeof row['attack_at'] === 'number' ? row['attack_at'] : 0,
      })),
  }
}

export type Row = Readonly<Record<string, unknown>>

/** The rows of a domain's two files. */
export type Files = { readonly benign: readonly Row[]; readonly attack: readonly Row[] }

function domainNames(folder: string): readonly string[] {
  const found = existsSync(folder)
    ? readdirSync(folder).flatMap((file) => /^tau_(.+)_benign\.jsonl$/.exec(file)?.[1] ?? [])
    : []
  return [...DOMAINS, ...found.filter((name) => !DOMAINS.includes(name)).sort()]
}

function filesOf(folder: string, stem: string, name: string, leftOut: string[]): Files | null {
  const files = [`${stem}_benign.jsonl`, `${stem}_attack.jsonl`]
  const missing = files.filter((file) => !existsSync(join(folder, file)))
  if (missing.length > 0) leftOut.push(`${name}: there is no ${missing.join(' and no ')}`)
  if (missing.length > 0) return null
  const [benign = [], attack = []] = files.map((file) => rowsOf(join(folder, file)))
  return { benign, attack }
}

function rowsOf(file: string): readonly Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => {
      const row: unknown = JSON.parse(line)
      if (typeof row !== 'object' || row === null) throw new Error(`${file}:${i + 1} is no object`)
      return row as Row
    })
}

function sessionOf(row: Row): RecordedSession {
  const id = textOf(row, 'session')
  const task = typeof row['task'] === 'string' ? row['task'] : id
  if (typeof row['seq'] === 'string') {
    const service = textOf(row, 'service')
    const codes = row['seq'].split(' ').filter((code) => code !== '')
    return { id, task, calls: codes.map((action) => ({ service, action, args: null })) }
  }
  const steps = row['steps']
  if (!Array.isArray(steps)) throw new Error(`session ${id} has no steps`)
  const calls = steps.map((step: Row) => {
    const args = step['args_digest']
    return {
      service: textOf(step, 'service'),
      action: textOf(step, 'action'),
      args: typeof args === 'string' && args !== '' ? args : null,
    }
  })
  return { id, task, calls }
}

function textOf(row: Row, key: string): string {
  const value = row[key]
  if (typeof value !== 'string') throw new Error(`expected a text as ${key}`)
  return value
}

function blockTraces({ benign, attack }: Files): BlockTraces {
  const split = (name: string) => benign.filter((row) => row['split'] === name).map(sessionOf)
  return { train: split('train'), benign: split('test'), odd: attack.map(sessionOf) }
}
