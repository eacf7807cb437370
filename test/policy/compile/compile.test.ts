import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { readPolicyFiles } from '../../../src/host/policy-files.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import type { Compiled, PolicyFiles } from '../../../src/policy/compile/index.ts'
import { compile, LIBRARY_FILE, LIBRARY_SOURCE } from '../../../src/policy/compile/index.ts'

const WHOLE = join(import.meta.dirname, '../../cases/compile/whole')
const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
let files: PolicyFiles = new Map()
let golden = ''

beforeAll(async () => {
  files = await readPolicyFiles(join(WHOLE, 'repo'))
  golden = JSON.parse(readFileSync(join(WHOLE, 'golden.json'), 'utf8')).digest
})
afterAll(() => rego.close())

function codes({ diagnostics }: Compiled): string[] {
  return diagnostics.map(({ code, file, line, column }) => `${file}:${line}:${column} ${code}`)
}

const PROJECT = `apiVersion: countersign/v1
kind: Project
project: p
defaults: { low: allow, medium: allow, high: allow, critical: deny }
`
const AGENT = 'apiVersion: countersign/v1\nkind: Agent\nagent: a\nscopes: []\n'

function repository(more: Record<string, string> = {}): PolicyFiles {
  return new Map(Object.entries({ 'countersign.yaml': PROJECT, 'policies/a.yaml': AGENT, ...more }))
}

describe('the digest', () => {
  test('is the same whatever the order of the files', async () => {
    const orders = fc.shuffledSubarray([...files], { minLength: files.size })
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const { bundle } = await compile(new Map(order), { rego })
        expect(bundle?.digest).toBe(golden)
      }),
      { numRuns: 6 },
    )
  })

  test('is the same with the line ends of Windows and a byte order mark', async () => {
    const other = new Map(
      [...files].map(([path, text]) => [path, `\uFEFF${text.replaceAll('\n', '\r\n')}`]),
    )
    expect((await compile(other, { rego })).bundle?.digest).toBe(golden)
  })

  test('is the same whatever the clock says', async () => {
    const { bundle } = await compile(files, { rego, now: Date.UTC(2029, 0, 1) })
    expect(bundle?.digest).toBe(golden)
  })

  test('changes with one number of one rule', async () => {
    const path = 'policies/guardrails/rules.yaml'
    const text = files.get(path)?.replace('limit: 5', 'limit: 6') ?? ''
    const { bundle } = await compile(new Map([...files, [path, text]]), { rego })
    expect(bundle?.digest).not.toBe(golden)
  })
})

describe('the clock', () => {
  test('a route whose reviewers have expired keys -> ROUTE_UNSATISFIABLE', async () => {
    const compiled = await compile(files, { rego, now: Date.UTC(2031, 0, 1) })
    expect(codes(compiled)).toEqual([
      'policies/routes/routes.yml:7:13 ROUTE_UNSATISFIABLE',
      'policies/routes/routes.yml:10:11 ROUTE_UNSATISFIABLE',
    ])
  })
})

describe('what a bundle holds', () => {
  test('no Rego -> policy and data alone', async () => {
    const { bundle } = await compile(repository(), { rego })
    expect([...(bundle?.files.keys() ?? [])]).toEqual(['countersign/policy.json', 'data.json'])
  })

  test('Rego -> module, plan, sources and library, no tests', async () => {
    const { bundle } = await compile(files, { rego })
    expect([...(bundle?.files.keys() ?? [])]).toEqual([
      'countersign/lib.rego',
      'countersign/policy.json',
      'data.json',
      'plan.json',
      'policies/rego/egress.rego',
      'policy.wasm',
    ])
  })

  test('Rego helpers that judge nothing -> neither module nor sources', async () => {
    const helper = 'package countersign.helper\n\nf(x) := x\n'
    const { bundle } = await compile(repository({ 'policies/h.rego': helper }), { rego })
    expect([...(bundle?.files.keys() ?? [])]).toEqual(['countersign/policy.json', 'data.json'])
  })
})

