import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { BUILTIN_NAMES } from '../../../src/decide/rego/builtins/index.ts'
import { readPolicyFiles } from '../../../src/host/policy-files.ts'
import { createRegoCompiler } from '../../../src/host/rego-compiler/compiler.ts'
import { readBundle, writeBundle } from '../../../src/policy/bundle/index.ts'
import { compile } from '../../../src/policy/compile/index.ts'

// Each case is a small repository, and every complaint about it with its place. A repository that compiles has a
// golden file with its digest and policy: a change of either is a change of what every user's policy means.
const CASES = join(import.meta.dirname, '../../cases/compile')
const UPDATE = process.env['UPDATE_GOLDENS'] !== undefined

type Case = { about: string; want_errors: string[] }

const rego = createRegoCompiler({ hostBuiltins: BUILTIN_NAMES })
afterAll(() => rego.close())

test.for(readdirSync(CASES))('case %s', async (name) => {
  const folder = join(CASES, name)
  const file = join(folder, 'case.yaml')
  const wanted = parse(readFileSync(file, 'utf8')) as Case
  const files = await readPolicyFiles(join(folder, 'repo'))
  const { bundle, diagnostics } = await compile(files, { rego })
  const found = diagnostics.map(
    ({ severity, code, file: at, line, column, message }) =>
      `${at}:${line}:${column} ${severity} ${code}: ${message}`,
  )
  if (UPDATE) writeFileSync(file, stringify({ ...wanted, want_errors: found }, { lineWidth: 0 }))
  else expect(found).toEqual(wanted.want_errors)
  const golden = join(folder, 'golden.json')
  if (bundle === null) {
    expect(existsSync(golden)).toBe(false)
    return
  }
  const text = `${JSON.stringify({ digest: bundle.digest, policy: bundle.policy }, null, 2)}\n`
  if (UPDATE) writeFileSync(golden, text)
  else expect(text).toBe(readFileSync(golden, 'utf8'))
  const again = readBundle(writeBundle(bundle))
  expect(again).toEqual(bundle)
})
