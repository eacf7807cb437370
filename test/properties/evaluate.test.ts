import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import type { Said } from '../../src/decide/evaluate/fold.ts'
import { fold } from '../../src/decide/evaluate/fold.ts'
import { VELOCITY_LIMIT_MAX } from '../../src/decide/evaluate/limits.ts'
import { applyObligations } from '../../src/decide/evaluate/obligations.ts'
import type { Finding } from '../../src/model/generated/types.ts'
import { load, NOON, rule, run } from '../decide/evaluate/fixtures.ts'
import type { Step } from './evaluate-run.ts'
import { evaluateAll } from './evaluate-run.ts'

const payloads: fc.Arbitrary<JsonObject> = fc.record(
  {
    user: fc.oneof(fc.constantFrom('u', 'v', 'w'), fc.integer(), fc.constant(null)),
    note: fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('drop table'), fc.jsonValue()),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    action: fc.constantFrom('refund', 'read', 'nobody'),
    session: fc.constantFrom('s', 't'),
    payload: payloads,
    wait: fc.integer({ min: -20_000, max: 40_000 }),
  }),
  { maxLength: 40 },
)

test('the same steps give the same bytes, also when the state goes through JSON', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const first = evaluateAll(all, { roundTrip: false })
      expect(evaluateAll(all, { roundTrip: false })).toBe(first)
      expect(evaluateAll(all, { roundTrip: true })).toBe(first)
    }),
    { numRuns: 60 },
  )
})

test('another process gives the same bytes', () => {
  const runs = fc.sample(steps, { numRuns: 40, seed: 7 })
  const wire = JSON.stringify(runs)
  const child = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('./evaluate-child.ts', import.meta.url))],
    { input: wire, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  expect(child.stderr).toBe('')
  const here = (JSON.parse(wire) as Step[][]).map((all) => evaluateAll(all, { roundTrip: false }))
  expect(JSON.parse(child.stdout)).toEqual(here)
})

const said: fc.Arbitrary<Said> = fc
  .record({
    rule: fc.constantFrom('a/a', 'b/b'),
    verdict: fc.constantFrom('allow', 'redact', 'hold', 'deny'),
    mode: fc.constantFrom('enforce', 'shadow'),
    message: fc.constantFrom('m', 'n'),
    line: fc.integer({ min: 1, max: 2 }),
    evidence: fc.record({ n: fc.integer({ min: 0, max: 1 }) }),
    route: fc.constantFrom('default', 'payments', null),
    redact: fc.array(fc.constantFrom('payload.a', 'payload.b'), { maxLength: 3 }),
  })
  .map(({ route, redact, ...rest }) => {
    const named = route === null ? {} : { route }
    const finding = { kind: 'every', file: 'f', column: 1, ...rest, ...named } as Finding
    return { finding, obligations: redact.length === 0 ? [] : [{ kind: 'redact', paths: redact }] }
  })

test('fold is free of order, even beyond its bounds', () => {
  const lists = fc.oneof(
    fc.array(said, { maxLength: 12 }),
    fc.array(said, { minLength: 250, maxLength: 320, size: 'max' }),
  )
  fc.assert(
    fc.property(lists, fc.infiniteStream(fc.nat()), (all, random) => {
      const keyed = all.map((one) => ({ one, at: random.next().value as number }))
      const shuffled = keyed.sort((a, b) => a.at - b.at).map(({ one }) => one)
      const text = (list: readonly Said[]) => canonicalize(fold(list) as unknown as JsonValue)
      expect(text(shuffled)).toBe(text(all))
      expect(text([...shuffled].reverse())).toBe(text(all))
    }),
    { numRuns: 60 },
  )
})

test('one more enforced finding never lowers the verdict', () => {
  const rank = ['allow', 'redact', 'hold', 'deny']
  fc.assert(
    fc.property(fc.array(said, { maxLength: 8 }), said, (all, one) => {
      const before = rank.indexOf(fold(all).verdict)
      expect(rank.indexOf(fold([...all, one]).verdict)).toBeGreaterThanOrEqual(before)
    }),
  )
})

test('velocity agrees with counting every attempt anew', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 4000 }), { maxLength: 40 }),
      (limit, waits) => {
        const one = rule({ kind: 'velocity', spec: { limit, per: '10s' }, verdict: 'hold' })
        const { judge } = run(load({ rules: [one] }))
        const times: number[] = []
        let now = NOON
        for (const wait of waits) {
          now += wait
          times.push(now)
          const inWindow = times.filter((time) => now - time < 10_000).length
          expect(judge({}, now).verdict).toBe(inWindow > limit ? 'hold' : 'allow')
        }
      },
    ),
  )
  expect(VELOCITY_LIMIT_MAX).toBe(1000)
})

test('redaction leaves nothing at the path and does not touch the original', () => {
  fc.assert(
    fc.property(payloads, (payload) => {
      const before = structuredClone(payload)
      const obligation = { kind: 'redact' as const, paths: ['payload.user'], rule: 'a/b' }
      const after = applyObligations({ payload }, [obligation], () => 'token').payload
      expect(payload).toEqual(before)
      expect(Object.hasOwn(after, 'user')).toBe(Object.hasOwn(before, 'user'))
      if (Object.hasOwn(after, 'user')) expect(after['user']).toBe('[redacted]')
    }),
  )
})
