import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { judgeRelease } from '../../../src/app/gate/release.ts'
import { git } from './release-case.ts'

// The release of the example, at a time at which its evidence is fresh.

const EXAMPLE = join(import.meta.dirname, '../../../examples/retail-agent')

function exampleIn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-retail-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(EXAMPLE, folder, { recursive: true })
  git(folder, 'init', '-q', '-b', 'main', '--template=')
  git(folder, 'add', '.')
  git(folder, 'commit', '-q', '-m', 'Start')
  return folder
}

const judge = async (folder: string, at: string) => {
  const { gate } = await judgeRelease({
    ...{ folder, name: 'retail-tc-1.1.0', source: folder, evidence: folder },
    artefacts: [{ name: null, at: join(folder, 'agent/agent.txt') }],
    ...{ rollback: { base: null }, clock: () => Date.parse(at) },
  })
  return gate
}

test('examples/retail-agent -> allow; 38 of 40 pass too, 37 hold; 11 of 12 and old evidence deny', async () => {
  const folder = exampleIn()
  const fresh = '2026-11-21T09:00:00Z'
  expect(await judge(folder, fresh)).toMatchObject({ verdict: 'allow' })
  const replace = (file: string, from: string, to: string) => {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    expect(text).toContain(from)
    writeFileSync(path, text.replace(from, to))
  }
  replace(
    'evidence/orders.json',
    '"successes": 39,\n      "failures": 1',
    '"successes": 38,\n      "failures": 2',
  )
  expect(await judge(folder, fresh)).toMatchObject({ verdict: 'allow' })
  replace(
    'evidence/orders.json',
    '"successes": 38,\n      "failures": 2',
    '"successes": 37,\n      "failures": 3',
  )
  expect(await judge(folder, fresh)).toMatchObject({ verdict: 'hold' })
  replace('evidence/conduct.xml', 'failures="0"', 'failures="1"')
  replace('evidence/conduct.xml', 'only" time="2.1"/>', 'only"><failure/></testcase>')
  const { verdict, reason } = await judge(folder, fresh)
  expect([verdict, reason]).toEqual(['deny', 'eval/conduct: 11/12 passed, of at least 12'])
  const old = await judge(folder, '2026-12-01T09:00:00Z')
  expect(old.properties.filter(({ code }) => code === 'EVIDENCE_STALE')).toHaveLength(4)
})
