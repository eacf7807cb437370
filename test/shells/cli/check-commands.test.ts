import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { minimalPolicy } from './policies.ts'
import { runCli } from './run.ts'

// What check notes of a sound policy, what a comment may ignore, and the layout of files.

const RULES = (comment: string) => `apiVersion: countersign/v1
kind: Guardrails
rules:
  - id: notes/quiet
    on: { service: notes, action: write }
    then: hold
${comment}    mode: shadow
---
apiVersion: countersign/v1
kind: DecisionTest
defaults: { agent: helper, service: notes }
tests:
  - name: writing would wait
    action: { action: write, payload: { text: x } }
    expect: { verdict: allow, rules: [notes/quiet] }
---
apiVersion: countersign/v1
kind: Routes
routes:
  - { id: default, reviewers: [ana], time_out: 1h }
---
apiVersion: countersign/v1
kind: Roster
people:
  - { id: ana, keys: [{ fingerprint: SHA256:${'a'.repeat(43)} }] }
`
const IGNORE = '    # countersign-ignore: RULE_IN_SHADOW until the receipts tell\n'
const check = (files: Record<string, string>, ...argv: string[]) =>
  runCli(['check', ...argv], { cwd: minimalPolicy(files) })

test.for([
  { name: 'a warning', comment: '', argv: [], code: 0, found: ['RULE_IN_SHADOW'], ignored: [] },
  {
    name: 'a warning at its fail level',
    comment: '',
    ...{ argv: ['--fail-level', 'warning'], code: 1, found: ['RULE_IN_SHADOW'], ignored: [] },
  },
  {
    name: 'a warning that is ignored',
    comment: IGNORE,
    ...{ argv: ['--fail-level', 'warning'], code: 0, found: [], ignored: ['RULE_IN_SHADOW'] },
  },
  {
    name: 'one that is ignored without a reason',
    comment: '    # countersign-ignore: RULE_IN_SHADOW\n',
    ...{ argv: ['--fail-level', 'warning'], code: 1, ignored: [] },
    found: ['SUPPRESSION_INVALID', 'RULE_IN_SHADOW'],
  },
  {
    name: 'a comment that ignores nothing',
    comment: '    # countersign-ignore: RULE_UNTESTED why\n',
    ...{ argv: ['--fail-level', 'warning'], code: 1, ignored: [] },
    found: ['SUPPRESSION_UNUSED', 'RULE_IN_SHADOW'],
  },
])('check of $name -> exit $code, $found', async ({ comment, argv, code, found, ignored }) => {
  const ran = await check({ 'policies/x.yaml': RULES(comment) }, ...argv, '--format', 'json')
  const { diagnostics, suppressed } = ran.json as Record<string, { code: string }[]>
  expect({
    code: ran.code,
    found: diagnostics?.map((one) => one.code),
    ignored: suppressed?.map((one) => one.code),
  }).toEqual({ code, found, ignored })
})

test('a policy that has ended is an error, and exits 1: it compiles', async () => {
  const project =
    'apiVersion: countersign/v1\nkind: Project\nproject: p\ndefaults: { low: allow, medium: allow, high: deny, critical: deny }\nvalid_until: 2020-01-01T00:00:00Z\n'
  const ran = await check({ 'countersign.yaml': project })
  expect(ran).toMatchObject({ code: 1, stderr: '' })
  expect(ran.stdout).toMatch(
    /countersign\.yaml:5:14 DATE_EXPIRED: [\s\S]*\n1 error, 0 warnings in 3 files\nsha256:/,
  )
})

test.for([
  { format: 'pretty', out: /x\.yaml:8:11 ignored RULE_IN_SHADOW: until the receipts tell\nok/ },
  { format: 'sarif', out: /"justification": "until the receipts tell"/ },
  { format: 'junit', out: /<skipped message="until the receipts tell"\/>/ },
  { format: 'github', out: /^::notice file=.*\(ignored: until the receipts tell\)\n$/ },
])('what is ignored is listed in $format', async ({ format, out }) => {
  const ran = await check({ 'policies/x.yaml': RULES(IGNORE) }, '--format', format)
  expect(ran.stdout).toMatch(out)
  expect(ran.code).toBe(0)
})

test('fmt --check --diff shows the change, exits 1 and writes nothing', async () => {
  const cwd = minimalPolicy({ 'policies/x.yaml': '\uFEFFa:   1\r\n' })
  const file = join(cwd, 'policies/x.yaml')
  const ran = await runCli(['fmt', '--check', '--diff'], { cwd })
  expect(ran).toMatchObject({ code: 1, stdout: expect.stringContaining('+a: 1\n') })
  expect(readFileSync(file, 'utf8')).toBe('\uFEFFa:   1\r\n')
})

test('fmt lays out Rego too, and a file of Rego that does not parse stops all of it', async () => {
  const rego = '\uFEFFpackage countersign.x\r\n# why\r\nx   if  1 ==  1\r\n'
  const cwd = minimalPolicy({ 'policies/x.rego': rego })
  expect(await runCli(['fmt', '--check'], { cwd })).toMatchObject({
    code: 1,
    stdout: 'policies/x.rego\n',
  })
  expect((await runCli(['fmt'], { cwd })).code).toBe(0)
  const written = readFileSync(join(cwd, 'policies/x.rego'), 'utf8')
  expect(written).toBe('package countersign.x\n\n# why\nx if 1 == 1\n')
  expect(await runCli(['fmt', '--check'], { cwd })).toMatchObject({ code: 0, stdout: '' })
  writeFileSync(join(cwd, 'policies/x.rego'), `${written}\ny if {\n`)
  writeFileSync(join(cwd, 'policies/x.yaml'), 'a:   1\n')
  expect(await runCli(['fmt'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('REGO_INVALID'),
  })
  expect(readFileSync(join(cwd, 'policies/x.yaml'), 'utf8')).toBe('a:   1\n')
})