const LAX_METADATA = '# METADATA\n# custom:\n#   strict_builtin_errors: false\n'

describe('a broken repository', () => {
  test.for([
    {
      name: 'no project',
      files: new Map([['policies/a.yaml', AGENT]]),
      want: ['countersign.yaml:1:1 PROJECT_MISSING'],
    },
    {
      name: 'no policy',
      files: new Map([['countersign.yaml', PROJECT]]),
      want: ['countersign.yaml:1:1 POLICY_EMPTY'],
    },
    {
      name: 'nothing at all',
      files: new Map<string, string>(),
      want: ['countersign.yaml:1:1 PROJECT_MISSING'],
    },
    {
      name: 'a climbing path',
      files: repository({ '../x.rego': '' }),
      want: ['../x.rego:1:1 DOCUMENT_INVALID'],
    },
    {
      name: 'a strict rule that would be taken for one of a lax package',
      files: repository({
        'policies/a.rego':
          'package countersign.a\n\nchecks.amount := x if { x := to_number(input.x) }\n\ndeny contains {"msg": "m"} if checks.amount > 1\n',
        'policies/b.rego': `${LAX_METADATA}package countersign.a.checks\n\nother := 1\n`,
      }),
      want: ['policies/a.rego:3:1 REGO_CONTRACT', 'policies/b.rego:4:1 REGO_ERRORS_IGNORED'],
    },
    {
      name: 'a file in the library folder',
      files: repository({ [LIBRARY_FILE]: 'package countersign.x\n' }),
      want: [`${LIBRARY_FILE}:1:1 NAME_RESERVED`],
    },
    {
      name: 'Rego that does not parse',
      files: repository({ 'policies/x.rego': 'package countersign.x\n\ndeny contains {\n' }),
      want: ['policies/x.rego:4:1 REGO_INVALID', 'policies/x.rego:4:1 REGO_INVALID'],
    },
    {
      name: 'a forbidden built-in',
      files: repository({
        'policies/x.rego':
          'package countersign.x\n\ndeny contains {"msg": "x"} if http.send({}).status == 1\n',
      }),
      want: ['policies/x.rego:3:31 REGO_BUILTIN_REFUSED'],
    },
    {
      name: 'a broken test of Rego',
      files: repository({
        'policies/x_test.rego': 'package countersign.x_test\n\ntest_a if nothing.here\n',
      }),
      want: ['policies/x_test.rego:3:11 REGO_INVALID'],
    },
    {
      name: 'an implied hold without the default route',
      files: repository({ 'countersign.yaml': PROJECT.replace('low: allow, ', '') }),
      want: ['countersign.yaml:4:11 ROUTE_MISSING'],
    },
  ])('$name -> $want', async ({ files: broken, want }) => {
    const compiled = await compile(broken, { rego })
    expect(codes(compiled)).toEqual(want)
    expect(compiled.bundle).toBeNull()
  })
})

describe('a repository of Rego', () => {
  test('its own tests pass with the library and the data of the bundle', async () => {
    const sources = [...files].filter(([path]) => path.endsWith('.rego'))
    const { bundle } = await compile(files, { rego })
    const data = JSON.parse(new TextDecoder().decode(bundle?.files.get('data.json')))
    const all = Object.fromEntries([...sources, [LIBRARY_FILE, LIBRARY_SOURCE]])
    const tested = await rego.test(all, { data })
    if ('diagnostics' in tested) throw new Error(JSON.stringify(tested.diagnostics))
    expect(tested.results.map(({ outcome }) => outcome)).toEqual(['pass'])
  })
})

