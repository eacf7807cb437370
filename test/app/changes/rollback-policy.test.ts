import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPolicyFiles } from '../../../src/host/policy-files.ts'
import { runCli } from '../../shells/cli/run.ts'
import type { FakeGithub } from '../../support/fake-github/server.ts'
import { startFakeGithub } from '../../support/fake-github/server.ts'
import { commitAll, git, policyRepository, write } from '../baseline/support.ts'
import { compileFiles, openTest, policyFiles, temporaryFolder } from '../support.ts'

// `rollback --policy` on real repositories: an earlier policy comes back on a branch, to the digest, and nothing else does.

const RULES = 'policies/guardrails/refunds.yaml'
const PROJECT = policyFiles().get('countersign.yaml') ?? ''
const FIRST = policyFiles().get(RULES) ?? ''
const STRICT = FIRST.replace('limit: 100', 'limit: 5')
const LAX = FIRST.replace('above: 1000', 'above: 9000')

const MORE = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - { id: more/mail, on: { action: mail }, then: hold }
`

type History = { readonly folder: string; readonly digests: readonly string[] }

async function digestOf(folder: string): Promise<string> {
  const { bundle } = await compileFiles(await readPolicyFiles(folder))
  return bundle?.digest ?? ''
}

/** Policies, each a commit with an approval beside it; and `origin`, a bare remote that has them. */
async function history(
  steps: readonly Readonly<Record<string, string>>[] = [{}, { [RULES]: STRICT }, { [RULES]: LAX }],
): Promise<History> {
  const [first = {}, ...more] = steps
  const folder = policyRepository(first)
  const digests = [await digestOf(folder)]
  for (const [index, files] of more.entries()) {
    for (const [path, text] of Object.entries(files)) write(folder, path, text)
    write(folder, `requests/req_${index}/decision.json`, '{}')
    commitAll(folder, 'Change')
    digests.push(await digestOf(folder))
  }
  const bare = join(temporaryFolder(), 'policies.git')
  git(folder, 'init', '-q', '--bare', bare)
  git(folder, 'remote', 'add', 'origin', bare)
  git(folder, 'push', '-q', 'origin', 'main')
  return { folder, digests }
}

const rollback = (cwd: string, ...words: readonly string[]) =>
  runCli(['rollback', '--policy', ...words, '--format', 'json'], { cwd })

function branchOf(digest: string | undefined): string {
  return `rollback/policy-${digest?.slice(7, 19)}`
}

describe('a return to an earlier policy', () => {
  test.for([
    { name: 'its digest', to: (h: History) => h.digests[0] },
    { name: 'its digest in hexadecimal', to: (h: History) => h.digests[0]?.slice(7) },
    { name: 'a revision', to: () => 'main~2' },
    { name: 'a commit', to: (h: History) => git(h.folder, 'rev-parse', 'HEAD~2').trim() },
  ])('by $name is a branch with its files and all else as it is', async ({ to }) => {
    const made = await history()
    const { folder, digests } = made
    const source = git(folder, 'rev-parse', 'HEAD~2').trim()
    const ran = await rollback(folder, '--to', to(made) ?? '', '--push', 'origin')
    const branch = branchOf(digests[0])
    expect(ran).toMatchObject({
      code: 0,
      json: {
        state: 'proposed',
        ref: `refs/heads/${branch}`,
        source,
        before: { name: 'main', policy: digests[2] },
        after: { policy: digests[0] },
        changes: [{ part: 'rule', id: 'refunds/large', direction: 'stronger' }],
        pull: null,
      },
    })
    const changed = git(folder, 'diff', '--name-only', 'main', branch).trim()
    expect(changed).toBe(RULES)
    expect(git(folder, 'show', `${branch}:${RULES}`)).toBe(FIRST)
    expect(git(folder, 'ls-tree', '--name-only', branch)).toContain('requests')
    expect(git(folder, 'rev-parse', `${branch}^`)).toBe(git(folder, 'rev-parse', 'main'))
    expect(git(folder, 'ls-remote', 'origin', branch)).toContain(
      git(folder, 'rev-parse', branch).trim(),
    )
    expect(git(folder, 'status', '--porcelain')).toBe('')
    git(folder, 'checkout', '-q', branch)
    expect(await digestOf(folder)).toBe(digests[0])
    expect(git(folder, 'fsck', '--strict')).toBe('')
  })

  test('without --to goes to the one before, and asked twice is the same commit', async () => {
    const { folder, digests } = await history()
    const first = await rollback(folder)
    expect(first).toMatchObject({ code: 0, json: { after: { policy: digests[1] } } })
    expect((await rollback(folder)).json).toEqual(first.json)
  })

  test('takes files and folders away that it lacked, and leaves modes and links elsewhere', async () => {
    const { folder, digests } = await history([{}, { 'policies/more/extra.yaml': MORE }])
    write(folder, 'run.sh', '#!/bin/sh\n')
    git(folder, 'add', 'run.sh')
    git(folder, 'update-index', '--chmod=+x', 'run.sh')
    git(folder, 'commit', '-qm', 'A program')
    git(folder, 'checkout', '-q', '--', '.')
    const branch = branchOf(digests[0])
    expect(await rollback(folder, '--to', digests[0] ?? '')).toMatchObject({ code: 0 })
    const listed = git(folder, 'ls-tree', '-r', branch)
    expect(listed).not.toContain('policies/more')
    expect(listed).toMatch(/^100755 .*\trun\.sh$/m)
  })

  test('of a policy in a folder of its repository leaves the rest', async () => {
    const folder = temporaryFolder()
    const put = (text: string) => {
      for (const [path, content] of policyFiles({ [RULES]: text })) {
        write(folder, `deep/shop/${path}`, content)
      }
      commitAll(folder, 'Change')
    }
    write(folder, 'other/policies/a.yaml', 'x: 1')
    git(folder, 'init', '-q', '-b', 'main')
    put(FIRST)
    const before = await digestOf(join(folder, 'deep/shop'))
    write(folder, 'other/policies/a.yaml', 'x: 2')
    put(LAX)
    const ran = await runCli(
      ['rollback', '--policy', 'deep/shop', '--to', before, '--format', 'json'],
      { cwd: folder },
    )
    expect(ran).toMatchObject({ code: 0, json: { after: { policy: before } } })
    const changed = git(folder, 'diff', '--name-only', 'main', branchOf(before)).trim()
    expect(changed).toBe(`deep/shop/${RULES}`)
  })

  test('shows which recorded decisions would flip, and with --dry-run writes nothing', async () => {
    const { folder, digests } = await history()
    write(folder, '.gitignore', '.countersign\n')
    commitAll(folder, 'Ignore')
    const { engine } = await openTest({ folder: join(folder, '.countersign') })
    const refund = { agent: 'clerk', service: 'shop', action: 'refund', payload: { amount: 5 } }
    for (let n = 0; n < 7; n++) await engine.decide(refund)
    await engine.close()
    const ran = await rollback(folder, '--to', digests[1] ?? '', '--dry-run')
    expect(ran).toMatchObject({
      code: 0,
      json: { state: 'preview', flips: { flips: 2 }, pull: null },
    })
    expect(git(folder, 'branch', '--list')).not.toContain('rollback')
    const quiet = await rollback(folder, '--to', digests[1] ?? '', '--dry-run', '--no-flips')
    expect(quiet.json).toMatchObject({ flips: null })
  })

  test('finds a policy that a merge brought, and none that only a branch had', async () => {
    const { folder, digests } = await history([{}, { [RULES]: STRICT }])
    git(folder, 'checkout', '-qb', 'topic')
    write(folder, RULES, LAX)
    commitAll(folder, 'Lax')
    const lax = await digestOf(folder)
    write(folder, RULES, FIRST.replace('limit: 100', 'limit: 50'))
    commitAll(folder, 'Half')
    git(folder, 'checkout', '-q', 'main')
    git(folder, 'merge', '-q', '--no-ff', '-m', 'Merge', 'topic')
    const refused = await rollback(folder, '--to', lax)
    expect(refused).toMatchObject({ code: 2, json: { error: { code: 'ROLLBACK_UNKNOWN' } } })
    expect(await rollback(folder, '--to', 'topic~1')).toMatchObject({
      json: { error: { code: 'ROLLBACK_UNKNOWN' } },
    })
    expect(await rollback(folder)).toMatchObject({ json: { after: { policy: digests[1] } } })
  })
})

test('a push that fails leaves no branch, and can be asked again, for an earlier proposal too', async () => {
  const { folder, digests } = await history()
  const branch = branchOf(digests[1])
  const nowhere = join(temporaryFolder(), 'nowhere')
  expect(await rollback(folder, '--push', nowhere)).toMatchObject({
    json: { error: { code: 'GIT_FAILED' } },
  })
  expect(git(folder, 'branch', '--list', branch)).toBe('')
  expect(await rollback(folder, '--push', 'origin')).toMatchObject({ code: 0 })
  write(folder, 'notes.md', 'later')
  commitAll(folder, 'Later')
  expect(await rollback(folder, '--push', nowhere, '--replace')).toMatchObject({
    json: { error: { code: 'GIT_FAILED' } },
  })
  expect(await rollback(folder, '--push', 'origin', '--replace')).toMatchObject({ code: 0 })
  expect(git(folder, 'ls-remote', 'origin', branch)).toContain(
    git(folder, 'rev-parse', branch).trim(),
  )
})

test('a file beside the policy whose name is no UTF-8 is not renamed -> FILE_UNREADABLE', async () => {
  const { folder } = await history()
  const oid = git(folder, 'hash-object', '-w', RULES).trim()
  const entry = [Buffer.from(`100644 ${oid}\tcaf`), Buffer.from([0xe9, 0])]
  const input = Buffer.concat(entry)
  execFileSync('git', ['update-index', '-z', '--index-info'], { cwd: folder, input })
  git(folder, 'commit', '-qm', 'Another encoding')
  git(folder, 'checkout', '-q', '.')
  expect(await rollback(folder)).toMatchObject({
    json: { error: { code: 'FILE_UNREADABLE' } },
  })
  expect(git(folder, 'branch', '--list')).not.toContain('rollback')
})

test('a repository that names a program to watch its files does not get it started', async () => {
  const { folder } = await history()
  const program = join(temporaryFolder(), 'watch.sh')
  const started = `${program}.started`
  writeFileSync(program, `#!/bin/sh\ntouch '${started}'\nprintf '0\\0/\\0'\n`, { mode: 0o755 })
  git(folder, 'config', 'core.fsmonitor', program)
  expect(await rollback(folder)).toMatchObject({ code: 0 })
  expect(existsSync(started)).toBe(false)
})

