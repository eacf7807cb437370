import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import canonicalize from 'canonicalize'
import { afterAll, describe, expect, test } from 'vitest'
import { createRegoCompiler } from '../../src/host/rego-compiler/compiler.ts'
import type { WorkerAnswer, WorkerStart } from '../../src/host/rego-compiler/worker.ts'
import type { RegoQuery } from '../../src/model/rego.ts'

const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm')

const compiler = createRegoCompiler({ hostBuiltins: ['countersign.regex.replace', 'uuid.parse'] })
afterAll(() => compiler.close())

const POLICY = {
  'p.rego':
    'package countersign.p\n\nf(x) := x + 1\n\ndeny contains upper(input.x)\n\nhold contains x if some x in data.list',
}

async function planned(question: RegoQuery, files: Record<string, string> = POLICY) {
  const answer = await compiler.plan(files, question)
  if (!('plan' in answer)) throw new Error(JSON.stringify(answer.diagnostics))
  return answer
}

describe('plan', () => {
  test.for([
    [
      'a rule',
      { query: 'data.countersign.p.deny' },
      ['upper'],
      [['data.countersign.p.deny', 1, 1, '^term1']],
      ['^term1'],
    ],
    [
      'two expressions',
      { query: 'x := input.y; x > 2' },
      ['gt'],
      [
        ['x := input.y', 1, 1, undefined],
        ['x > 2', 1, 15, '^term1'],
      ],
      ['^term1', 'x'],
    ],
    [
      'an import',
      { query: 'p.f(2) == y', imports: ['data.countersign.p', 'input.y'] },
      ['equal', 'plus'],
      [['p.f(2) == y', 1, 1, '^term1']],
      ['^term1'],
    ],
    ['a term', { query: 'x = {"a": {1, 2}}' }, [], [['x = {"a": {1, 2}}', 1, 1, undefined]], ['x']],
    [
      'what the host supplies',
      { query: 'x := uuid.parse("y")' },
      ['uuid.parse'],
      [['x := uuid.parse("y")', 1, 1, undefined]],
      ['x'],
    ],
    [
      'a document that comes later',
      { query: 'data.list[_]' },
      [],
      [['data.list[_]', 1, 1, '^term1']],
      ['^term1'],
    ],
  ] as const)('%s -> its plan', async ([, question, builtins, expressions, members]) => {
    const answer = await planned(question)
    expect(answer.builtins).toEqual(builtins)
    const rows = answer.expressions.map((e) => [e.text, e.line, e.column, e.binding])
    expect(rows).toEqual(expressions)
    const plan = JSON.parse(answer.plan)
    expect(answer.plan).toBe(canonicalize(plan))
    expect(plan.plans.plans.map(({ name }: { name: string }) => name)).toEqual(['eval'])
    expect(plan.static.files).toContainEqual({ value: 'query' })
    const strings = plan.static.strings.map(({ value }: { value: string }) => value)
    for (const member of members) expect(strings).toContain(member)
  })

  test('no files -> its plan', async () => {
    expect((await planned({ query: '1 + 1' }, {})).builtins).toEqual(['plus'])
  })

  test('the same question twice -> the same bytes', async () => {
    const question = { query: 'data.countersign.p' }
    expect(await planned(question)).toEqual(await planned(question))
  })

  test.for([
    ['nothing', { query: '' }, 'query:1:1 REGO_INVALID'],
    ['half an expression', { query: 'true;\nx :=' }, 'query:2:4 REGO_INVALID'],
    ['an unsafe variable', { query: 'true; x > 1' }, 'query:1:7 REGO_INVALID'],
    ['a type error', { query: '1 + "x"' }, 'query:1:1 REGO_INVALID'],
    ['the clock', { query: 'x :=\n  time.now_ns()' }, 'query:2:3 REGO_BUILTIN_REFUSED'],
    ['what no host supplies', { query: 'uri.parse("http://x")' }, 'query:1:1 REGO_BUILTIN_REFUSED'],
    [
      'an import that is none',
      { query: '1', imports: ['input.a', 'nope.b'] },
      'import:2:1 REGO_INVALID',
    ],
  ] as const)('%s -> diagnostic', async ([, question, place]) => {
    const answer = await compiler.plan(POLICY, question)
    if (!('diagnostics' in answer)) throw new Error('planned')
    const places = answer.diagnostics.map((d) => `${d.file}:${d.line}:${d.column} ${d.code}`)
    expect(places).toContain(place)
    expect(new Set(answer.diagnostics.map((d) => d.severity))).toEqual(new Set(['error']))
  })

  test('every built-in, for the conformance suite -> planned', async () => {
    const question = { query: 'time.now_ns() > 1; uri.parse("http://x")' }
    expect(await compiler.plan({}, question)).toHaveProperty('diagnostics')
    const answer = await compiler.plan({}, { ...question, allBuiltins: true })
    expect(answer).toMatchObject({ builtins: ['gt', 'time.now_ns', 'uri.parse'] })
  })

  test('an unused variable in a file -> refused in strict mode only', async () => {
    const files = { 'p.rego': 'package a\n\np if { x := 1 }' }
    expect(await planned({ query: 'data.a.p' }, files)).toHaveProperty('plan')
    const strict = await compiler.plan(files, { query: 'data.a.p', strict: true })
    expect(strict).toMatchObject({ diagnostics: [{ file: 'p.rego', line: 3, column: 8 }] })
  })
})

