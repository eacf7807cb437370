import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import canonicalize from 'canonicalize'
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import type { OpaCompiler } from '../../src/host/rego-compiler/compiler.ts'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'

const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm')

const compiler = createRegoCompiler({ hostBuiltins: ['countersign.sprintf', 'regex.replace'] })
afterAll(() => compiler.close())

type Raised = { builtin: string; site: string }

/** Runs the strict module in the plain npm host: what it gives, or the built-in error that it raised. */
async function runStrict(
  body: string,
  input: JsonObject,
  data: JsonObject = {},
): Promise<{ values: JsonValue[] } | { raised: Raised }> {
  const built = await compiler.build({ 'p.rego': `package t\n${body}` }, ['t/p'])
  if (!('wasm' in built)) throw new Error(JSON.stringify(built.diagnostics))
  const policy = loadPolicySync(Buffer.from(built.wasm), 5, {
    'countersign.fail': (builtin: string, site: string) => {
      throw { raised: { builtin, site } }
    },
    'countersign.sprintf': (format: string, values: JsonValue[]) =>
      format.replace('%v', String(values[0])),
  })
  policy.setData(data)
  try {
    return { values: policy.evaluate(input).map((r: { result: JsonValue }) => r.result) }
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'raised' in error) {
      return error as { raised: Raised }
    }
    throw error
  }
}

async function runOracle(body: string, input: JsonObject, data: JsonObject = {}) {
  return compiler.oracle(
    { 'p.rego': `package t\n${body}` },
    { query: 'data.t.p', input, data, strict: true },
  )
}

/** Sets leave the module in hash order. */
function unordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .map(unordered)
      .sort((a, b) => (String(canonicalize(a)) < String(canonicalize(b)) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, unordered(v)]))
}

const INPUT = { n: 3, s: 'a,b', list: [3, 1, 2], o: { k: 'v' }, yes: true, z: 0, empty: [] }

describe('the strict module gives what OPA gives', () => {
  test.for([
    ['arithmetic', 'p := ((input.n + 4) * 2 - 1) % 5'],
    ['division', 'p := 7 / input.n'],
    ['set minus, and, or', 'p := ({1, 2, 3} - {2} | {9}) & {1, 9, 4}'],
    ['a set from the input', 'p := {x | some x in input.list} - {1}'],
    ['split through a reference', 'p := split(input.s, ",")[1]'],
    ['an operand that is undefined', 'p := to_number(input.absent)'],
    ['an operand that is undefined, negated', 'p if not to_number(input.absent)'],
    ['false as a value', 'p := startswith(input.s, "b")'],
    ['false in a body', 'p if startswith(input.s, "b")'],
    ['false under not', 'p if not startswith(input.s, "b")'],
    ['output argument', 'p := x if { plus(input.n, 1, x) }'],
    ['output argument that differs', 'p if { plus(input.n, 1, 99) }'],
    ['output argument that differs, negated', 'p if { not plus(input.n, 1, 99) }'],
    ['unification with an array', 'p := b if { [_, b] = split(input.s, ",") }'],
    ['nested calls', 'p := concat("-", [upper(x) | some x in split(input.s, ",")])'],
    ['an object with computed keys', 'p := {upper(k): count(v) | some k, v in input.o}'],
    ['a literal with computed keys', 'p := {upper("x"): lower("Y"), "n": [abs(-1), {ceil(1.5)}]}'],
    ['every', 'p if every x in input.list { x + 1 > 1 }'],
    ['else', 'p := 1 if { count(input.list) > 5 } else := 2 if { count(input.list) == 3 }'],
    ['a function', 'f(x) := x * 2\np := f(input.n)'],
    ['a partial set', 'p contains x * 2 if some x in input.list'],
    ['a partial object', 'p[format_int(x, 10)] := x * 2 if some x in input.list'],
    ['a deep reference as head', 'p.a[upper(k)] := count(v) if some k, v in input.o'],
    ['with input', 'q := input.n + 1\np := x if { x := q with input.n as input.n * 10 }'],
    ['with data', 'q := count(data.d)\np := x if { x := q with data.d as numbers.range(1, 3) }'],
    ['data from outside', 'p := data.countersign.limit + input.n'],
    ['max of nothing', 'p := max(input.empty)'],
    ['min of nothing, negated', 'p if not min(input.empty)'],
    ['walk', 'p contains v if { walk(input.o, [_, v]); is_string(v) }'],
    ['a template string', 'p := $"{input.n + 1} and {input.absent}"'],
    ['sprintf', 'p := sprintf("%v!", [input.n])'],
    ['a rule that shadows a built-in', 'count(x) := 7 if x\np := count(input.n)'],
    ['an import that shadows built-ins', 'import data.json\np := json.is_valid'],
    ['membership', 'p if { 3 in input.list; not 9 in input.list }'],
    ['print', 'p := 1 if print("x", 1 / input.z)'],
    ['type tests', 'p := [is_string(input.n), is_number(input.n), type_name(input.o)]'],
    ['a call in a some', 'p contains x if some x in split(input.s, ",")'],
    ['metadata', '# METADATA\n# title: hello\np := rego.metadata.rule().title'],
    ['a keyword import', 'import future.keywords.contains\np if contains(input.s, "b")'],
  ] as const)('%s', async ([, body]) => {
    const data = { countersign: { limit: 4 }, json: { is_valid: 'mine' } }
    const oracle = await runOracle(body, INPUT, data)
    if (!('results' in oracle)) throw new Error(JSON.stringify(oracle))
    const strict = await runStrict(body, INPUT, data)
    expect(unordered(strict)).toEqual(unordered({ values: oracle.results.map((r) => r.value) }))
  })
})

