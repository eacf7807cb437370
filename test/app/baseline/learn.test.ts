import { describe, expect, test } from 'vitest'
import type { FoundBaseline } from '../../../src/app/baseline/files.ts'
import { baselineFile, coverageOf, readBaselineText } from '../../../src/app/baseline/files.ts'
import type { NextVersion } from '../../../src/app/baseline/learn.ts'
import { nextVersion } from '../../../src/app/baseline/learn.ts'
import type { Observed, ObservedRun, Transition } from '../../../src/app/baseline/observed.ts'
import { digestOf } from '../../../src/base/digest.ts'
import { edgeOf, FILE } from './support.ts'

const OWNER = { agent: 'clerk', fingerprint: null }

function run(id: string, words: string, approved?: Transition): ObservedRun {
  const calls = words.split(' ').map((word) => ({ node: `s.${word}`, args: null }))
  const approvals = approved === undefined ? [] : [approved]
  return { session: { id, group: id, calls, ended: true }, approvals, began: 1_000, ended: 9_000 }
}

function runs(words: string, times: number, name = ''): ObservedRun[] {
  return Array.from({ length: times }, (_, i) => run(`${name}${words}/${i}`, words))
}

const NOT_LEFT = { open: 0, refused: 0, erased: 0, known: 0 }

function seen(
  all: readonly ObservedRun[],
  rejections: readonly Transition[] = [],
  read: Observed['read'] = { log: 'shop+1', through: 7, idle: '30m', bundle: null },
): Observed {
  return { runs: all, rejections, leftOut: NOT_LEFT, read }
}

function next(
  current: NextVersion | null,
  observed: Observed,
  more: { readonly elsewhere?: readonly Transition[]; readonly settings?: object } = {},
): NextVersion {
  const found: FoundBaseline | null =
    current === null ? null : { file: FILE, text: current.text, document: current.document }
  const { elsewhere = [], settings = {} } = more
  const made = nextVersion({ owner: OWNER, current: found, elsewhere, observed, settings })
  if ('document' in made) return made
  throw new Error('nothing was learned')
}

const [A, B, X] = ['s.a', 's.b', 's.x'] as const
const FIRST = next(null, seen(runs('a b', 10)))

test('a version names the one before by the digest of its text, and reads back as it was written', () => {
  const second = next(FIRST, seen(runs('a b', 2, 'more ')))
  expect(FIRST.document.previous).toBeUndefined()
  expect(second.document).toMatchObject({ version: 2, previous: digestOf(FIRST.text) })
  for (const { document, text } of [FIRST, second]) {
    expect(readBaselineText(FILE, text).document).toEqual(document)
  }
  expect(second.document.learned?.at(-1)).toMatchObject({
    version: 2,
    sessions: 2,
    from: '1970-01-01T00:00:01.000Z',
    to: '1970-01-01T00:00:09.000Z',
    log: 'shop+1',
    through: 7,
    idle: '30m',
  })
})

test('the order of sessions changes no byte', () => {
  const all = [...runs('a b', 5), ...runs('a x', 3), run('odd', 'x x x')]
  const rejections = [
    { from: B, to: X },
    { from: X, to: B },
  ]
  const one = next(FIRST, seen(all, rejections))
  const other = next(FIRST, seen(all.toReversed(), rejections.toReversed()))
  expect(other.text).toBe(one.text)
})

describe('a transition that people rejected', () => {
  const rejection = { from: A, to: X }
  const rejected = next(FIRST, seen([], [rejection]))

  test('is written down though nobody ever made it', () => {
    expect(edgeOf(rejected.document, A, X)).toEqual({
      count: 0,
      sessions: 0,
      approvals: 0,
      rejections: 1,
    })
    expect(rejected.document.snapshot.sessions).toBe(10)
  })

  test('and was never seen: a session that makes it teaches nothing at all', () => {
    const after = next(rejected, seen([run('bad', 'b a x b'), run('good', 'a b b')]))
    expect(after.document.snapshot.sessions).toBe(11)
    expect(edgeOf(after.document, B, A).count).toBe(0)
    expect(edgeOf(after.document, B, B).count).toBe(1)
    expect(after.leftOut.rejected).toBe(1)
    expect(after.leftOutEdges).toEqual([{ ...rejection, rejections: 1, sessions: 1 }])
  })

  test('in the very sessions that are learned: the same', () => {
    const after = next(FIRST, seen([run('bad', 'a x'), run('good', 'a b')], [rejection]))
    expect(after.document.snapshot.sessions).toBe(11)
    expect(edgeOf(after.document, A, X)).toMatchObject({ count: 0, rejections: 1 })
  })

  test('although it was seen: sessions are learned, and its own count stays', () => {
    const once = next(FIRST, seen([], [{ from: A, to: B }]))
    const after = next(once, seen(runs('a b b', 4, 'new ')))
    expect(edgeOf(after.document, A, B)).toMatchObject({ count: 10, rejections: 1 })
    expect(edgeOf(after.document, B, B).count).toBe(4)
    expect(after.leftOut.rejected).toBe(0)
  })

  test('in another baseline of the agent: a first version takes it over', () => {
    const other = next(null, seen([...runs('a b', 3), run('bad', 'a x')]), {
      elsewhere: [rejection],
    })
    expect(edgeOf(other.document, A, X)).toMatchObject({ count: 0, rejections: 1 })
    expect(other.document.snapshot.sessions).toBe(3)
  })
})

