import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { mutatePolicy } from '../../../src/app/policy/mutate-policy.ts'
import { ROUTES } from '../../policy/analyse/load.ts'

// Compiling Rego takes a second or two, so few policies stand for many cases.

const HEAD = 'apiVersion: countersign/v1\nkind: '
const FILES = {
  'countersign.yaml': `${HEAD}Project\nproject: p\ndefaults: { low: allow, medium: allow, high: allow, critical: allow }\n`,
  'policies/all.yaml': `${HEAD}Agent
agent: a
scopes: [{ tools: [s.*] }]
---
${HEAD}Tools
service: s
tools: { read: { effect: read }, send: { effect: write }, send_all: { effect: write } }
---
${ROUTES}`,
  'policies/x.rego': `# METADATA
# custom:
#   on: { service: s, action: send* }
package countersign.x

import data.countersign.lib

deny contains {"msg": "no host"} if not lib.is_filled(["action", "payload", "host"])

deny contains {"msg": "this host"} if {
	input.action.payload.host == "evil.test"
}

hold contains {"msg": "to all"} if input.action.action == "send_all"

redact contains {"msg": "a mail", "paths": ["payload.mail"]} if input.action.payload.mail

warn contains {"msg": "look"} if input.action.payload.odd
`,
  'policies/x_test.rego': `package countersign.x_test

import data.countersign.x

send(payload) := {"action": {"service": "s", "action": "send", "payload": payload}}

test_deny_host_missing if count(x.deny) == 1 with input as send({})

test_deny_this_host if count(x.deny) == 1 with input as send({"host": "evil.test"})

test_redact_mail if count(x.redact) == 1 with input as send({"host": "a", "mail": "m"})
`,
  'tests/t.yaml': `${HEAD}DecisionTest
defaults: { agent: a, service: s, payload: { host: good.test } }
tests:
  - { name: this host, action: { action: send, payload: { host: evil.test } }, expect: { verdict: deny } }
  - { name: to all, action: { action: send_all }, expect: { verdict: hold } }
  - { name: a mail, action: { action: send, payload: { host: x, mail: m } }, expect: { verdict: redact } }
`,
}

function folderOf(changes: Readonly<Record<string, (text: string) => string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mutate-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), changes[path]?.(text) ?? text)
  }
  return folder
}

async function survivors(folder: string): Promise<string[]> {
  const mutated = await mutatePolicy(folder, { rules: '^rego/' })
  if (!('mutation' in mutated)) throw new Error(JSON.stringify(mutated))
  return mutated.mutation.mutants
    .filter(({ outcome }) => outcome === 'survived')
    .map(({ file, line, change }) => `${file}:${line} ${change}`)
}

test('each body of a package is switched off, and its tests notice', async () => {
  const progress: string[] = []
  const mutated = await mutatePolicy(folderOf(), {
    rules: '^rego/',
    onProgress: ({ done, of, rule }) => progress.push(`${done} of ${of} ${rule}`),
  })
  if (!('mutation' in mutated)) throw new Error(JSON.stringify(mutated))
  const { mutants, notes } = mutated.mutation
  expect(notes).toEqual([])
  expect(
    mutants.map(
      ({ line, operator, change, outcome, by }) =>
        `${line} ${operator} ${change}: ${by ?? outcome}`,
    ),
  ).toEqual([
    '4 selector on: action: send* became send: to all',
    '8 rego a body of deny was switched off: countersign.x_test.test_deny_host_missing',
    '8 verdict deny became hold: this host',
    '10 rego a body of deny was switched off: this host',
    '14 rego a body of hold was switched off: to all',
    '14 verdict hold became warn: to all',
    '16 rego a body of redact was switched off: a mail',
    '16 verdict redact became warn: a mail',
  ])
  expect(progress[0]).toBe(`0 of ${mutants.length} rego/x`)
})

test('without a Rego test that nothing else stands for, the body survives', async () => {
  const folder = folderOf({
    'policies/x_test.rego': (text) => text.replace(/test_deny_host_missing .*\n/, ''),
  })
  expect(await survivors(folder)).toEqual(['policies/x.rego:8 a body of deny was switched off'])
})

test('without decision tests, only what Rego tests look at is noticed', async () => {
  const folder = folderOf({
    'tests/t.yaml': (text) => text.slice(0, text.indexOf('tests:')).concat('fixtures: {}\n'),
  })
  expect(await survivors(folder)).toEqual([
    'policies/x.rego:4 on: action: send* became send',
    'policies/x.rego:14 a body of hold was switched off',
    'policies/x.rego:14 hold became warn',
  ])
})

test('a test that fails already ends it, with the report', async () => {
  const folder = folderOf({
    'tests/t.yaml': (text) => text.replace('verdict: hold', 'verdict: allow'),
  })
  expect(await mutatePolicy(folder)).toMatchObject({ report: { failed: 1 } })
})
