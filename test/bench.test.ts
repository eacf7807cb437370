import { afterAll, expect, test } from 'vitest'
import { type BenchInput, benchInputs, peerInput } from '../bench/inputs.ts'
import { compileBench, newCompiler, START, subjectOf } from '../bench/ours.ts'
import { PEER_QUERY, peerModules, peerVerdict } from '../bench/peer-rego.ts'
import type { RegoChoice } from '../bench/policy-files.ts'
import { aimOf } from '../bench/report.ts'
import { rulesOf } from '../bench/rules.ts'
import { figuresOf, medians, overlapping } from '../bench/stats.ts'
import type { Bundle } from '../src/policy/bundle/index.ts'

// What the benchmark compares must be the same policy. No test here looks at a clock.

const compiler = newCompiler()
afterAll(() => compiler.close())

const bundles = new Map<string, Promise<Bundle>>()

function bundleOf(rules: number, rego: RegoChoice): Promise<Bundle> {
  const name = `${rules} ${rego}`
  const bundle = bundles.get(name) ?? compileBench(rules, rego, compiler)
  bundles.set(name, bundle)
  return bundle
}

/** OPA's own evaluator on all inputs, in one query. */
async function oracleVerdicts(
  modules: Readonly<Record<string, string>>,
  inputs: readonly BenchInput[],
): Promise<readonly string[]> {
  const query = `[decision | some one in data.inputs; decision := ${PEER_QUERY} with input as one]`
  const data = { inputs: inputs.map((input) => peerInput(input, START)) }
  const answer = await compiler.oracle(modules, { query, data, strict: true })
  if (!('results' in answer)) throw new Error(JSON.stringify(answer))
  const decisions = answer.results.flatMap(({ value }) => value) as unknown
  return (decisions as Parameters<typeof peerVerdict>[0][]).map(peerVerdict)
}

test.for<{ rules: number; rego: RegoChoice; want: readonly string[] }>([
  { rules: 1, rego: 'none', want: ['allow', 'hold'] },
  { rules: 100, rego: 'none', want: ['allow', 'deny', 'hold'] },
  { rules: 100, rego: 'every', want: ['allow', 'deny', 'hold'] },
  { rules: 100, rego: 'elsewhere', want: ['allow', 'deny', 'hold'] },
])('$rules rules, Rego $rego -> our verdicts are those of OPA', async ({ rules, rego, want }) => {
  const inputs = benchInputs(rules, 250)
  const bundle = await bundleOf(rules, rego)
  expect(bundle.policy.rules).toHaveLength(rules)
  expect(bundle.policy.rego).toHaveLength(rego === 'none' ? 0 : 1)
  const ours = subjectOf(bundle, inputs).verdicts()
  expect([...new Set(ours)].sort()).toEqual(want)
  expect(ours).toEqual(await oracleVerdicts(peerModules(rules, rego), inputs))
})

test.for([
  { name: 'another bound', from: 'payload.amount > 500', to: 'payload.amount > 400' },
  {
    name: 'another count of attempts',
    from: 'input.state.attempts > 5',
    to: 'input.state.attempts > 1',
  },
  { name: 'another region', from: '"eu-west-1"', to: '"eu-west-9"' },
  { name: 'another channel', from: '"unattended"', to: '"chat"' },
])('a peer with $name -> the comparison notices', async ({ from, to }) => {
  const inputs = benchInputs(100, 250)
  const text = peerModules(100, 'none')['bench.rego'] ?? ''
  expect(text).toContain(from)
  const changed = await oracleVerdicts({ 'bench.rego': text.replaceAll(from, to) }, inputs)
  const ours = subjectOf(await bundleOf(100, 'none'), inputs).verdicts()
  expect(ours).not.toEqual(changed)
})

test('a Rego package about every action changes verdicts, one about none changes none', async () => {
  const inputs = benchInputs(100, 800)
  const verdicts = async (rego: RegoChoice) =>
    subjectOf(await bundleOf(100, rego), inputs).verdicts()
  const alone = await verdicts('none')
  expect(await verdicts('elsewhere')).toEqual(alone)
  expect(await verdicts('every')).not.toEqual(alone)
})