test('approvals count for their transition, each once', () => {
  const approved = { from: A, to: X }
  const after = next(FIRST, seen([run('one', 'a x', approved), run('two', 'a x', approved)]))
  expect(edgeOf(after.document, A, X)).toEqual({
    count: 2,
    sessions: 2,
    approvals: 2,
    rejections: 0,
  })
})

test('a half-life ages what new sessions do not do, until it is gone', () => {
  const aged = next(FIRST, seen(runs('b a', 200, 'new ')), { settings: { halfLife: 5 } })
  expect(edgeOf(aged.document, A, B).count).toBe(0)
  expect(edgeOf(next(FIRST, seen(runs('b a', 200))).document, A, B).count).toBe(10)
})

test('of versions that learned, the newest hundred are named', () => {
  let version = FIRST
  for (let i = 0; i < 101; i++) version = next(version, seen([run(`${i}`, 'a b')]))
  expect(version.document.learned).toHaveLength(100)
  expect(version.document.learned?.[0]).toMatchObject({ version: 3 })
  expect(version.document.version).toBe(102)
})

describe('recorded sessions', () => {
  test('that were learned before, or stand twice in a trace, are learned once', () => {
    const first = next(null, seen([...runs('a b', 3), ...runs('a b', 3)], [], null))
    expect(first.document.snapshot.sessions).toBe(3)
    const second = next(first, seen([...runs('a b', 4)], [], null))
    expect(second.document.snapshot.sessions).toBe(4)
    expect(second.leftOut.known).toBe(3)
  })
})

test.for([
  { name: 'no fingerprint', fingerprint: null, file: 'policies/baselines/clerk.yaml' },
  { name: 'a plain one', fingerprint: 'm-1.2', file: 'policies/baselines/clerk-m-1.2.yaml' },
  {
    name: 'one with a slash',
    fingerprint: 'm/1',
    file: /^policies\/baselines\/clerk-m-1-[0-9a-f]{8}\.yaml$/,
  },
  {
    name: 'a path',
    fingerprint: '../../x',
    file: /^policies\/baselines\/clerk-\.\.-\.\.-x-[0-9a-f]{8}\.yaml$/,
  },
])('the file of a baseline with $name', ({ fingerprint, file }) => {
  expect(baselineFile({ agent: 'clerk', fingerprint })).toEqual(
    typeof file === 'string' ? file : expect.stringMatching(file),
  )
})

test('a file that holds another baseline is not written over', () => {
  // `clerk-m1` may be an agent of its own.
  const taken = (file: string) => file === 'policies/baselines/clerk-m1.yaml'
  const fingerprints = baselineFile({ agent: 'clerk', fingerprint: 'm1' }, taken)
  expect(fingerprints).toMatch(/^policies\/baselines\/clerk-m1-[0-9a-f]{8}\.yaml$/)
  const agents = baselineFile({ agent: 'clerk-m1', fingerprint: null }, taken)
  expect(agents).toMatch(/^policies\/baselines\/clerk-m1-[0-9a-f]{8}\.yaml$/)
  expect(agents).not.toBe(fingerprints)
})

describe('what people rejected in another baseline of the agent', () => {
  const elsewhere = [{ from: A, to: X }]

  test('is rejected in this one too, though it had been there before', () => {
    const second = next(FIRST, seen([...runs('a x', 5), ...runs('a b', 1, 'more ')]), { elsewhere })
    expect(second.leftOut.rejected).toBe(5)
    expect(edgeOf(second.document, A, X)).toMatchObject({ count: 0, sessions: 0, rejections: 1 })
    const third = next(second, seen([...runs('a x', 5), ...runs('a b', 1, 'yet ')]), { elsewhere })
    expect(edgeOf(third.document, A, X)).toMatchObject({ count: 0, sessions: 0, rejections: 1 })
  })

  test('may be learned here once people have said so here', () => {
    const second = next(FIRST, seen(runs('a b', 1, 'more ')), { elsewhere })
    const text = second.text.replace('s.a s.x 0 0 1', 's.a s.x 0 0 0')
    expect(text).not.toBe(second.text)
    const allowed = { ...second, text, document: readBaselineText(FILE, text).document }
    const third = next(allowed, seen(runs('a x', 5)), { elsewhere })
    expect(edgeOf(third.document, A, X)).toMatchObject({ count: 5, rejections: 0 })
  })

  test('alone is no news', () => {
    expect(() => next(FIRST, seen([]), { elsewhere })).toThrow('nothing was learned')
  })
})

test('a baseline without a fingerprint covers those that have none of their own', () => {
  const own = { ...FIRST, document: { ...FIRST.document, fingerprint: 'm1' }, file: FILE }
  const covers = coverageOf([own, { ...FIRST, file: FILE }], OWNER)
  expect([covers('m1'), covers('m2'), covers(null)]).toEqual([false, true, true])
  const covered = coverageOf([own], { agent: 'clerk', fingerprint: 'm1' })
  expect([covered('m1'), covered('m2'), covered(null)]).toEqual([true, false, false])
})
