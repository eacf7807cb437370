import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { proposeBaseline } from '../../../src/app/baseline/propose.ts'
import type { PolicyError } from '../../../src/base/errors.ts'
import { openGit } from '../../../src/host/git.ts'
import { runCli } from '../../shells/cli/run.ts'
import { policyFiles, temporaryFolder } from '../support.ts'
import {
  baseline,
  baselineAt,
  baselineJson,
  commitAll,
  copyOf,
  edgeOf,
  FILE,
  git,
  policyRepository,
  reviewedBaseline,
  traceOf,
  write,
} from './support.ts'

const NORMAL = { 'read_order mail': 60, 'read_order read_list mail': 40 }

const ROUTES = policyFiles()
  .get('policies/routes/routes.yaml')
  ?.replace('time_out: 1h }', 'time_out: 1h, baselines: { movement_ppm_max: 20000 } }')

const TOOLS = `apiVersion: countersign/v1\nkind: Tools\nservice: shop\ntools:\n  read_order: { effect: read }\n  read_list: { effect: read }\n  refund: { effect: irreversible, priority: high }\n  delete: { effect: irreversible, priority: critical }\n  mail: { effect: write }\n`

const FILES = { 'policies/routes/routes.yaml': ROUTES ?? '', 'policies/tools/shop.yaml': TOOLS }

function statusOf(folder: string): string {
  return git(folder, 'status', '--porcelain', '--untracked-files=no')
}

/** A repository whose baseline people reviewed, and a trace of further sessions. */
async function prepared(sessions: Readonly<Record<string, number>>): Promise<string> {
  const folder = await copyOf('reviewed', async () => {
    const made = policyRepository(FILES)
    await reviewedBaseline(made, NORMAL)
    return made
  })
  write(folder, 'traces/second.jsonl', traceOf(sessions, 'second'))
  return commitAll(folder, 'Record')
}

const PROPOSE = ['propose', '--trace', 'traces/second.jsonl'] as const

describe('learn', () => {
  test('writes a first version, with where it came from, and learns nothing a second time', async () => {
    const folder = policyRepository(FILES)
    const first = await reviewedBaseline(folder, NORMAL)
    expect(first).toMatchObject({ version: 1, unreviewed_movement_ppm: 0 })
    expect(first.previous).toBeUndefined()
    expect(first.learned).toMatchObject([{ version: 1, sessions: 100 }])
    const again = await baselineJson(folder, 'learn', '--trace', 'traces/first.jsonl')
    expect(again).toMatchObject({ state: 'nothing', left_out: { known: 100 } })
    expect(baselineAt(folder, null)).toEqual(first)
    expect((await baseline(folder, 'learn', '--trace', 'traces/first.jsonl')).stderr).toContain(
      'nothing new to learn; not learned: 100 sessions learned before',
    )
  })

  test.for([
    {
      name: 'no agent of the policy',
      words: ['--policy', '.'],
      agent: 'nobody',
      code: 'AGENT_UNKNOWN',
    },
    { name: 'no store', words: ['--data', 'empty'], agent: 'clerk', code: 'STORE_FAILED', exit: 3 },
    {
      name: 'a rate above a half',
      words: ['--rate', '0.6'],
      agent: 'clerk',
      code: 'USAGE_INVALID',
    },
    {
      name: 'no number as a half-life',
      words: ['--half-life', 'x'],
      agent: 'clerk',
      code: 'USAGE_INVALID',
    },
    { name: 'no duration', words: ['--idle', 'soon'], agent: 'clerk', code: 'DURATION_INVALID' },
    {
      name: 'no such trace',
      words: ['--trace', 'no.jsonl'],
      agent: 'clerk',
      code: 'FILE_UNREADABLE',
    },
  ])('of $name -> $code', async ({ words, agent, code, exit = 2 }) => {
    const folder = policyRepository()
    const ran = await runCli(['baseline', 'learn', agent, ...words, '--format', 'json'], {
      cwd: folder,
    })
    expect(ran).toMatchObject({ code: exit, json: { error: { code } } })
    expect(existsSync(join(folder, FILE))).toBe(false)
  })

  test('with --rate and --half-life makes a version of the settings alone; they stay', async () => {
    const folder = policyRepository(FILES)
    await reviewedBaseline(folder, NORMAL)
    const words = ['--trace', 'traces/first.jsonl', '--rate', '0.1', '--half-life', '50']
    await baselineJson(folder, 'learn', ...words)
    expect(baselineAt(folder, null)).toMatchObject({
      version: 2,
      rate: 0.1,
      half_life: 50,
      snapshot: { sessions: 100 },
    })
    write(folder, 'traces/more.jsonl', traceOf({ 'read_order mail': 1 }, 'more'))
    await baselineJson(folder, 'learn', '--trace', 'traces/more.jsonl')
    expect(baselineAt(folder, null)).toMatchObject({ version: 3, rate: 0.1, half_life: 50 })
  })

  test('sessions of which some were learned, and nobody knows which -> refused', async () => {
    const folder = policyRepository(FILES)
    await reviewedBaseline(folder, { 'read_order mail': 600 })
    const ran = await baseline(folder, 'learn', '--trace', 'traces/first.jsonl')
    expect(ran).toMatchObject({ code: 2 })
    expect(ran.stderr).toContain('SESSION_INVALID')
  })
})