test('a second pass over the inputs starts from windows that are over: nothing fails', async () => {
  const subject = subjectOf(await bundleOf(100, 'none'), benchInputs(100, 50))
  const before = subject.verdicts()
  for (const mode of ['evaluate', 'value', 'text'] as const) {
    expect(subject.measure(mode, 120)).toHaveLength(120)
  }
  expect(subject.verdicts()).toEqual(before)
})

test.for([1, 100, 10_000])('%i rules -> that many ids, each tool named once', (count) => {
  const rules = rulesOf(count)
  const tools = rules.flatMap(({ on }) => (on === null ? [] : [`${on.service}.${on.action}`]))
  expect(new Set(rules.map(({ id }) => id)).size).toBe(count)
  expect(new Set(tools).size).toBe(tools.length)
  expect(count - tools.length).toBe(count >= 100 ? 2 : 0)
})

test('inputs -> the same every time, of about 500 bytes, of all four shapes', () => {
  const inputs = benchInputs(100)
  expect(benchInputs(100)).toEqual(inputs)
  expect(benchInputs(10_000)).not.toEqual(inputs)
  const bytes = inputs.map(({ action }) => JSON.stringify(action).length)
  const mean = bytes.reduce((sum, one) => sum + one, 0) / bytes.length
  expect(mean).toBeGreaterThan(450)
  expect(mean).toBeLessThan(550)
  const has = (field: string) =>
    inputs.filter(({ action }) => field in (action['payload'] as object)).length / inputs.length
  for (const field of ['amount', 'command', 'to', 'region']) {
    expect(has(field)).toBeGreaterThan(0.2)
  }
})

test.for([
  { name: 'one', nanos: [3000], want: { p50_us: 3, p99_us: 3, per_second: 1e6 / 3 } },
  { name: 'two', nanos: [4000, 1000], want: { p50_us: 1, p99_us: 4, per_second: 400_000 } },
  {
    name: 'a hundred',
    nanos: Array.from({ length: 100 }, (_, i) => (100 - i) * 1000),
    want: { p50_us: 50, p99_us: 99, per_second: 1e8 / 5050 },
  },
])('times of $name -> nearest-rank percentiles and what a second holds', ({ nanos, want }) => {
  const figures = figuresOf(nanos)
  expect(figures.p50_us).toBe(want.p50_us)
  expect(figures.p99_us).toBe(want.p99_us)
  expect(figures.per_second).toBeCloseTo(want.per_second, 6)
})

test('overlapping callers -> a second holds what the wall says', () => {
  expect(overlapping([5000, 5000, 5000, 5000], 2).per_second).toBe(2000)
})

test('medians -> one noisy round weighs nothing', () => {
  const calm = { p50_us: 1, p99_us: 2, per_second: 3 }
  const noisy = { p50_us: 100, p99_us: 200, per_second: 0.1 }
  expect(medians([calm, noisy, calm])).toEqual(calm)
})

test.for([
  { name: 'both within', small: 9, large: 19, want: true },
  { name: 'too slow at 100', small: 11, large: 12, want: false },
  { name: 'too slow at 10,000', small: 9, large: 21, want: false },
  { name: 'not measured at 10,000', small: 9, large: null, want: false },
])('the aim, $name -> $want', ({ small, large, want }) => {
  const one = (rules: number, p50_us: number) => {
    const figures = { p50_us, p99_us: p50_us, per_second: 1 }
    return {
      rules,
      rego: 'none' as const,
      tools: 'usual' as const,
      compile_ms: 0,
      load_ms: 0,
      peer_load_ms: 0,
      input_bytes: 0,
      verdicts: {},
      comparisons: [
        {
          ours: 'evaluate' as const,
          peer: 'parsed' as const,
          ours_figures: figures,
          peer_figures: figures,
        },
      ],
    }
  }
  const cases = [one(100, small), ...(large === null ? [] : [one(10_000, large)])]
  expect(aimOf(cases).met).toBe(want)
})