const LAX = '# METADATA\n# custom:\n#   strict_builtin_errors: false\n'

describe('a lax package', () => {
  const strict =
    'package t\n\nimport data.l\n\np := to_number(input.x)\n\nq if not l.q\n\nr := uuid.parse(input.x)'
  const lax = `${LAX}package l\n\np := to_number(input.x)\n\nq if not p\n\nr := uuid.parse(input.x)`
  const entrypoints = ['t/p', 't/q', 't/r', 'l/p', 'l/q', 'l/r']

  async function load(files: Record<string, string>) {
    const built = await compiler.build(files, entrypoints)
    if (!('wasm' in built)) throw new Error(JSON.stringify(built.diagnostics))
    const called: string[] = []
    const policy = loadPolicySync(Buffer.from(built.wasm), 5, {
      'countersign.fail': (builtin: string, site: string) => {
        throw new Error(`${builtin} ${site}`)
      },
      'countersign.uuid.parse': () => called.push('ours'),
      'uuid.parse': () => called.push('plain'),
    })
    const ask = (entrypoint: string) => {
      try {
        return policy.evaluate({ x: 'x' }, entrypoint).map((r: { result: unknown }) => r.result)
      } catch (error) {
        return (error as Error).message
      }
    }
    return { ask, called }
  }

  test('a built-in that errors -> undefined there, raised elsewhere', async () => {
    const { ask } = await load({ 'l.rego': lax, 't.rego': strict })
    expect(ask('l/p')).toEqual([])
    expect(ask('l/q')).toEqual([true])
    expect(ask('t/q')).toEqual([])
    expect(ask('t/p')).toBe('to_number t.rego:5:6')
  })

  test("the host's built-ins -> by their own names there, by ours elsewhere", async () => {
    const { ask, called } = await load({ 'l.rego': lax, 't.rego': strict })
    ask('l/r')
    ask('t/r')
    expect(called).toEqual(['plain', 'ours'])
  })

  test('without its metadata -> raised', async () => {
    const { ask } = await load({ 'l.rego': lax.replace(LAX, ''), 't.rego': strict })
    expect(ask('l/p')).toBe('to_number l.rego:3:6')
  })

  test.for(['"false"', '0', 'maybe'])('%s is no boolean -> diagnostic', async (value) => {
    const files = { 'l.rego': lax.replace('false', value) }
    const { diagnostics } = await compiler.check(files)
    expect(diagnostics).toMatchObject([
      { code: 'REGO_INVALID', severity: 'error', file: 'l.rego', line: 3, column: 5 },
    ])
    expect(await compiler.plan(files, { query: '1' })).toEqual({ diagnostics })
  })

  test('its metadata -> in what check says of the package', async () => {
    const { packages } = await compiler.check({ 'l.rego': lax })
    expect(packages).toMatchObject([{ name: 'l', custom: { strict_builtin_errors: false } }])
  })
})

