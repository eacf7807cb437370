import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { ownersOf } from '../../../src/app/code-owners.ts'
import { initGithub } from '../../../src/app/policy/init-github.ts'
import {
  GATE_CHECKS,
  parseActionReference,
  parseOwners,
} from '../../../src/app/policy/scaffold-github.ts'
import { runCli } from '../../shells/cli/run.ts'
import { matchOperation, requestFlaws } from '../../support/fake-github/description.ts'

const scratch = mkdtempSync(join(tmpdir(), 'countersign-init-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const DIGEST = '0123456789'.repeat(4)
const ACTION = `acme/countersign@${DIGEST} # v0.1.0`
const FILES = [
  '.github/CODEOWNERS',
  '.github/rulesets/countersign.json',
  '.github/workflows/countersign.yml',
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(scratch, 'shop-'))
})

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

function read(path: string): string {
  return readFileSync(join(folder, path), 'utf8')
}

const made = (about: { folder?: string; action?: string; owners?: string } = {}) =>
  initGithub({ folder, action: ACTION, owners: '@ana,@acme/security', ...about })

test('a new folder gets a policy, and what guards it', async () => {
  const { policy, github } = await made()
  expect(policy?.files).toContain('countersign.yaml')
  expect(github).toEqual({ top: '', files: FILES, kept: [], warnings: [] })
  expect(read('README.md')).toContain('## On GitHub')
  expect(read('.github/workflows/countersign.yml')).toContain(`uses: ${ACTION}\n`)
  const { code } = await runCli(['check'], { cwd: folder })
  expect(code).toBe(0)
})

test('everything of the policy, and the workflow, has owners', async () => {
  const { policy } = await made()
  const owners = read('.github/CODEOWNERS')
  const guarded = (policy?.files ?? []).filter((path) =>
    /^(?:policies|tests|countersign)/.test(path),
  )
  for (const path of [...guarded, ...FILES]) {
    expect(ownersOf(owners, path), path).toEqual(['@ana', '@acme/security'])
  }
})

test('the ruleset is one that GitHub takes, and requires what the action posts', async () => {
  await made()
  const { source_type: source, ...ruleset } = JSON.parse(read('.github/rulesets/countersign.json'))
  const matched = matchOperation('POST', '/repos/acme/shop/rulesets')
  if (matched === null) throw new Error('no operation')
  expect(requestFlaws(matched, new URLSearchParams(), ruleset)).toEqual([])
  // The check can fail.
  expect(
    requestFlaws(matched, new URLSearchParams(), { ...ruleset, enforcement: 'yes' }),
  ).not.toEqual([])
  expect([source, ruleset.bypass_actors]).toEqual(['Repository', []])
  const action = readFileSync(join(import.meta.dirname, '../../../action.yml'), 'utf8')
  expect(action).toMatch(/`countersign\/` and\s+the mode/)
  for (const context of GATE_CHECKS) {
    expect(JSON.stringify(ruleset)).toContain(`{"context":"${context}","integration_id":15368}`)
  }
})

test('a second time everything is kept as it is', async () => {
  await made()
  put('.github/CODEOWNERS', '* @bo\n')
  const { policy, github } = await made()
  expect(policy).toBe(null)
  expect(github).toMatchObject({ files: [], kept: FILES })
  expect(read('.github/CODEOWNERS')).toBe('* @bo\n')
  expect(github.warnings).toHaveLength(1)
})

test('a CODEOWNERS elsewhere is not put out of force', async () => {
  put('docs/CODEOWNERS', '* @bo\n')
  const { github } = await made()
  expect(github.kept).toEqual(['docs/CODEOWNERS'])
  expect(github.files).toEqual(FILES.slice(1))
})

test('below a repository the files go to its top, and name the folder', async () => {
  put('.git/HEAD', 'ref: refs/heads/main\n')
  put('agents/shop/countersign.yaml', 'folders: [rules]\n')
  const { policy, github } = await made({ folder: join(folder, 'agents/shop') })
  expect([policy, github.top]).toEqual([null, '../..'])
  expect(read('.github/workflows/countersign.yml').match(/policy: "agents\/shop"/g)).toHaveLength(2)
  expect(read('.github/CODEOWNERS')).toMatch(/^\/agents\/shop\/rules\/ +@ana/m)
})

test('a name that can be moved comes with a warning', async () => {
  const { github } = await made({ action: 'acme/countersign@v1' })
  expect(github.warnings).toEqual([
    expect.stringMatching(/^acme\/countersign@v1 is a name .*moved/),
  ])
})

test.for([
  'acme/countersign',
  'countersign@v1',
  `acme/countersign@${DIGEST}\n      - run: curl x`,
  'acme/countersign@v1 run: x',
  `acme/countersign@\${{ github.head_ref }}`,
  '',
])('the action %j is refused', (text) => {
  expect(() => parseActionReference(text)).toThrow(/--action/)
})

test.for(['', 'ana', '@ana\n* @eve,', '@ana #x', '@', '@a/b/c'])(
  'the owners %j are refused',
  (text) => {
    expect(() => parseOwners(text)).toThrow(/--owners/)
  },
)

test.for([
  { name: 'no action', args: ['--github', '--owners', '@ana'] },
  { name: 'no owners', args: ['--github', '--action', ACTION] },
  { name: 'no --github', args: ['--action', ACTION] },
])('the command without: $name -> 2', async ({ args }) => {
  const { code, stderr } = await runCli(['init', 'new', ...args], { cwd: folder })
  expect(stderr).toContain('USAGE_INVALID')
  expect(code).toBe(2)
})

test('options of a new policy are refused where there is one', async () => {
  await made()
  const args = ['--github', '--action', ACTION, '--owners', '@ana', '--project', 'other']
  const { code, stderr } = await runCli(['init', '.', ...args], { cwd: folder })
  expect(stderr).toContain('USAGE_INVALID')
  expect(code).toBe(2)
})
