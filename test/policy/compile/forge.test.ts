import { expect, test } from 'vitest'
import type { RegoCompiler } from '../../../src/model/ports.ts'
import { compile } from '../../../src/policy/compile/index.ts'

const HEAD = 'apiVersion: countersign/v1\nkind: '

async function compiled(forge: string) {
  const files = new Map([
    [
      'countersign.yaml',
      `${HEAD}Project\nproject: shop\ndefaults: { low: deny, medium: deny, high: deny, critical: deny }\n${forge}`,
    ],
    ['tools.yaml', `${HEAD}Tools\nservice: shop\ntools: { read: { effect: read } }\n`],
    ['agent.yaml', `${HEAD}Agent\nagent: helper\nscopes: [{ tools: ['shop.*'] }]\n`],
  ])
  // There is no Rego to compile.
  return compile(files, { rego: {} as RegoCompiler })
}

test.for([
  { forge: '', want: { kind: 'local', path: 'forge.git', base: 'main' } },
  {
    forge: 'forge: { kind: github, repository: acme/a.b-c, base: live }\n',
    want: { kind: 'github', path: 'forge.git', base: 'live', repository: 'acme/a.b-c' },
  },
  {
    forge: 'forge: { kind: github, repository: a/b, api_url: https://ghe.test/api/v3/ }\n',
    want: { kind: 'github', repository: 'a/b', api_url: 'https://ghe.test/api/v3' },
  },
  {
    forge: 'forge: { kind: github, repository: a/b, api_url: "http://127.0.0.1:1" }\n',
    want: { api_url: 'http://127.0.0.1:1' },
  },
  {
    forge: 'forge: { kind: gitea, repository: a.b/c, api_url: "https://git.test/api/v1/" }\n',
    want: { kind: 'gitea', repository: 'a.b/c', api_url: 'https://git.test/api/v1' },
  },
  {
    forge:
      'forge: { kind: gitea, repository: a/b, api_url: "http://127.0.0.1:1/api/v1", base: x }\n',
    want: { kind: 'gitea', base: 'x', api_url: 'http://127.0.0.1:1/api/v1' },
  },
])('$forge -> $want', async ({ forge, want }) => {
  const { bundle, diagnostics } = await compiled(forge)
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(bundle?.policy.forge).toMatchObject(want)
})

test.for([
  { forge: '{ kind: github }', want: 'KEY_MISSING' },
  { forge: '{ kind: github, repository: a/b, path: x }', want: 'VALUE_INVALID' },
  { forge: '{ kind: local, repository: a/b }', want: 'VALUE_INVALID' },
  { forge: '{ kind: local, api_url: "https://ghe.test" }', want: 'VALUE_INVALID' },
  { forge: '{ kind: github, repository: a/b, api_url: "http://ghe.test" }', want: 'VALUE_INVALID' },
  { forge: '{ kind: github, repository: a/b, api_url: "ftp://ghe.test" }', want: 'VALUE_INVALID' },
  { forge: '{ kind: gitea, repository: a/b }', want: 'KEY_MISSING' },
  { forge: '{ kind: gitea, api_url: "https://git.test/api/v1" }', want: 'KEY_MISSING' },
  {
    forge: '{ kind: gitea, repository: a/b, api_url: "http://git.test/api/v1" }',
    want: 'VALUE_INVALID',
  },
  {
    forge: '{ kind: gitea, repository: a/b, api_url: "https://git.test/api/v1", path: x }',
    want: 'VALUE_INVALID',
  },
  { forge: '{ kind: github, repository: a/.. }', want: 'VALUE_INVALID' },
  { forge: '{ kind: github, repository: a/b/c }', want: 'VALUE_INVALID' },
  { forge: '{ kind: github, repository: "a/b?x" }', want: 'VALUE_INVALID' },
  { forge: '{ kind: github, repository: a/b, token: x }', want: 'KEY_UNKNOWN' },
])('$forge -> $want', async ({ forge, want }) => {
  const { bundle, diagnostics } = await compiled(`forge: ${forge}\n`)
  expect(bundle).toBeNull()
  expect(diagnostics.map(({ code }) => code)).toContain(want)
})
