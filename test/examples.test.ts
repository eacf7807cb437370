import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli } from './shells/cli/run.ts'

// Every example passes check and test, is formatted, and gives what its expected.json says.

const folder = join(import.meta.dirname, '..', 'examples')
const examples = readdirSync(folder, { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'countersign.yaml')),
  )
  .map(({ name }) => name)

test('there are examples', () => {
  expect(examples).toEqual(expect.arrayContaining(['minimal', 'retail-agent']))
})

describe.for(examples)('examples/%s', (name) => {
  const example = join(folder, name)
  const cli = (...argv: string[]) => runCli(argv, { cwd: example })

  test('check finds nothing, not even a warning', async () => {
    const { code, json } = await cli('check', '--fail-level', 'warning', '--format', 'json')
    expect(json).toMatchObject({ ok: true, diagnostics: [] })
    expect(code).toBe(0)
  })

  test('is formatted', async () => {
    expect(await cli('fmt', '--check')).toMatchObject({ code: 0, stdout: '' })
  })

  test('test and replay give what expected.json says', async () => {
    const tested = await cli('test', '--format', 'json')
    const traces = readdirSync(join(example, 'traces')).map((file) => `traces/${file}`)
    const replayed = await cli('replay', ...traces, '--format', 'json')
    expect([tested.code, replayed.code]).toEqual([0, 0])
    const { passed, failed, skipped, coverage } = tested.json as Record<string, unknown>
    const { actions_per_second: _, ...replay } = replayed.json as Record<string, unknown>
    const { rego } = coverage as { rego: { percent: number } | null }
    const percent = rego?.percent ?? null
    const actual = { test: { passed, failed, skipped, coverage_percent: percent }, replay }
    const file = join(example, 'expected.json')
    if (process.env['UPDATE_GOLDENS']) writeFileSync(file, `${JSON.stringify(actual, null, 2)}\n`)
    expect(actual).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })
})
