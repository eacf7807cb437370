import { cpSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { freshClone, hostNode, RECORDED, succeed, temporaryFolder } from './support/host.ts'

// One policy, one digest; one trace, one digest of its verdicts: wherever, whenever and on whichever Node.

const folder = temporaryFolder('determinism')
let clone: string
let bin: string

beforeAll(() => {
  clone = freshClone()
  bin = join(clone, 'dist/shells/cli/bin.js')
  succeed('npx', ['countersign', 'init', join(folder, 'scaffold'), '--project', 'x'], {
    cwd: clone,
  })
  cpSync(join(clone, 'examples/retail-agent'), join(folder, 'retail-agent'), { recursive: true })
})

/** A copy whose files were made in the opposite order, years ago. */
function copyBackwards(from: string, to: string): void {
  const files = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(from.length + 1))
    .sort()
    .reverse()
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(from, file), join(to, file))
    utimesSync(join(to, file), 86_400, 86_400)
  }
}

describe.each(['scaffold', 'retail-agent'])('build of %s', (name) => {
  type Build = { readonly digest: string; readonly bytes: Buffer }
  let first: Build

  function build(
    policy: string,
    how: { command?: string; args?: string[]; env?: Record<string, string>; cwd?: string } = {},
  ): Build {
    const { command = 'npx', args = ['countersign'], cwd = clone, env = {} } = how
    const output = join(folder, `${name}.bundle`)
    const digest = succeed(command, [...args, 'build', '--policy', policy, '-o', output], {
      cwd,
      env,
    }).trim()
    return { digest, bytes: readFileSync(output) }
  }

  beforeAll(() => {
    first = build(join(folder, name))
  })

  test('prints a digest', () => {
    expect(first.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('a second run gives the same bytes', () => {
    expect(build(join(folder, name))).toEqual(first)
  })

  test('a copy elsewhere, its files older and in another order, gives the same bytes', () => {
    const copy = join(folder, 'far', 'away', `${name} kopie`)
    copyBackwards(join(folder, name), copy)
    expect(build(copy)).toEqual(first)
  })

  test('another time zone, language, mask and folder to start from give the same bytes', () => {
    const env = { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }
    const args = ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, bin]
    expect(build('.', { command: 'sh', args, env, cwd: join(folder, name) })).toEqual(first)
  })

  test("the host's own Node gives the same bytes", () => {
    expect(build(join(folder, name), { command: hostNode(), args: [bin] })).toEqual(first)
  })

  test('a changed byte gives another digest', () => {
    const copy = join(folder, `${name}-changed`)
    cpSync(join(folder, name), copy, { recursive: true })
    const file = join(copy, 'countersign.yaml')
    const text = readFileSync(file, 'utf8')
    const other = text.replace(/^project: .*$/m, 'project: another')
    expect(other).not.toBe(text)
    writeFileSync(file, other)
    expect(build(copy).digest).not.toBe(first.digest)
  })
})

describe('replay of the recorded retail sessions', () => {
  type Replay = { sessions: number; actions: number; verdict_digest: string; policy: string }
  const trace = join(RECORDED, 'tau_retail_benign.jsonl')

  function replay(command: string, args: string[], env: Record<string, string> = {}): Replay {
    const all = ['replay', '--policy', 'examples/retail-agent', trace, '--format', 'json']
    return JSON.parse(succeed(command, [...args, ...all], { cwd: clone, env })) as Replay
  }

  test('counts 310 sessions and 2,368 actions, and each process gives the same verdicts', () => {
    const first = replay('npx', ['countersign'])
    expect(first).toMatchObject({ sessions: 310, actions: 2368 })
    expect(first.verdict_digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    const { replay: expected } = JSON.parse(
      readFileSync(join(clone, 'examples/retail-agent/expected.json'), 'utf8'),
    ) as { replay: { policy: string } }
    expect(first.policy).toBe(expected.policy)
    for (const next of [
      replay('npx', ['countersign']),
      replay(process.execPath, [bin], { TZ: 'Pacific/Chatham', LC_ALL: 'tr_TR.UTF-8' }),
      replay(hostNode(), [bin]),
    ]) {
      const { sessions, actions, verdict_digest: verdicts, policy } = next
      expect({ sessions, actions, verdicts, policy }).toEqual({
        sessions: 310,
        actions: 2368,
        verdicts: first.verdict_digest,
        policy: first.policy,
      })
    }
  })
})