describe('propose', () => {
  test('makes one commit on a branch, whose message says what changes; main and the work tree stay', async () => {
    const folder = await prepared({ 'read_order mail': 4, 'read_order refund': 2 })
    const main = git(folder, 'rev-parse', 'main')
    const proposed = await baselineJson(folder, ...PROPOSE)
    expect(proposed).toMatchObject({
      state: 'proposed',
      ref: 'refs/heads/baselines/clerk-2',
      learned: 6,
      previous: 1,
      comparison: {
        added: [
          { from: 'shop.read_order', to: 'shop.refund', irreversible: true },
          { from: 'shop.refund', to: '$' },
        ],
      },
      flips: { actions: 12 },
    })
    expect(git(folder, 'rev-parse', 'main')).toBe(main)
    expect(git(folder, 'rev-parse', 'baselines/clerk-2^')).toBe(main)
    expect(statusOf(folder)).toBe('')
    expect(git(folder, 'diff', '--name-only', 'main', 'baselines/clerk-2')).toBe(`${FILE}\n`)
    const message = git(folder, 'log', '-1', '--format=%B', 'baselines/clerk-2')
    expect(message).toMatch(/^Baseline clerk: version 2\n\n6 sessions learned, out of version 1\n/)
    expect(message).toContain('+ shop.read_order -> shop.refund')
    expect(message).toContain(', irreversible')
    const next = baselineAt(folder, 'baselines/clerk-2')
    expect(next).toMatchObject({ version: 2, unreviewed_movement_ppm: 0 })
    expect(next.learned?.map(({ version }) => version)).toEqual([1, 2])
  })

  test('again finds the same proposal; another one needs --replace, and never takes what people added', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    const first = await baselineJson(folder, ...PROPOSE)
    expect(await baselineJson(folder, ...PROPOSE)).toMatchObject({ commit: first['commit'] })
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order mail': 5 }, 'third'))
    const refused = await baseline(folder, ...PROPOSE)
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toContain('--replace')
    const replaced = await baselineJson(folder, ...PROPOSE, '--replace')
    expect(replaced['commit']).not.toBe(first['commit'])
    git(folder, 'stash', '-q')
    git(folder, 'checkout', '-q', 'baselines/clerk-2')
    git(folder, 'commit', '-q', '--allow-empty', '-m', 'A word of mine')
    git(folder, 'checkout', '-q', 'main')
    const theirs = git(folder, 'rev-parse', 'baselines/clerk-2')
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order mail': 7 }, 'fourth'))
    const kept = await baseline(folder, ...PROPOSE, '--replace')
    expect(kept.stderr).toContain('somebody else has added to it')
    expect(git(folder, 'rev-parse', 'baselines/clerk-2')).toBe(theirs)
  })

  test('--push brings the branch to a remote, and replaces there only what it knows', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    const remote = temporaryFolder()
    git(remote, 'init', '-q', '--bare', '-b', 'main')
    git(folder, 'remote', 'add', 'origin', remote)
    git(folder, 'push', '-q', 'origin', 'main')
    const pushed = await baselineJson(folder, ...PROPOSE, '--push', 'origin')
    const there = () => git(remote, 'rev-parse', 'baselines/clerk-2').trim()
    expect(there()).toBe(pushed['commit'])
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order mail': 9 }, 'third'))
    const replaced = await baselineJson(folder, ...PROPOSE, '--push', 'origin', '--replace')
    expect(there()).toBe(replaced['commit'])
    const refused = await baseline(folder, ...PROPOSE, '--push', '--upload-pack=x')
    expect(refused.code).toBe(2)
  })

  test('what is not committed on the base branch does not count', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    write(folder, 'policies/routes/routes.yaml', 'nonsense')
    write(folder, FILE, 'nonsense')
    expect(await baselineJson(folder, ...PROPOSE)).toMatchObject({ state: 'proposed' })
  })

  test.for([
    { name: 'before the commit', fails: 'commit' as const },
    { name: 'between the commit and the branch', fails: 'changeRefs' as const },
  ])('a crash $name leaves the repository clean', async ({ fails }) => {
    const folder = await prepared({ 'read_order mail': 4 })
    const before = git(folder, 'for-each-ref')
    const crash = () => Promise.reject(new Error('power cut'))
    const target = {
      folder,
      owner: { agent: 'clerk', fingerprint: null },
      base: null,
      push: null,
      pull: null,
      replace: false,
      now: 0,
      open: (dir: string) => ({ ...openGit(dir), [fails]: crash }),
    }
    const source = { traces: [join(folder, 'traces/second.jsonl')] }
    for (const merge of [false, true]) {
      const asked = { source, settings: {}, merge, examples: 0 }
      await expect(proposeBaseline(target, asked)).rejects.toThrow('power cut')
      expect(git(folder, 'for-each-ref')).toBe(before)
      expect(statusOf(folder)).toBe('')
      expect(git(folder, 'fsck', '--no-dangling')).toBe('')
    }
    expect(await baselineJson(folder, ...PROPOSE)).toMatchObject({ state: 'proposed' })
  })

  test('a branch that moves meanwhile is not overwritten', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    const open = (dir: string) => {
      const real = openGit(dir)
      const commit: typeof real.commit = async (commits) => {
        const made = await real.commit(commits)
        git(folder, 'commit', '-q', '--allow-empty', '-m', 'Meanwhile')
        return made
      }
      return { ...real, commit }
    }
    const owner = { agent: 'clerk', fingerprint: null }
    const target = {
      folder,
      owner,
      base: null,
      push: null,
      pull: null,
      replace: false,
      now: 0,
      open,
    }
    const source = { traces: [join(folder, 'traces/second.jsonl')] }
    const asked = { source, settings: {}, merge: true, examples: 0 }
    await expect(proposeBaseline(target, asked)).rejects.toMatchObject({
      code: 'FORGE_CONFLICT',
      retryable: true,
    } satisfies Partial<PolicyError>)
    expect(git(folder, 'log', '-1', '--format=%s').trim()).toBe('Meanwhile')
  })
})