describe('oracle', () => {
  test('many inputs -> an answer for each, the query compiled once', async () => {
    const answer = await compiler.oracleMany(
      { 'p.rego': 'package t\n\np := to_number(input.x)' },
      {
        query: 'v := data.t.p',
        inputs: ['{"x": "1"}', '{"x": "y"}', undefined, '{"x": 12345678901234567890}'],
        strict: true,
        terms: true,
      },
    )
    expect(answer).toEqual({
      answers: [
        { results: [{ value: true, bindings: { v: 1 }, term: 'true', bindingTerms: { v: '1' } }] },
        {
          error: {
            code: 'eval_builtin_error',
            message: expect.stringContaining('to_number'),
            file: 'p.rego',
            line: 3,
            column: 6,
          },
        },
        { results: [] },
        { results: [expect.objectContaining({ bindingTerms: { v: '12345678901234567890' } })] },
      ],
    })
  })

  test.for([
    ['a set', '{3, {1}}', '{3, {1}}'],
    ['a key that is no text', '{[1]: 2}', '{[1]: 2}'],
    ['digits', '1e400', '1e400'],
    ['an empty set', 'set()', 'set()'],
  ] as const)('%s -> its term', async ([, query, term]) => {
    const answer = await compiler.oracle({}, { query, strict: true, terms: true })
    expect(answer).toMatchObject({ results: [{ term }] })
  })

  test.for([
    ['a query that does not parse', { query: '1 +' }, 'diagnostics'],
    ['a query that does not compile', { query: 'nope(1)' }, 'error'],
  ] as const)('%s -> %s', async ([, question, kind]) => {
    const questions = { ...question, strict: true, inputs: ['1'] }
    expect(await compiler.oracleMany({}, questions)).toHaveProperty(kind)
  })

  test('an input that is no JSON -> REGO_COMPILER_FAILED', async () => {
    const questions = { query: '1', strict: true, inputs: ['{'] }
    await expect(compiler.oracleMany({}, questions)).rejects.toMatchObject({
      code: 'REGO_COMPILER_FAILED',
    })
  })
})

describe('the compiled module', () => {
  const source = fileURLToPath(new URL('../../src/host/rego-compiler/', import.meta.url))

  async function ask(file: string, start: WorkerStart): Promise<WorkerAnswer> {
    const worker = new Worker(file, { workerData: start })
    worker.postMessage({ id: 1, request: '{"op":"version"}' })
    const [answer] = await once(worker, 'message')
    await worker.terminate()
    return answer
  }

  test('of one worker -> starts another that has no artefact', async () => {
    const first = await ask(join(source, 'worker.ts'), {})
    if (!('module' in first) || first.module === undefined) throw new Error(JSON.stringify(first))
    const folder = mkdtempSync(join(tmpdir(), 'rego-compiler-'))
    for (const name of ['worker.ts', 'wasi.ts', 'web-assembly.ts']) {
      copyFileSync(join(source, name), join(folder, name))
    }
    const second = await ask(join(folder, 'worker.ts'), { module: first.module })
    const third = await ask(join(folder, 'worker.ts'), {})
    rmSync(folder, { recursive: true })
    expect(second).toEqual({ id: 1, answer: first.answer })
    expect(third).toEqual({ id: 1, failure: expect.stringContaining('ENOENT') })
  })

  test('of one compiler -> serves the next one of the process', async () => {
    await compiler.version()
    const second = createRegoCompiler({ hostBuiltins: [] })
    expect((await second.check({ 'p.rego': 'package t\np := 1' })).diagnostics).toEqual([])
    await second.close()
  })
})
