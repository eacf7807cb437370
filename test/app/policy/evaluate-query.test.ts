import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { RegoQuestion } from '../../../src/app/policy/evaluate-query.ts'
import { answerQuery, evaluateQuery } from '../../../src/app/policy/evaluate-query.ts'
import { queryInput } from '../../../src/app/policy/query-sources.ts'
import type { Diagnostic } from '../../../src/base/position.ts'
import { fromJson } from '../../../src/decide/rego/values/json.ts'
import type { QueryAnswer } from '../../../src/model/results.ts'
import { compiler } from '../../decide/rego/engine/support.ts'

const scratch = mkdtempSync(join(tmpdir(), 'countersign-query-'))
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true })
  await compiler.close()
})

let folders = 0

function folderOf(files: Readonly<Record<string, string>>): string {
  folders += 1
  const folder = join(scratch, String(folders))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const MODULES = folderOf({
  'guard.rego': `package guard

default allow := false

allow if input.n > data.conf.least

many contains x if some x in input.xs

broken := to_number(input.text)

exact := 9007199254740992 + 1

f(x) := x + 1

heavy := count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b])
`,
  'conf.json': '{"conf": {"least": 3}}',
})

type Asked = Omit<RegoQuestion, 'source'> & { readonly source?: RegoQuestion['source'] }

async function ask(asked: Asked): Promise<QueryAnswer> {
  const source = asked.source ?? { paths: [MODULES], cwd: MODULES }
  const outcome = await answerQuery({ ...asked, source }, compiler)
  if ('diagnostics' in outcome) throw new Error(JSON.stringify(outcome.diagnostics))
  return outcome.answer
}

const valuesOf = ({ results }: QueryAnswer): string =>
  JSON.stringify(results.map(({ expressions }) => expressions.map(({ value }) => value)))

test.for([
  { name: 'a rule', query: 'data.guard.allow', input: { n: 4 }, want: '[[true]]' },
  { name: 'a rule without its input', query: 'data.guard.allow', want: '[[false]]' },
  { name: 'what is undefined', query: 'data.guard.nothing', want: '[]' },
  { name: 'an expression that is false', query: '1 == 2', want: '[[false]]' },
  { name: 'a false one of several', query: '1 == 2; true', want: '[]' },
  { name: 'a call', query: 'data.guard.f(2)', want: '[[3]]' },
  { name: 'each member', query: 'data.guard.many[x]', input: { xs: [2, 1] }, want: '[[1],[2]]' },
  {
    name: 'more digits than a double has',
    query: 'data.guard.exact',
    want: '[[9007199254740993]]',
  },
  { name: 'documents', query: 'data.conf', want: '[[{"least":3}]]' },
  { name: 'no modules at all', query: 'x := 1 + 1', source: 'none', want: '[[true]]' },
  { name: 'an import', query: 'g.f(1)', imports: ['data.guard as g'], want: '[[2]]' },
  { name: 'closures', query: 'data.guard.f(2)', backEnd: 'closures', want: '[[3]]' },
  {
    name: 'a built-in that fails, laxly',
    query: 'data.guard.broken',
    input: { text: 'x' },
    lax: true,
    want: '[]',
  },
] as const)('$name -> $want', async ({ name: _, want, ...asked }) => {
  const question: Asked = {
    query: asked.query,
    ...('input' in asked && { input: fromJson(asked.input) }),
    ...('imports' in asked && { imports: asked.imports }),
    ...('lax' in asked && { lax: true }),
    ...('backEnd' in asked && { backEnd: asked.backEnd }),
    ...('source' in asked && { source: { paths: [], cwd: scratch } }),
  }
  const answer = await ask(question)
  expect(answer.error).toBeUndefined()
  expect(valuesOf(answer)).toBe(want)
})

test('variables are bindings, and expressions tell where they stand', async () => {
  const { results } = await ask({
    query: 'x := data.guard.many[_]; y := x + 1',
    input: queryInput('{"xs": [1]}', 'i'),
  })
  expect(results).toEqual([
    {
      expressions: [
        { value: true, text: 'x := data.guard.many[_]', location: { row: 1, col: 1 } },
        { value: true, text: 'y := x + 1', location: { row: 1, col: 26 } },
      ],
      bindings: { x: 1, y: 2 },
    },
  ])
})

test.for([
  {
    name: 'a built-in that fails',
    query: 'data.guard.broken',
    input: '{"text": "x"}',
    error: { code: 'REGO_BUILTIN_ERROR', location: { file: 'guard.rego', row: 9, col: 11 } },
  },
  {
    name: 'one in the query',
    query: 'true; to_number("x")',
    error: { code: 'REGO_BUILTIN_ERROR', location: { file: 'query', row: 1, col: 7 } },
  },
  {
    name: 'too many steps',
    query: 'data.guard.heavy',
    error: { code: 'REGO_BUDGET_EXCEEDED', location: { file: 'guard.rego', row: 15 } },
  },
])('$name -> $error.code with its place', async ({ query, input, error }) => {
  const answer = await ask({ query, ...(input && { input: queryInput(input, 'i') }) })
  expect(answer).toMatchObject({ results: [], error })
})

test('by itself it starts and ends a compiler of its own', async () => {
  const outcome = await evaluateQuery({ query: 'x := 1', source: { paths: [], cwd: scratch } })
  expect(outcome).toMatchObject({ answer: { results: [{ bindings: { x: 1 } }] } })
})

describe('beside the answer', () => {
  test('coverage, profile and explanation, on request', async () => {
    const plain = await ask({ query: 'data.guard.allow' })
    const full = await ask({
      query: 'data.guard.allow',
      input: queryInput('n: 2', 'i.yaml'),
      coverage: true,
      trace: true,
      profileClock: () => 0,
    })
    expect(Object.keys(plain)).toEqual(['results'])
    expect(full).toMatchObject({
      coverage: { percent: 100, files: { 'guard.rego': { covered: [3, 5], missed: [] } } },
      profile: [{ rule: 'data.guard.allow', evaluations: 1 }],
      explanation: { reads: { input: ['input.n'], data: ['data.conf.least'] }, cut: false },
    })
    const [step] = full.explanation?.steps ?? []
    expect(step?.rules[0]?.bodies[0]).toMatchObject({
      held: false,
      steps: [
        {
          line: 5,
          text: 'input.n > data.conf.least',
          reads: [
            { path: 'input.n', value: '2' },
            { path: 'data.conf.least', value: '3' },
          ],
        },
      ],
    })
  })

  test('an expression that is false does not hold', async () => {
    const { results, explanation } = await ask({ query: '1 == 2', trace: true })
    expect(results).toHaveLength(1)
    expect(explanation?.steps).toMatchObject([{ text: '1 == 2', held: false }])
  })

  test('what an error ended is told as far as it went', async () => {
    const { error, explanation } = await ask({
      query: 'data.guard.broken',
      input: queryInput('{"text": "x"}', 'i'),
      trace: true,
    })
    expect(error?.code).toBe('REGO_BUILTIN_ERROR')
    expect(explanation?.steps[0]?.rules[0]).toMatchObject({
      unfinished: true,
      bodies: [{ steps: [{ held: false, reads: [{ path: 'input.text', value: '"x"' }] }] }],
    })
  })
})

describe('what does not compile', () => {
  const refused = async (asked: Asked): Promise<readonly Diagnostic[]> => {
    const source = asked.source ?? { paths: [MODULES], cwd: MODULES }
    const outcome = await answerQuery({ ...asked, source }, compiler)
    return 'diagnostics' in outcome ? outcome.diagnostics : []
  }

  test.for([
    { name: 'a query', query: 'x', place: { file: 'query', line: 1 } },
    { name: 'an import', query: '1', imports: ['data.a', '1'], place: { file: 'import', line: 2 } },
    {
      name: 'a built-in that is not pure',
      query: 'http.send({})',
      place: { file: 'query', line: 1 },
    },
    {
      name: 'a module',
      query: '1',
      files: { 'x.rego': 'package x\np if' },
      place: { file: 'x.rego', line: 2 },
    },
    {
      name: 'in strict mode, what is unused',
      query: '1',
      strict: true,
      files: { 'x.rego': 'package x\np if y := 1' },
      place: { file: 'x.rego', line: 2 },
    },
    {
      name: 'a policy',
      query: '1',
      policy: true,
      files: { 'countersign.yaml': 'kind: Nothing' },
      place: { file: 'countersign.yaml', line: 1 },
    },
  ])(
    '$name -> diagnostics with the place',
    async ({ query, imports, strict, files, policy, place }) => {
      const folder = files === undefined ? MODULES : folderOf(files as Record<string, string>)
      const source = policy ? { folder } : { paths: [folder], cwd: folder }
      const question = { query, source, ...(imports && { imports }), ...(strict && { strict }) }
      expect((await refused(question))[0]).toMatchObject(place)
    },
  )

  test('without strict mode an unused variable is none of our business', async () => {
    const folder = folderOf({ 'x.rego': 'package x\np if y := 1' })
    expect(await refused({ query: 'data.x.p', source: { paths: [folder], cwd: folder } })).toEqual(
      [],
    )
  })
})

describe('a policy repository', () => {
  const policyOf = (metadata: string): string =>
    folderOf({
      'countersign.yaml': `apiVersion: countersign/v1\nkind: Project\nproject: p\ndefaults: { low: allow, medium: allow, high: deny, critical: deny }\n`,
      'policies/agents.yaml':
        'apiVersion: countersign/v1\nkind: Agent\nagent: a\nscopes: [{ tools: [s.*] }]\n',
      'policies/tools.yaml':
        'apiVersion: countersign/v1\nkind: Tools\nservice: s\ntools: { t: { effect: write } }\n',
      'policies/rego/x.rego': `# METADATA\n# title: X\n# custom:\n#   on: { service: s }\n${metadata}package countersign.x\n\ndeny contains {"msg": "m"} if to_number(input.x) > 1\n`,
    })

  test('is compiled, and its documents are there', async () => {
    const source = { folder: policyOf('') }
    const query = 'count(data.countersign.x.deny); data.countersign.project'
    const input = queryInput('{"x": "2"}', 'i')
    const { results } = await ask({ query, input, source })
    expect(results[0]?.expressions).toMatchObject([{ value: 1 }, {}])
  })

  test('keeps its own word on built-in errors', async () => {
    const query = 'data.countersign.x.deny'
    const input = queryInput('{"x": "y"}', 'i')
    const strict = await ask({ query, input, source: { folder: policyOf('') } })
    expect(strict.error?.code).toBe('REGO_BUILTIN_ERROR')
    const lax = await ask({
      query,
      input,
      source: { folder: policyOf('#   strict_builtin_errors: false\n') },
    })
    expect(valuesOf(lax)).toBe('[[[]]]')
  })
})
