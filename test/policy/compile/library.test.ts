import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { libraryEntries } from '../../../scripts/rego-library.ts'
import { runRegoTests } from '../../../src/app/policy/rego-tests.ts'
import { fromUtf8 } from '../../../src/base/digest.ts'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import { compile } from '../../../src/policy/compile/index.ts'
import { LIBRARY_FILE, LIBRARY_SOURCE } from '../../../src/policy/compile/library.ts'

// The library's own Rego tests lie in test/cases/rego-library. All three evaluators run them.
const CASES = join(import.meta.dirname, '../../cases/rego-library')
const TESTS = readFileSync(join(CASES, 'library_test.rego'), 'utf8')
const ENTRIES = libraryEntries(LIBRARY_SOURCE)

const compiler = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => compiler.close())

const { bundle } = await compile(
  new Map([
    ['countersign.yaml', readFileSync(join(CASES, 'policy.yaml'), 'utf8')],
    ['policies/library_test.rego', TESTS],
  ]),
  { rego: compiler },
)
if (bundle === null) throw new Error('the policy around the tests does not compile')

test('the library does what its tests say, in every evaluator', async () => {
  const rego = new Map([['policies/library_test.rego', TESTS]])
  const ran = await runRegoTests(compiler, rego, bundle, () => true)
  if ('diagnostics' in ran) throw new Error(JSON.stringify(ran.diagnostics))
  expect(ran.results.filter(({ outcome }) => outcome !== 'pass')).toEqual([])
  expect(ran.results.length).toBeGreaterThan(150)
})

test('no line of it is without a test', async () => {
  const files = { [LIBRARY_FILE]: LIBRARY_SOURCE, 'library_test.rego': TESTS }
  const data = JSON.parse(fromUtf8(bundle.files.get('data.json') ?? new Uint8Array()))
  const ran = await compiler.test(files, { data })
  if ('diagnostics' in ran) throw new Error(JSON.stringify(ran.diagnostics))
  const lines = LIBRARY_SOURCE.split('\n')
  const { missed } = ran.coverage.files[LIBRARY_FILE] ?? { missed: [0] }
  expect(missed.map((line) => lines[line - 1])).toEqual([])
})

test('every name for others has METADATA, tests that it takes and three that it refuses', () => {
  const heads = [...LIBRARY_SOURCE.matchAll(/^([a-z]\w*)(?:\(| if | :=)/gm)].map(([, name]) => name)
  expect([...new Set(heads)].sort()).toEqual(ENTRIES.map(({ name }) => name).sort())
  for (const { name } of ENTRIES) {
    const about = [...TESTS.matchAll(new RegExp(`^test_${name}_\\w*?(takes|refuses)_`, 'gm'))]
    const words = about.map(([, word]) => word)
    expect({ name, takes: words.includes('takes') }).toEqual({ name, takes: true })
    expect(words.filter((word) => word === 'refuses').length, name).toBeGreaterThanOrEqual(2)
  }
})

test('every example of the reference page compiles', async () => {
  const rules = ENTRIES.map(({ example }, index) => `example_${index} if ${example}\n`)
  const text = `package countersign.examples\n\nimport data.countersign.lib\n\n${rules.join('\n')}`
  const { diagnostics } = await compiler.check({
    [LIBRARY_FILE]: LIBRARY_SOURCE,
    'examples.rego': text,
  })
  expect(diagnostics).toEqual([])
})

test('the library is laid out as fmt does', async () => {
  expect(await compiler.format({ [LIBRARY_FILE]: LIBRARY_SOURCE })).toEqual({
    files: { [LIBRARY_FILE]: LIBRARY_SOURCE },
  })
})