test.for(['a replacement', 'a graft'])(
  'a policy that only %s puts into the history -> ROLLBACK_UNKNOWN',
  async (by) => {
    const { folder } = await history()
    git(folder, 'checkout', '-qb', 'topic', 'main~1')
    write(folder, RULES, FIRST.replace('limit: 100', 'limit: 9999'))
    commitAll(folder, 'Laxer')
    const laxer = await digestOf(folder)
    const [tip, topic] = ['main', 'topic'].map((name) => git(folder, 'rev-parse', name).trim())
    git(folder, 'checkout', '-q', 'main')
    if (by === 'a graft') write(folder, '.git/info/grafts', `${tip} ${topic}\n`)
    else git(folder, 'replace', '--graft', String(tip), String(topic))
    for (const to of [laxer, String(topic)]) {
      expect(await rollback(folder, '--to', to)).toMatchObject({
        json: { error: { code: 'ROLLBACK_UNKNOWN' } },
      })
    }
  },
)

describe('refused, and no branch is made:', () => {
  const TOMORROW = '2099-01-01T00:00:00Z'
  const expired = `${PROJECT}valid_until: 2020-01-01T00:00:00Z\n`
  const forbids = `${PROJECT}self_test:\n  - { name: no refunds, action: { agent: clerk, service: shop, action: refund } }\n`
  const denied = FIRST.replace('then: hold\n    route: payments', 'then: deny')
  type Row = {
    readonly name: string
    readonly code: string
    readonly words?: string
    readonly steps?: readonly Readonly<Record<string, string>>[]
    readonly to?: string
    readonly prepare?: (made: History) => void
  }
  test.for<Row>([
    { name: 'a digest that never was', code: 'ROLLBACK_UNKNOWN', to: `sha256:${'0'.repeat(64)}` },
    { name: 'no revision', code: 'ROLLBACK_UNKNOWN', to: 'nowhere' },
    { name: 'the policy of now', code: 'ROLLBACK_UNCHANGED', to: 'main' },
    { name: 'nothing before', code: 'ROLLBACK_UNKNOWN', steps: [{}] },
    {
      name: 'a policy that has expired',
      code: 'BUNDLE_EXPIRED',
      words: '2020-01-01',
      steps: [
        { 'countersign.yaml': expired },
        { 'countersign.yaml': `${PROJECT}valid_until: ${TOMORROW}\n` },
      ],
    },
    {
      name: 'a policy that allows what the present one forbids for ever',
      code: 'BUNDLE_SELF_TEST',
      words: 'no refunds',
      steps: [{}, { 'countersign.yaml': forbids, [RULES]: denied }],
    },
    {
      name: 'changes that are not committed',
      code: 'FILE_EXISTS',
      words: RULES,
      prepare: ({ folder }) => write(folder, RULES, `${LAX}# later\n`),
    },
    {
      name: 'a file that is not committed',
      code: 'FILE_EXISTS',
      words: 'policies/',
      prepare: ({ folder }) => write(folder, 'policies/new/new.yaml', LAX),
    },
  ])('$name -> $code', async ({ code, words = '', steps, to = 'previous', prepare }) => {
    const made = await history(steps)
    prepare?.(made)
    const ran = await rollback(made.folder, '--to', to, '--push', 'origin')
    expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
    expect((ran.json as { error: { message: string } }).error.message).toContain(words)
    expect(git(made.folder, 'branch', '--list')).not.toContain('rollback')
  })

  test('a shallow clone -> GIT_FAILED', async () => {
    const { folder } = await history()
    const clone = join(temporaryFolder(), 'clone')
    git(folder, 'clone', '-q', '--depth=1', `file://${folder}`, clone)
    expect(await rollback(clone)).toMatchObject({
      code: 3,
      json: { error: { code: 'GIT_FAILED' } },
    })
  })

  test('a branch that somebody else has added to -> FILE_EXISTS', async () => {
    const { folder, digests } = await history()
    await rollback(folder)
    const branch = branchOf(digests[1])
    git(folder, 'checkout', '-q', branch)
    write(folder, 'notes.md', 'mine')
    commitAll(folder, 'Mine')
    git(folder, 'checkout', '-q', 'main')
    expect(await rollback(folder, '--replace')).toMatchObject({
      json: { error: { code: 'FILE_EXISTS' } },
    })
  })

  test.for([
    { name: 'neither a receipt nor --policy', argv: [] },
    { name: 'a receipt and --to', argv: ['1', '--to', 'previous'] },
    { name: '--policy and --reason', argv: ['--policy', '--reason', 'x'] },
    { name: '--pull without --push', argv: ['--policy', '--pull'] },
    { name: 'a remote that is an option', argv: ['--policy', '--push=-x'] },
  ])('$name -> USAGE_INVALID', async ({ argv }) => {
    const cwd = temporaryFolder()
    const ran = await runCli(['rollback', ...argv, '--format', 'json'], { cwd })
    expect(ran).toMatchObject({ code: 2, json: { error: { code: 'USAGE_INVALID' } } })
  })
})