describe('propose --merge', () => {
  test('merges a small change into the base branch, and the work tree follows', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    const main = git(folder, 'rev-parse', 'main')
    const merged = await baselineJson(folder, ...PROPOSE, '--merge')
    expect(merged).toMatchObject({ state: 'merged', ref: 'refs/heads/main', obstacles: [] })
    expect(git(folder, 'rev-parse', 'main^')).toBe(main)
    expect(statusOf(folder)).toBe('')
    const next = baselineAt(folder)
    expect(next.version).toBe(2)
    expect(next.unreviewed_movement_ppm).toBeGreaterThan(0)
    expect(readFileSync(join(folder, FILE), 'utf8')).toBe(git(folder, 'show', `main:${FILE}`))
  })

  test('adds up what moved, until a person has looked at it', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    await baselineJson(folder, ...PROPOSE, '--merge')
    const { unreviewed_movement_ppm: first = 0 } = baselineAt(folder)
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order mail': 4 }, 'third'))
    await baselineJson(folder, ...PROPOSE, '--merge')
    const { unreviewed_movement_ppm: second = 0 } = baselineAt(folder)
    expect(second).toBeGreaterThan(first)
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order read_list mail': 80 }, 'fourth'))
    const asks = await baselineJson(folder, ...PROPOSE, '--merge')
    expect(asks).toMatchObject({
      state: 'proposed',
      obstacles: [expect.stringMatching(/ppm moved/)],
    })
    expect(baselineAt(folder, 'baselines/clerk-4').unreviewed_movement_ppm).toBe(0)
    expect(baselineAt(folder).version).toBe(3)
  })

  test('of a new transition asks people: it is proposed on a branch', async () => {
    const folder = await prepared({ 'read_order read_order mail': 1 })
    const ran = await baseline(folder, ...PROPOSE, '--merge')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain(
      'people must look at it: it adds shop.read_order -> shop.read_order',
    )
    expect(ran.stderr).toContain('proposed on baselines/clerk-2')
    expect(baselineAt(folder).version).toBe(1)
  })

  test('reads the route from the base branch, not from the work tree', async () => {
    const folder = policyRepository({ 'policies/tools/shop.yaml': TOOLS })
    await reviewedBaseline(folder, NORMAL)
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order mail': 4 }, 'second'))
    write(folder, 'policies/routes/routes.yaml', ROUTES ?? '')
    expect(await baselineJson(folder, ...PROPOSE, '--merge')).toMatchObject({ state: 'proposed' })
  })

  test('does not touch a work tree with changes of its own in the file', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    const text = readFileSync(join(folder, FILE), 'utf8')
    write(folder, FILE, `# mine\n${text}`)
    const ran = await baseline(folder, ...PROPOSE, '--merge')
    expect(ran).toMatchObject({ code: 2 })
    expect(ran.stderr).toContain('changes that are not committed')
    expect(baselineAt(folder).version).toBe(1)
  })

  test('works in a bare clone by the name of the branch, which no work tree has', async () => {
    const folder = await prepared({ 'read_order mail': 4 })
    git(folder, 'checkout', '-q', '-b', 'elsewhere')
    const merged = await baselineJson(folder, ...PROPOSE, '--merge', '--base', 'main')
    expect(merged).toMatchObject({ state: 'merged' })
    expect(baselineAt(folder).version).toBe(2)
    expect(statusOf(folder)).toBe('')
    expect(baselineAt(folder, null).version).toBe(1)
  })
})