describe('a built-in that errors raises, with its place', () => {
  test.for([
    ['in a body', 'p if { 1 / input.z > 0 }', 'div', '2:8'],
    ['in a body, as an operand', 'p if input.n > to_number("x")', 'to_number', '2:16'],
    ['under not', 'p if not to_number("x")', 'to_number', '2:6'],
    [
      'of a built-in named like a keyword import',
      'import future.keywords.contains\np if not contains(input.n, "b")',
      'contains',
      '3:6',
    ],
    ['under not, in a rule it calls', 'q if to_number("x")\np if not q', 'to_number', '2:6'],
    ['in a comprehension', 'p := [x | x := to_number("x")]', 'to_number', '2:16'],
    ['in a head value', 'p := to_number("x")', 'to_number', '2:6'],
    ['in a partial set head', 'p contains to_number("x")', 'to_number', '2:12'],
    ['in a head key', 'p[lower(input.n)] := 1', 'lower', '2:3'],
    ['in a deep head key', 'p.a.b[lower(input.n)] := 1', 'lower', '2:7'],
    ['in a function', 'f(x) := to_number(x)\np := f("x")', 'to_number', '2:9'],
    ['in every', 'p if every x in input.list { x + "a" }', 'plus', '2:30'],
    ['in the domain of every', 'p if every x in split(input.n, "") { x }', 'split', '2:17'],
    ['in else', 'p := 1 if false else := to_number("x")', 'to_number', '2:25'],
    ['in a body before else', 'p := 1 if to_number("x") else := 2', 'to_number', '2:11'],
    ['in with', 'p if { input.n with input.n as 1 / input.z }', 'div', '2:32'],
    ['in a template string', 'p := $"{1 / input.z}"', 'div', '2:9'],
    ['in an index', 'p := input.list[to_number("x")]', 'to_number', '2:17'],
    ['with an output argument', 'p if { not to_number("x", 4) }', 'to_number', '2:8'],
    ['an operand of the wrong type', 'p := input.s + 1', 'plus', '2:6'],
    ['a bad pattern', 'p if regex.match(input.pattern, "a")', 'regex.match', '2:6'],
    ['max of a mixed type', 'p := max(input.n)', 'max', '2:6'],
    ['a set in a literal', 'p := {1, to_number("x")}', 'to_number', '2:10'],
    ['a key in a literal', 'p := {lower(input.n): 1}', 'lower', '2:7'],
  ] as const)('%s', async ([, body, builtin, place]) => {
    const input = { ...INPUT, pattern: '(' }
    expect(await runStrict(body, input)).toEqual({ raised: { builtin, site: `p.rego:${place}` } })
    // OPA's own strict evaluation refuses it too, so the raise is not one of ours alone.
    expect(await runOracle(body, input)).toHaveProperty('error')
  })
})