describe('on a forge', () => {
  let github: FakeGithub
  const bare = join(mkdtempSync(join(tmpdir(), 'countersign-rollback-')), 'policies.git')
  beforeAll(async () => {
    github = await startFakeGithub({ folder: bare })
  })
  afterAll(async () => {
    await github.close()
    rmSync(dirname(bare), { recursive: true })
    expect(github.flaws).toEqual([])
  })

  test('--pull opens one pull request, whose text is the meaning of the change', async () => {
    const author = github.addAccount('operator')
    const project = `${PROJECT}forge: { kind: github, repository: acme/approvals, api_url: "${github.url}" }\n`
    let account = 200
    const roster = (policyFiles().get('policies/roster.yaml') ?? '').replaceAll(' }] }', () => {
      account += 1
      return ` }], accounts: { github: "${account}" } }`
    })
    const base = { 'countersign.yaml': project, 'policies/roster.yaml': roster }
    const { folder } = await history([base, { [RULES]: LAX }])
    git(folder, 'push', '-qf', bare, 'main')
    git(folder, 'remote', 'set-url', 'origin', bare)
    const env = { COUNTERSIGN_GITHUB_TOKEN: author.token, PATH: process.env['PATH'] ?? '' }
    const argv = ['rollback', '--policy', '--push', 'origin', '--pull', '--format', 'json']
    const first = await runCli(argv, { cwd: folder, env })
    expect(first.json).toMatchObject({ state: 'proposed', pull: { number: expect.any(Number) } })
    expect((await runCli(argv, { cwd: folder, env })).json).toEqual(first.json)
  })
})