describe('rollback', () => {
  test('proposes an earlier version as the next one; what people rejected since stays rejected', async () => {
    const folder = policyRepository(FILES)
    const first = await reviewedBaseline(folder, NORMAL)
    write(folder, 'traces/second.jsonl', traceOf({ 'read_order refund': 3 }, 'second'))
    await baselineJson(folder, 'learn', '--trace', 'traces/second.jsonl')
    const text = readFileSync(join(folder, FILE), 'utf8')
    write(
      folder,
      FILE,
      text.replace('shop.read_order shop.refund 3 0 0', 'shop.read_order shop.refund 3 0 2'),
    )
    commitAll(folder, 'Learn and reject')
    const back = await baselineJson(folder, 'rollback', '--to', '1')
    expect(back).toMatchObject({ state: 'proposed', rolled_back_to: 1, name: { version: 3 } })
    const next = baselineAt(folder, 'baselines/clerk-3')
    expect(next.snapshot.paths).toHaveLength(first.snapshot.paths.length)
    expect(edgeOf(next, 'shop.read_order', 'shop.refund')).toEqual({
      count: 0,
      sessions: 0,
      approvals: 0,
      rejections: 2,
    })
    expect(next.learned?.map(({ version }) => version)).toEqual([1, 2, 3])
    const message = git(folder, 'log', '-1', '--format=%s', 'baselines/clerk-3')
    expect(message.trim()).toBe('Baseline clerk: version 3, back to version 1')
  })

  test.for([
    { name: 'to a version that never was', to: '7' },
    { name: 'to the current version', to: '1' },
    { name: 'to no number', to: 'x' },
  ])('$name -> refused', async ({ to }) => {
    const folder = await prepared({ 'read_order mail': 1 })
    expect(await baseline(folder, 'rollback', '--to', to)).toMatchObject({ code: 2 })
  })
})

