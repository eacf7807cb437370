import { afterAll, expect, test } from 'vitest'
import { createProfile, placeOf, ruleName } from '../../../src/policy/analyse/rego-profile.ts'
import { compiler } from '../../decide/rego/engine/support.ts'
import { planOfQuery, watch } from './watched.ts'

afterAll(() => compiler.close())

const SOURCE = `package t

p if {
	n > 0
	n > 1
	f(input.x) > f(3)
}

n := count(input.xs)

f(x) := 1 if x > 2
else := 0
`

test('each rule with how often it ran, and its time with and without what it called', async () => {
  const plan = await planOfQuery({ 't.rego': SOURCE }, 'data.t.p')
  let now = 0
  // A millisecond passes whenever the clock is looked at: twice a rule.
  const profile = createProfile(plan, () => now++)
  watch(plan, profile.observer, { input: { xs: [1, 2], x: 1 } })
  const at = (line: number) => ({ file: 't.rego', line })
  expect(profile.report()).toEqual([
    { rule: 'data.t.p', ...at(3), evaluations: 1, own_ms: 4, total_ms: 7 },
    { rule: 'data.t.f', ...at(11), evaluations: 2, own_ms: 2, total_ms: 2 },
    { rule: 'data.t.n', ...at(9), evaluations: 1, own_ms: 1, total_ms: 1 },
  ])
})

test('a rule that an error ends is not told of, nor are those around it', async () => {
  const source = 'package t\np if q > 1\nq := r / input.zero\nr := input.one'
  const plan = await planOfQuery({ 't.rego': source }, 'data.t.p')
  const profile = createProfile(plan, () => 0)
  expect(() => watch(plan, profile.observer, { input: { zero: 0, one: 1 } })).toThrow()
  expect(profile.report().map(({ rule }) => rule)).toEqual(['data.t.r'])
})

test('a query without rules has nothing to tell', async () => {
  const plan = await planOfQuery({}, 'x := 1')
  const profile = createProfile(plan, () => 0)
  watch(plan, profile.observer)
  expect(profile.report()).toEqual([])
})

test('rules have their Rego names and first lines, also those whose first block is OPA’s own', async () => {
  const plan = await planOfQuery({ 't.rego': SOURCE }, 'data.t.p')
  expect(plan.functions.map((called) => [ruleName(called), placeOf(plan, called).line])).toEqual([
    ['data.t.n', 9],
    ['data.t.f', 11],
    ['data.t.p', 3],
  ])
})
