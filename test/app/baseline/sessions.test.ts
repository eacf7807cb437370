import { expect, test } from 'vitest'
import { nextVersion } from '../../../src/app/baseline/learn.ts'
import type { LoggedSession } from '../../../src/app/baseline/sessions.ts'
import { sortSession } from '../../../src/app/baseline/sessions.ts'

/** More than one call of a function takes as arguments. */
const CALLS = 200_000

test('a session of 200,000 calls is sorted, so that it cannot stop the learning of all others', () => {
  const session: LoggedSession = {
    calls: Array.from({ length: CALLS }, (_, index) => ({
      ...{ id: `${index}`, index, node: 's.a', args: null },
      ended: { kind: 'ran' },
    })),
    signs: Array.from({ length: CALLS }, (_, index) => ({ index, at: 1_000 + index })),
  }
  const now = { through: CALLS, newest: 10_000_000, idleMs: 60_000 }
  const sorted = sortSession(session, now, [], false)
  expect(sorted).toMatchObject({ kind: 'run', run: { began: 1_000, ended: 1_000 + CALLS - 1 } })
})

test('200,000 sessions have a first and a last', () => {
  const runs = Array.from({ length: CALLS }, (_, i) => ({
    ...{ approvals: [], began: i, ended: i + 1 },
    session: { id: `${i}`, group: `${i}`, calls: [{ node: 's.a', args: null }], ended: true },
  }))
  const leftOut = { open: 0, refused: 0, erased: 0, known: 0 }
  const made = nextVersion({
    owner: { agent: 'clerk', fingerprint: null },
    current: null,
    elsewhere: [],
    observed: { runs, rejections: [], leftOut, read: null },
    settings: {},
  })
  expect('document' in made && made.document.learned?.[0]).toMatchObject({
    from: '1970-01-01T00:00:00.000Z',
    to: '1970-01-01T00:03:20.000Z',
  })
})
