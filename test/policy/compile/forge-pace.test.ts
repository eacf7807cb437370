import { expect, test } from 'vitest'
import { compileFiles, policyFiles } from '../../app/support.ts'

const project = (forge: string) =>
  `${policyFiles().get('countersign.yaml')}forge: { kind: local, ${forge} }\n`

async function compiled(forge: string) {
  const { bundle, diagnostics } = await compileFiles(
    policyFiles({ 'countersign.yaml': project(forge) }),
  )
  return { forge: bundle?.policy.forge, codes: diagnostics.map(({ code }) => code) }
}

test.for([
  { forge: 'poll: 100ms', want: { poll: '100ms' } },
  { forge: 'poll: 1h, look: 1d', want: { poll: '1h', look: '1d' } },
  { forge: 'look: 60s', want: { look: '60s' } },
])('$forge is taken as it is', async ({ forge, want }) => {
  expect((await compiled(forge)).forge).toEqual({
    kind: 'local',
    path: 'forge.git',
    base: 'main',
    ...want,
  })
})

test.for([
  { forge: 'poll: 99ms', code: 'DURATION_INVALID' },
  { forge: 'poll: 61m', code: 'DURATION_INVALID' },
  { forge: 'look: 25h', code: 'DURATION_INVALID' },
  { forge: 'look: 1ms', code: 'DURATION_INVALID' },
  { forge: 'poll: 1s1m', code: 'DURATION_INVALID' },
  { forge: 'poll: often', code: 'VALUE_INVALID' },
  { forge: 'poll: 5', code: 'VALUE_INVALID' },
])('$forge -> $code', async ({ forge, code }) => {
  expect((await compiled(forge)).codes).toContain(code)
})
