import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { toolFolder } from '../scripts/tools.ts'
import { type BenchInput, peerInput } from './inputs.ts'
import { START } from './ours.ts'
import { PEER_QUERY, peerModules, peerVerdict } from './peer-rego.ts'
import type { RegoChoice } from './policy-files.ts'

/** What a measured evaluation of the peer starts from: JSON text, a Go value, or OPA's own parsed form. */
export type PeerMode = 'text' | 'value' | 'parsed'

/** OPA in a Go process of its own: one policy at a time, one command at a time. */
export type Peer = {
  readonly opa: string
  readonly go: string
  /** @returns milliseconds of parsing, `PrepareForEval` and reading the inputs */
  load(rules: number, rego: RegoChoice, inputs: readonly BenchInput[]): Promise<number>
  /** The same for any policy. */
  loadModules(policy: PeerPolicy): Promise<number>
  /** What the query gives for each input. */
  values(): Promise<readonly unknown[]>
  verdicts(): Promise<readonly string[]>
  /** Nanoseconds of each of the next `count` evaluations, as Go's clock has them. */
  measure(mode: PeerMode, count: number): Promise<readonly number[]>
  close(): Promise<void>
}

export type PeerPolicy = {
  readonly query: string
  readonly modules: Readonly<Record<string, string>>
  /** JSON text. */
  readonly data?: string
  /** JSON texts. */
  readonly inputs: readonly string[]
}

/** Starts the peer, built before from `bench/opa` where the cache outside the tree does not hold it. */
export async function openPeer(): Promise<Peer> {
  const child = spawn(buildPeer(), [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ask = conversation(child)
  const { opa = '', go = '' } = await ask({ op: 'version' })
  const loadModules = async (policy: PeerPolicy) =>
    (await ask({ op: 'load', ...policy })).load_ms ?? 0
  return {
    opa,
    go,
    loadModules,
    load: (rules, rego, inputs) =>
      loadModules({
        query: PEER_QUERY,
        modules: peerModules(rules, rego),
        inputs: inputs.map((input) => JSON.stringify(peerInput(input, START))),
      }),
    values: async () => (await ask({ op: 'values' })).values ?? [],
    verdicts: async () => ((await ask({ op: 'decisions' })).decisions ?? []).map(peerVerdict),
    measure: async (mode, count) => (await ask({ op: 'measure', mode, count })).nanos ?? [],
    close: async () => {
      child.stdin.end()
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}

type PeerAnswer = {
  readonly error?: string
  readonly opa?: string
  readonly go?: string
  readonly load_ms?: number
  readonly decisions?: readonly {
    readonly deny: unknown[] | null
    readonly hold: unknown[] | null
  }[]
  readonly values?: readonly unknown[]
  readonly nanos?: readonly number[]
}

const GO = 'go'
const SOURCE = join(import.meta.dirname, 'opa')

/** Builds the Go program into the cache, under the digest of its sources. @returns the program's path */
function buildPeer(): string {
  const digest = createHash('sha256')
  for (const name of readdirSync(SOURCE).sort())
    digest.update(name).update(readFileSync(join(SOURCE, name)))
  const folder = join(toolFolder(), `bench-opa-${digest.digest('hex').slice(0, 16)}`)
  const program = join(folder, 'bench-opa')
  if (existsSync(program)) return program
  console.error('building the Go program with OPA (once; a minute or two)')
  mkdirSync(folder, { recursive: true })
  // Built beside its name and renamed, so that an interrupted build leaves nothing that looks finished.
  const draft = `${program}.${process.pid}`
  const { status, error } = spawnSync(GO, ['build', '-trimpath', '-o', draft, '.'], {
    cwd: SOURCE,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
  })
  if (status !== 0) throw new Error(`go build failed (${error?.message ?? `exit ${status}`})`)
  renameSync(draft, program)
  return program
}

/** One line out, one line in. */
function conversation(
  child: ChildProcessByStdio<Writable, Readable, null>,
): (command: object) => Promise<PeerAnswer> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.stdin.on('error', () => undefined) // The end of its output tells of a process that died.
  return async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the Go program ended')
    const answer = JSON.parse(value) as PeerAnswer
    if (answer.error !== undefined) throw new Error(`the Go program failed: ${answer.error}`)
    return answer
  }
}