describe('check', () => {
  const check = (files: Record<string, string>) => compiler.check(files)

  test('broken files -> every diagnostic of all of them, sorted', async () => {
    const { diagnostics } = await check({
      'z.rego': 'package z\n\np := 1 2',
      'a.rego': 'package a\nimport',
      'm.rego': 'package m\np if rand.intn("x", 2) == 1',
      'notes.txt': 'not rego',
    })
    expect(
      diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.severity} ${d.code}`),
    ).toEqual([
      'a.rego:2:6 error REGO_INVALID',
      'm.rego:2:6 error REGO_BUILTIN_REFUSED',
      'z.rego:3:8 error REGO_INVALID',
    ])
  })

  test.for([
    ['the clock', 'p if time.now_ns() > input.t', 'REGO_BUILTIN_REFUSED', 'input.now'],
    ['the network', 'p := http.send({}).body', 'REGO_BUILTIN_REFUSED', 'context'],
    ['the environment', 'p := opa.runtime()', 'REGO_BUILTIN_REFUSED', 'environment'],
    ['chance', 'p := rand.intn("x", 3)', 'REGO_BUILTIN_REFUSED', 'chance'],
    ['uuid', 'p := uuid.rfc4122("x")', 'REGO_BUILTIN_REFUSED', 'id of the input'],
    ['a name server', 'p := net.lookup_ip_addr("x")', 'REGO_BUILTIN_REFUSED', 'address'],
    ['what no host supplies', 'p := io.jwt.decode("x")', 'REGO_BUILTIN_REFUSED', 'supplies'],
    [
      'a refused one in a comprehension',
      'p := [x | x := trace("x")]',
      'REGO_BUILTIN_REFUSED',
      'print',
    ],
    [
      'a refused one in a deep head',
      'p.a.b[uuid.rfc4122("x")] := 1',
      'REGO_BUILTIN_REFUSED',
      'input',
    ],
    ['an unknown function', 'p := nope(1)', 'REGO_INVALID', undefined],
    ['a type error', 'p := 1 + "x"', 'REGO_INVALID', undefined],
    ['an unused variable', 'p if { x := 1 }', 'REGO_INVALID', undefined],
    ['an unsafe variable', 'p if { y > 1 }', 'REGO_INVALID', undefined],
    ['recursion', 'p if not p', 'REGO_INVALID', undefined],
    [
      'a mocked built-in',
      'f(_) := 1\np := x if { x := count([1]) with count as f }',
      'REGO_INVALID',
      undefined,
    ],
  ] as const)('%s -> %s', async ([, body, code, hint]) => {
    const { diagnostics } = await check({ 'p.rego': `package t\n${body}` })
    expect(diagnostics.length).toBeGreaterThan(0)
    for (const d of diagnostics) {
      expect(d).toMatchObject({ code, severity: 'error', file: 'p.rego' })
      expect(d.line).toBeGreaterThan(1)
      if (hint !== undefined) expect(d.hint).toContain(hint)
    }
  })

  test.for([
    ['a host built-in', 'p := regex.replace(input.s, "a", "b")'],
    ['a rule named like a refused built-in', 'trace(x) := x\np := trace(1)'],
    ['documents that come later', 'p := data.countersign.anything[input.x]'],
    ['a mock in a test', 'f(_) := 1\np := count(input.x)\ntest_p if { p == 1 with count as f }'],
  ] as const)('%s -> fine', async ([, body]) => {
    expect((await check({ 'p.rego': `package t\n${body}` })).diagnostics).toEqual([])
  })

  test('the reserved package -> refused', async () => {
    const { diagnostics } = await check({ 'p.rego': 'package countersign__strict\np := 1' })
    expect(diagnostics).toMatchObject([{ code: 'REGO_INVALID', line: 1, column: 1 }])
  })

  test('packages -> first definitions, shapes, merged metadata, no tests', async () => {
    const { packages, diagnostics } = await check({
      'b.rego':
        'package countersign.x\n\ndeny contains "b"\ndefault allow := false\nallow if input.ok\nf(x) := x\n' +
        'm[k] := 1 if some k in input.ks\nt.u := 1\ntest_y if true\ntodo_test_z if true',
      'a.rego':
        '# METADATA\n# custom:\n#   on: { service: billing, action: "refund_*" }\n#   weight: 3\n' +
        'package countersign.x\n\ndeny contains "a"',
      'b_test.rego': 'package countersign.x_test\n\ntest_x if true',
    })
    expect(diagnostics).toEqual([])
    expect(packages).toEqual([
      {
        name: 'countersign.x',
        file: 'a.rego',
        line: 5,
        column: 1,
        custom: { on: { service: 'billing', action: 'refund_*' }, weight: 3 },
        rules: [
          { name: 'deny', file: 'a.rego', line: 7, column: 1, shape: 'set' },
          { name: 'allow', file: 'b.rego', line: 4, column: 1, shape: 'value' },
          { name: 'f', file: 'b.rego', line: 6, column: 1, shape: 'function' },
          { name: 'm', file: 'b.rego', line: 7, column: 1, shape: 'object' },
          { name: 't', file: 'b.rego', line: 8, column: 1, shape: 'object' },
        ],
      },
    ])
  })
})

describe('build', () => {
  const files = {
    'b.rego':
      'package countersign.b\n\ndeny contains sprintf("<%v>", [9007199254740993]) if input.x > 1',
    'a.rego':
      'package countersign.a\n\ndeny contains "a" if data.countersign.b.deny\n\ntest_x if time.now_ns()',
    'a_test.rego': 'package countersign.a_test\n\ntest_q if nonsense(1)',
  }
  const entrypoints = ['countersign/b/deny', 'countersign/a/deny']

  async function built(from: Record<string, string>, points: readonly string[]) {
    const answer = await compiler.build(from, points)
    if (!('wasm' in answer)) throw new Error(JSON.stringify(answer.diagnostics))
    return answer
  }

  test('any order of files and entry points -> the same bytes', async () => {
    const one = await built(files, entrypoints)
    const two = await built(
      Object.fromEntries(Object.entries(files).reverse()),
      [...entrypoints].reverse(),
    )
    expect(Buffer.from(one.wasm).equals(Buffer.from(two.wasm))).toBe(true)
    expect(one.plan).toBe(two.plan)
  })

  test('plan -> RFC 8785 text of the sources, without tests', async () => {
    const { plan } = await built(files, entrypoints)
    expect(plan).toBe(canonicalize(JSON.parse(plan)))
    const { static: constants, plans } = JSON.parse(plan)
    expect(plans.plans.map((p: { name: string }) => p.name)).toEqual([
      'countersign/a/deny',
      'countersign/b/deny',
    ])
    expect(constants.builtin_funcs.map((b: { name: string }) => b.name)).toEqual(['gt', 'sprintf'])
    expect(constants.strings).toContainEqual({ value: '9007199254740993' })
    expect(plan).not.toContain('test_')
  })

  test('module -> imports our names only', async () => {
    const { wasm } = await built(files, entrypoints)
    const policy = loadPolicySync(Buffer.from(wasm), 5, {})
    const { builtins, opa_json_dump } = policy.wasmInstance.exports
    const memory = Buffer.from(policy.mem.buffer)
    const address = opa_json_dump(builtins())
    const names = JSON.parse(memory.toString('utf8', address, memory.indexOf(0, address)))
    expect(Object.keys(names).sort()).toEqual(['countersign.fail', 'countersign.sprintf'])
  })

  test.for([
    ['a rule that is not there', ['countersign/a/nope'], 'names no rule'],
    ['a test rule', ['countersign/a/test_x'], 'names no rule'],
    ['nothing', [], 'no entry point'],
  ] as const)('entry point: %s -> diagnostic', async ([, points, message]) => {
    const answer = await compiler.build(
      { ...files, 'a.rego': 'package countersign.a\n\np := 1' },
      points,
    )
    if (!('diagnostics' in answer)) throw new Error('built')
    expect(answer.diagnostics[0]).toMatchObject({ code: 'REGO_INVALID', severity: 'error' })
    expect(answer.diagnostics[0]?.message).toContain(message)
  })

  test('an invalid policy -> the diagnostics of check', async () => {
    const broken = { 'p.rego': 'package t\np := time.now_ns()' }
    expect(await compiler.build(broken, ['t/p'])).toEqual({
      diagnostics: (await compiler.check(broken)).diagnostics,
    })
  })
})

describe('test', () => {
  test('pass, fail, error, skip, print, filter, coverage', async () => {
    const files = {
      'p.rego':
        'package countersign.p\n\ndeny contains "x" if input.n > data.limit\n\nhold contains "y" if {\n\tinput.never\n}',
      'p_test.rego':
        'package countersign.p_test\n\nimport data.countersign.p\n\n' +
        'test_pass if { print("seen", 1); count(p.deny) == 1 with input.n as 9 }\n' +
        'test_fail if count(p.deny) == 2\n' +
        'test_error if not to_number("x")\n' +
        'todo_test_later if false',
    }
    const data = { limit: 5 }
    const all = await compiler.test(files, { data })
    if (!('results' in all)) throw new Error(JSON.stringify(all))
    expect(all.results.map((r) => [r.name, r.line, r.outcome])).toEqual([
      ['test_pass', 5, 'pass'],
      ['test_fail', 6, 'fail'],
      ['test_error', 7, 'error'],
      ['todo_test_later', 8, 'skip'],
    ])
    expect(all.results[0]).toMatchObject({ package: 'countersign.p_test', printed: 'seen 1\n' })
    expect(all.results[2]?.message).toContain('to_number')
    expect(all.coverage.files).toEqual({ 'p.rego': { covered: [3], missed: [5, 6] } })
    expect(all.coverage.percent).toBeCloseTo(100 / 3)
    const one = await compiler.test(files, { data, filter: 'test_pa' })
    expect('results' in one && one.results.map((r) => r.name)).toEqual(['test_pass'])
    expect(await compiler.test(files, { data, filter: '(' })).toHaveProperty('diagnostics')
  })

  test('a test that does not end -> error, and the others still run', async () => {
    const quick = createRegoCompiler({ hostBuiltins: [], testMsMax: 200 })
    const tested = await quick.test(
      {
        'p_test.rego':
          'package p_test\n\ntest_long if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta + b == -1\n}\n' +
          'test_short if true',
      },
      { data: {} },
    )
    await quick.close()
    if (!('results' in tested)) throw new Error(JSON.stringify(tested))
    expect(tested.results.map((r) => [r.outcome, r.message])).toEqual([
      ['error', 'the test ran longer than 200 ms'],
      ['pass', undefined],
    ])
  })
})

describe('format', () => {
  test('loose text -> the text of opa fmt', async () => {
    expect(await compiler.format({ 'p.rego': 'package t\np if { input.x   == 1 }' })).toEqual({
      files: { 'p.rego': 'package t\n\np if input.x == 1\n' },
    })
  })

  test('a file that does not parse -> its diagnostics', async () => {
    const answer = await compiler.format({ 'a.rego': 'package t\n', 'p.rego': 'package t\np if {' })
    expect(answer).toMatchObject({
      diagnostics: [{ code: 'REGO_INVALID', file: 'p.rego', line: 2 }],
    })
  })
})

describe('the worker', () => {
  test('an artefact with another digest -> refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rego-compiler-'))
    const source = fileURLToPath(new URL('../../src/host/rego-compiler/', import.meta.url))
    for (const name of ['worker.ts', 'wasi.ts', 'web-assembly.ts', 'opa-compiler.wasm.br']) {
      copyFileSync(join(source, name), join(folder, name))
    }
    const artefact = JSON.parse(readFileSync(join(source, 'artefact.json'), 'utf8'))
    const forged = { ...artefact, sha256: `0${artefact.sha256.slice(1)}` }
    writeFileSync(join(folder, 'artefact.json'), JSON.stringify(forged))
    const worker = new Worker(join(folder, 'worker.ts'))
    worker.postMessage({ id: 1, request: '{"op":"version"}' })
    const [answer] = await once(worker, 'message')
    await worker.terminate()
    rmSync(folder, { recursive: true })
    expect(answer).toEqual({ id: 1, failure: expect.stringContaining('expected 0') })
  })

  test("an author's file named like the generated one -> still in the module", async () => {
    const built = await compiler.build(
      { 'countersign__strict.rego': 'package t\np := to_number(input.x)' },
      ['t/p'],
    )
    expect(built).toHaveProperty('wasm')
  })

  test('versions -> those of the artefact', async () => {
    expect(await compiler.version()).toEqual({ opa: '1.22.0', go: 'go1.26.8' })
  })

  test('a call past its deadline -> REGO_COMPILER_FAILED, and the next call works', async () => {
    const hasty = createRegoCompiler({ hostBuiltins: [], callMsMax: 1 })
    await expect(hasty.check({})).rejects.toMatchObject({ code: 'REGO_COMPILER_FAILED' })
    await hasty.close()
    const patient = createRegoCompiler({ hostBuiltins: [] })
    const deep = { 'p.rego': `package t\np := ${'['.repeat(200_000)}` }
    await patient.check(deep).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'REGO_COMPILER_FAILED' })
    })
    expect((await patient.check({ 'p.rego': 'package t\np := 1' })).diagnostics).toEqual([])
    await patient.close()
  })

  test('idle -> it ends, and the next call starts another', async () => {
    const brief = createRegoCompiler({ hostBuiltins: [], idleMsMax: 10 })
    await brief.version()
    await sleep(100)
    expect(await brief.version()).toHaveProperty('opa')
    await brief.close()
    await brief.close()
  })

  test.for([
    { name: 'nothing', next: async () => undefined },
    { name: 'a call', next: (warmed: OpaCompiler) => warmed.version() },
    { name: 'idleness and a call', next: (warmed: OpaCompiler) => sleep(50).then(warmed.version) },
    { name: 'the same once more', next: async (warmed: OpaCompiler) => warmed.warm() },
  ])('warmed, then $name -> it works, and it ends', async ({ next }) => {
    const warmed = createRegoCompiler({ hostBuiltins: [], idleMsMax: 10 })
    warmed.warm()
    await next(warmed)
    expect(await warmed.version()).toHaveProperty('opa')
    await warmed.close()
  })

  test('the same question again -> the same answer, unless it was long ago', async () => {
    const ask = (n: number) => compiler.check({ 'again.rego': `package again\np := ${n}` })
    const { packages } = await ask(1)
    expect((await ask(1)).packages).toBe(packages)
    for (let n = 2; n < 12; n += 1) await ask(n)
    const later = await ask(1)
    expect(later.packages).toEqual(packages)
    expect(later.packages).not.toBe(packages)
  })

  test('many calls at once -> each gets its own answer', async () => {
    const answers = await Promise.all(
      [1, 2, 3].map((n) => compiler.format({ [`${n}.rego`]: `package t${n}` })),
    )
    expect(answers.map((a) => 'files' in a && Object.values(a.files)[0])).toEqual([
      'package t1\n',
      'package t2\n',
      'package t3\n',
    ])
  })
})