describe('show and diff', () => {
  test('show draws the graph with trends against the version before', async () => {
    const folder = await prepared({ 'read_order read_list mail': 60, 'read_order refund': 2 })
    await baselineJson(folder, 'learn', '--trace', 'traces/second.jsonl')
    const shown = await baseline(folder, 'show')
    expect(shown.stdout).toMatch(/^clerk version 2: 162 sessions, /)
    expect(shown.stdout).toMatch(/-> shop\.read_list +\d\d\.\d\d% +100 {2}↑/)
    expect(shown.stdout).toMatch(/-> shop\.refund +\d\.\d\d% +2 {2}\+/)
    const dot = await baseline(folder, 'show', '--format', 'dot')
    expect(dot.stdout).toMatch(/^digraph baseline \{\n/)
    const mermaid = await baseline(folder, 'show', '--format', 'mermaid')
    expect(mermaid.stdout).toMatch(/^flowchart LR\n/)
    const json = await baselineJson(folder, 'show', '--against', 'main')
    expect(json).toMatchObject({ name: { version: 2 }, progress: { sessions: 162 } })
  })

  test('diff compares with the head by default, and versions by their numbers', async () => {
    const folder = await prepared({ 'read_order refund': 2 })
    await baselineJson(folder, 'learn', '--trace', 'traces/second.jsonl')
    const wanted = { before: { version: 1 }, after: { version: 2 } }
    const found = await baselineJson(folder, 'diff')
    expect(found).toMatchObject({ ...wanted, comparison: { nodes: { added: ['shop.refund'] } } })
    expect(await baselineJson(folder, 'diff', '1', '2')).toEqual(found)
    const back = await baselineJson(folder, 'diff', '2', 'main')
    expect(back).toMatchObject({ comparison: { nodes: { gone: ['shop.refund'] } } })
    const ran = await baseline(folder, 'diff')
    expect(ran.stdout).toContain('+ shop.read_order -> shop.refund')
    expect((await baseline(folder, 'diff', '9')).stderr).toContain('BASELINE_MISSING')
  })

  test('diff shows what moves no chance: settings, provenance, and what the sample makes of it', async () => {
    const folder = policyRepository(FILES)
    await reviewedBaseline(folder, NORMAL)
    const text = readFileSync(join(folder, FILE), 'utf8')
    const forged = text
      .replace(/^version: 1\n/m, 'version: 1\nrate: 0.002\nhalf_life: 7\n')
      .replace(/ sessions: 100, digest/, ' sessions: 7, digest')
    expect(forged).not.toBe(text)
    write(folder, FILE, forged)
    expect(await baselineJson(folder, 'diff')).toMatchObject({
      comparison: { sessions: { before: 100, after: 100 } },
      settings: [
        { name: 'rate', before: null, after: 0.002 },
        { name: 'half_life', before: null, after: 7 },
      ],
      alarms: { threshold_millibits: { after: null }, loosened: [] },
      rewritten: true,
    })
    const { stdout } = await baseline(folder, 'diff')
    expect(stdout).toContain('rate: not set -> 0.002')
    expect(stdout).toMatch(/WARNING: what earlier versions learned is told otherwise/)
    write(folder, FILE, text)
    expect(await baselineJson(folder, 'diff')).toMatchObject({ settings: [], rewritten: false })
  })

  test.for([['show'], ['diff'], ['rollback', '--to', '1']])(
    '%s without a baseline -> BASELINE_MISSING',
    async (words) => {
      const ran = await baseline(policyRepository(), ...words)
      expect(ran).toMatchObject({ code: 2 })
      expect(ran.stderr).toContain('BASELINE_MISSING')
    },
  )
})
