import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, test } from 'vitest'
import { hostEnvironment, REPOSITORY, run, temporaryFolder } from './support/host.ts'

// `.ci/run` sums what the suites report. A fake npm stands in for the long work; the reports are vitest's own.

const PASS = "import { test } from 'vitest'\ntest('a', () => {})\ntest('b', () => {})\n"
const FAIL = `${PASS}test('c', () => { throw new Error('no') })\n`
const SKIP = `${PASS}test.skip('c', () => {})\n`
const BROKEN = `import './nowhere.ts'\n${PASS}`
const STRAY = `${PASS}setTimeout(() => { throw new Error('stray') })\ntest('c', () => new Promise((done) => { setTimeout(done, 50) }))\n`

const VITEST = 'exec node_modules/.bin/vitest run "$@"'
const half = (code: number) =>
  `for a; do case $a in --outputFile.json=*) printf '{"numPassedTests":2,' > "\${a#*=}";; esac; done; exit ${code}`

type Stages = { readonly ci?: string; readonly check?: string; readonly integration?: string }

/** Runs `.ci/run` in a folder of its own with one test file; a stage is a line of shell. */
function ci(
  source: string | null,
  stages: Stages = {},
): { code: number; last: string; why: string } {
  const folder = temporaryFolder('ci')
  mkdirSync(join(folder, '.ci'))
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'test'))
  cpSync(join(REPOSITORY, '.ci/run'), join(folder, '.ci/run'))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  if (source !== null) writeFileSync(join(folder, 'test', 'a.test.ts'), source)
  const npm = [
    '#!/bin/sh',
    `PATH="${join(REPOSITORY, 'node_modules', '.bin')}:$PATH"`,
    'line="$*"',
    'while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done',
    '[ $# -gt 0 ] && shift',
    'case "$line" in',
    `  ci*) ${stages.ci ?? 'exit 0'} ;;`,
    `  'run --silent check') ${stages.check ?? 'exit 0'} ;;`,
    `  test*) ${VITEST} ;;`,
    `  'run --silent test:integration'*) ${stages.integration ?? VITEST} ;;`,
    '  *) echo "unexpected: $line" >&2; exit 64 ;;',
    'esac',
    '',
  ].join('\n')
  writeFileSync(join(folder, 'bin', 'npm'), npm, { mode: 0o755 })
  const path = `${join(folder, 'bin')}${delimiter}${hostEnvironment()['PATH']}`
  const { code, stdout } = run('bash', ['.ci/run'], { cwd: folder, env: { PATH: path } })
  return {
    code,
    last: stdout.trimEnd().split('\n').at(-1) ?? '',
    why: stdout.split('\n== failed\n')[1] ?? '',
  }
}

// `npm ci` and `check` count one each; the test file runs as both suites.
test.for([
  { name: 'everything passes', source: PASS, want: '6 passed, 0 failed' },
  { name: 'a skipped test is no pass', source: SKIP, want: '6 passed, 0 failed' },
  { name: 'a test fails', source: FAIL, want: '6 passed, 2 failed' },
  { name: 'a file cannot be loaded', source: BROKEN, want: '2 passed, 2 failed' },
  { name: 'an error escapes every test', source: STRAY, want: '8 passed, 2 failed' },
  { name: 'there are no tests', source: null, want: '2 passed, 2 failed' },
  { name: 'npm ci fails', source: PASS, stages: { ci: 'exit 1' }, want: '5 passed, 1 failed' },
  { name: 'check fails', source: PASS, stages: { check: 'exit 1' }, want: '5 passed, 1 failed' },
  {
    name: 'a suite ends without a report',
    source: PASS,
    stages: { integration: 'exit 1' },
    want: '4 passed, 1 failed',
  },
  {
    name: 'a suite ends well without a report',
    source: PASS,
    stages: { integration: 'exit 0' },
    want: '4 passed, 1 failed',
  },
  {
    name: 'a suite is killed',
    source: PASS,
    stages: { integration: 'kill -9 $$' },
    want: '4 passed, 1 failed',
  },
  {
    name: 'a suite fails with half a report',
    source: PASS,
    stages: { integration: half(1) },
    want: '4 passed, 1 failed',
  },
  {
    name: 'a suite ends well with half a report',
    source: PASS,
    stages: { integration: half(0) },
    want: '4 passed, 1 failed',
  },
  {
    name: 'a suite reports no failure and exits 1',
    source: PASS,
    stages: { integration: `${VITEST.replace('exec ', '')}; exit 1` },
    want: '6 passed, 1 failed',
  },
])('$name: $want', ({ source, stages, want }) => {
  const { code, last } = ci(source, stages ?? {})
  expect(last).toBe(want)
  expect(code).toBe(want.endsWith(' 0 failed') ? 0 : 1)
})

// A log is often kept only by its end, so the end says what failed.
test.for([
  { name: 'nothing failed', source: PASS, want: '' },
  {
    name: 'a test fails',
    source: FAIL,
    want: 'unit tests (exit 1)\n  test/a.test.ts \n    c: Error: no\n',
  },
  { name: 'check fails', source: PASS, stages: { check: 'exit 1' }, want: 'check\n' },
  {
    name: 'a suite is killed',
    source: PASS,
    stages: { integration: 'kill -9 $$' },
    want: 'integration tests ended without a whole report (exit 137)\n',
  },
])('the end of the log says why: $name', ({ source, stages, want }) => {
  const { why } = ci(source, stages ?? {})
  expect(why.slice(0, want.length)).toBe(want)
  expect(why === '').toBe(want === '')
})
