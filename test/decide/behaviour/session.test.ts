import { describe, expect, test } from 'vitest'
import { CALLS_LEARNED_MAX } from '../../../src/decide/behaviour/limits.ts'
import type { ObservedCall, ObservedSession } from '../../../src/decide/behaviour/session.ts'
import { trailOf } from '../../../src/decide/behaviour/session.ts'

const call = (node: string, args: string | null = null): ObservedCall => ({ node, args })
const SESSION: ObservedSession = {
  id: 's1',
  group: 'g1',
  calls: [call('a.x', '1'), call('a.y', '1')],
  ended: true,
}

describe('duplicates', () => {
  test.for([
    {
      name: 'equal action and arguments',
      calls: [call('a.x', '1'), call('a.x', '1')],
      want: [false, true],
    },
    {
      name: 'not one after the other',
      calls: [call('a.x', '1'), call('a.y'), call('a.x', '1')],
      want: [false, false, true],
    },
    { name: 'other arguments', calls: [call('a.x', '1'), call('a.x', '2')], want: [false, false] },
    { name: 'another action', calls: [call('a.x', '1'), call('a.y', '1')], want: [false, false] },
    { name: 'unknown arguments', calls: [call('a.x'), call('a.x')], want: [false, false] },
    {
      name: 'arguments named null',
      calls: [call('a.x', 'null'), call('a.x')],
      want: [false, false],
    },
  ])('$name -> $want', ({ calls, want }) => {
    expect(trailOf({ ...SESSION, calls }).steps.map(({ duplicate }) => duplicate)).toEqual(want)
  })
})

describe('a digest', () => {
  const digest = trailOf(SESSION).digest

  test('has 32 digits, that of the group 16', () => {
    expect(digest).toMatch(/^[0-9a-f]{32}$/)
    expect(trailOf(SESSION).group).toMatch(/^[0-9a-f]{16}$/)
  })

  test.for([
    { name: 'the same', session: SESSION, same: true },
    {
      name: 'other arguments, equally unequal',
      session: { ...SESSION, calls: [call('a.x', '7'), call('a.y', '8')] },
      same: true,
    },
    { name: 'another id', session: { ...SESSION, id: 's2' }, same: false },
    { name: 'open', session: { ...SESSION, ended: false }, same: false },
    {
      name: 'one call more',
      session: { ...SESSION, calls: [...SESSION.calls, call('a.z')] },
      same: false,
    },
    {
      name: 'another order',
      session: { ...SESSION, calls: SESSION.calls.toReversed() },
      same: false,
    },
    { name: 'a lone surrogate in the id', session: { ...SESSION, id: '\ud800' }, same: false },
  ])('of $name -> same: $same', ({ session, same }) => {
    expect(trailOf(session).digest === digest).toBe(same)
  })

  test('tells lone surrogates apart', () => {
    const of = (id: string): string => trailOf({ ...SESSION, id, group: id }).digest
    expect(of('\ud800')).not.toBe(of('\ud801'))
    expect(of('\ud800')).not.toBe(of('\ufffd'))
  })
})

test('a session longer than is learned -> its beginning, with no end', () => {
  const calls = Array.from({ length: CALLS_LEARNED_MAX + 1 }, () => call('a.x'))
  const trail = trailOf({ ...SESSION, calls })
  expect(trail.steps).toHaveLength(CALLS_LEARNED_MAX)
  expect(trail.ended).toBe(false)
  expect(trailOf({ ...SESSION, calls: calls.slice(1) }).ended).toBe(true)
})
