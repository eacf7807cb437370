import { expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import type { JsonValue } from '../../../src/base/json-value.ts'
import {
  compileBaseline,
  loadBaseline,
  scoreSession,
} from '../../../src/decide/behaviour/baseline.ts'
import { parseCompiledBaseline } from '../../../src/decide/behaviour/compiled.ts'
import { learn } from '../../../src/decide/behaviour/snapshot.ts'
import { sessionOf } from './generated-sessions.ts'

const SESSIONS = Array.from({ length: 60 }, (_, i) => ({
  ...sessionOf(`s${i}`, ['a.find', i % 3 === 0 ? 'a.look' : 'a.pay', 'a.pay']),
  ended: true,
}))
const COMPILED = compileBaseline(learn(SESSIONS), { rate: 0.05, halfLife: 20 })

type Loose = { [key: string]: Loose & unknown[] }

function changed(change: (value: Loose) => void): string {
  const copy = JSON.parse(JSON.stringify(COMPILED)) as Loose
  change(copy)
  return JSON.stringify(copy)
}

test('a compiled baseline reads back and scores alike', () => {
  const text = canonicalize(COMPILED as unknown as JsonValue)
  const read = parseCompiledBaseline(text)
  expect(read).toEqual(COMPILED)
  expect(canonicalize(read as unknown as JsonValue)).toBe(text)
  const odd = sessionOf('odd', ['a.pay', 'a.pay', 'a.steal', 'a.find'])
  expect(scoreSession(loadBaseline(read), odd)).toEqual(scoreSession(loadBaseline(COMPILED), odd))
})

const set = (path: string, to: unknown) =>
  changed((value) => {
    const keys = path.split('.')
    const last = keys.pop() ?? ''
    let at = value
    for (const key of keys) at = at[key] as Loose & unknown[]
    ;(at as Record<string, unknown>)[last] = to
  })

const without = (key: string) => changed((value) => delete (value as Record<string, unknown>)[key])

test.for([
  { name: 'no JSON', text: '{' },
  { name: 'nothing', text: '' },
  { name: 'a list', text: '[]' },
  { name: 'null', text: 'null' },
  { name: 'endless nesting', text: '['.repeat(200_000) },
  { name: 'no snapshot', text: without('snapshot') },
  { name: 'no calibration', text: without('calibration') },
  { name: 'an inherited snapshot', text: '{"__proto__":{"snapshot":{}}}' },
  { name: 'no rate', text: set('rate', null) },
  { name: 'a rate of 0', text: set('rate', 0) },
  { name: 'a rate of 1', text: set('rate', 1) },
  { name: 'a half-life of 0', text: set('half_life', 0) },
  { name: 'half a session', text: set('half_life', 0.5) },
  { name: 'sessions as text', text: set('snapshot.sessions', '60') },
  { name: 'fewer sessions than paths know', text: set('snapshot.sessions', 3) },
  { name: 'negative calls', text: set('snapshot.calls', -1) },
  { name: 'nodes as an object', text: set('snapshot.nodes', {}) },
  { name: 'a node without a dot', text: set('snapshot.nodes.0', 'a') },
  { name: 'a node twice', text: set('snapshot.nodes.1', 'a.find') },
  { name: 'no table', text: set('snapshot.paths', null) },
  { name: 'half a row', text: set('snapshot.paths', [0, 0, 2, 1]) },
  { name: 'an unknown node', text: set('snapshot.paths.2', 99) },
  { name: 'a fraction', text: set('snapshot.paths.3', 1.5) },
  { name: 'a count beyond 2^53', text: set('snapshot.paths.3', 2 ** 53) },
  { name: 'a count as text', text: set('snapshot.edges.2', '1') },
  { name: 'rows out of order', text: set('snapshot.paths.0', 4) },
  { name: 'no tail', text: set('calibration.tails.markov', null) },
  { name: 'a tail out of order', text: set('calibration.tails.markov', [2, 1]) },
  { name: 'a negative sum', text: set('calibration.sums', [-1]) },
  { name: 'a sum that is none', text: set('calibration.sums', [null]) },
  { name: 'too many sums', text: set('calibration.sums', Array(501).fill(0)) },
])('$name -> BASELINE_INVALID', ({ text }) => {
  expect(() => parseCompiledBaseline(text)).toThrow(
    expect.objectContaining({ code: 'BASELINE_INVALID' }),
  )
})