describe('a warning of Rego', () => {
  const RISKY =
    'package countersign.x\n\ndeny contains {"msg": "x"} if not input.action.payload.host in {"a"}\n'
  const path = 'policies/x.rego'

  test('is shown, and the bundle is built', async () => {
    const { bundle, diagnostics } = await compile(repository({ [path]: RISKY }), { rego })
    expect(diagnostics).toMatchObject([
      { code: 'REGO_FIELD_MAY_BE_MISSING', severity: 'warning', file: path, line: 3, column: 31 },
    ])
    expect(diagnostics[0]?.hint).toContain('not listed')
    expect(bundle?.files.has('policy.wasm')).toBe(true)
  })

  test('is shown once beside tests of Rego', async () => {
    const tests = 'package countersign.x_test\n\ntest_a if not input.action.payload.x in {"a"}\n'
    const files = repository({ [path]: RISKY, 'policies/x_test.rego': tests })
    expect(codes(await compile(files, { rego }))).toEqual([
      `${path}:3:31 REGO_FIELD_MAY_BE_MISSING`,
    ])
  })

  test('does not hide an error', async () => {
    const files = repository({ [path]: RISKY, 'policies/y.rego': 'package other\n\np := 1\n' })
    const compiled = await compile(files, { rego })
    expect(codes(compiled)).toEqual([
      `${path}:3:31 REGO_FIELD_MAY_BE_MISSING`,
      'policies/y.rego:1:1 REGO_CONTRACT',
    ])
    expect(compiled.bundle).toBeNull()
  })
})

describe('the library', () => {
  const TESTS = `package countersign.lib_test

import data.countersign.lib

test_in_list if lib.in_list(["x"], ["a", "b"]) with input as {"x": "a"}
test_in_list_nested if lib.in_list(["x", "y"], {1}) with input as {"x": {"y": 1}}
test_in_list_other if not lib.in_list(["x"], ["a", "b"]) with input as {"x": "c"}
test_in_list_missing if not lib.in_list(["x"], ["a", null, false]) with input as {}
test_in_list_null if not lib.in_list(["x", "y"], ["a", null]) with input as {"x": null}
test_in_list_case if not lib.in_list(["x"], ["a"]) with input as {"x": "A"}
test_starts if lib.starts_with_any(["x"], ["/tmp/", "/srv/"]) with input as {"x": "/srv/x"}
test_starts_not if not lib.starts_with_any(["x"], ["/tmp/", "/srv/"]) with input as {"x": "/etc/x"}
test_starts_none if not lib.starts_with_any(["x"], []) with input as {"x": "/etc/x"}
test_starts_missing if not lib.starts_with_any(["x"], [""]) with input as {}
test_ends if lib.ends_with_any(["x"], [".example.com"]) with input as {"x": "a.example.com"}
test_ends_not if not lib.ends_with_any(["x"], [".example.com"]) with input as {"x": "a.example.com.evil"}
test_ends_missing if not lib.ends_with_any(["x"], [""]) with input as {}
test_ends_number if not lib.ends_with_any(["x"], [""]) with input as {"x": 1}
test_between if lib.between(["x"], 3, 5) with input as {"x": 3}
test_between_below if not lib.between(["x"], 3, 5) with input as {"x": 2}
test_between_above if not lib.between(["x"], 3, 5) with input as {"x": 6}
test_between_text if not lib.between(["x"], 3, 5) with input as {"x": "4"}
test_between_missing if not lib.between(["x"], 3, 5) with input as {}
test_filled if lib.is_filled(["x"]) with input as {"x": "x"}
test_filled_space if not lib.is_filled(["x"]) with input as {"x": " "}
test_filled_null if not lib.is_filled(["x"]) with input as {"x": null}
test_filled_missing if not lib.is_filled(["x"]) with input as {}
`
  test('each helper is true for what it names and undefined for the rest', async () => {
    const sources = { [LIBRARY_FILE]: LIBRARY_SOURCE, 'lib_test.rego': TESTS }
    const tested = await rego.test(sources, { data: {} })
    if ('diagnostics' in tested) throw new Error(JSON.stringify(tested.diagnostics))
    expect(tested.results.filter(({ outcome }) => outcome !== 'pass')).toEqual([])
    expect(tested.results).toHaveLength(23)
  })
})
