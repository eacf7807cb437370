import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { writeBundle } from '../../../src/policy/bundle/index.ts'
import { bundleOf } from '../../app/support.ts'
import { minimalPolicy, temporaryFolder } from './policies.ts'
import { runCli } from './run.ts'

const RETAIL = join(import.meta.dirname, '../../../examples/retail-agent')

const GIT_ENV = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ana',
  GIT_AUTHOR_EMAIL: 'ana@example.com',
  GIT_COMMITTER_NAME: 'Ana',
  GIT_COMMITTER_EMAIL: 'ana@example.com',
}

function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd, env: GIT_ENV, encoding: 'utf8' })
}

/** A repository on the branch `main` with everything that lies in the folder. */
function committed(folder: string): string {
  git(folder, 'init', '-q', '-b', 'main')
  git(folder, 'add', '-A')
  git(folder, 'commit', '-qm', 'Start')
  return folder
}

function edit(folder: string, file: string, from: string, to: string): void {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  expect(text.split(from), `${file} has ${from} once`).toHaveLength(2)
  writeFileSync(path, text.replace(from, to))
}

/** Eight changes to one account, and then a hand-over: five too many for the rule of the example. */
const TRACE = `${JSON.stringify({
  session: 'busy-1',
  agent: 'retail-tc',
  steps: [
    { service: 'retail', action: 'find_user_id_by_email', payload: { email: 'lena@example.com' } },
    ...Array.from({ length: 8 }, (_, at) => ({
      service: 'retail',
      action: 'cancel_pending_order',
      payload: { order_id: `#W550012${at}`, reason: 'ordered by mistake' },
    })),
    { service: 'retail', action: 'delete_account', payload: {} },
  ],
})}
`

describe('a change of the retail example that weakens a rule, drops a reviewer and widens a scope', () => {
  let folder = ''
  let json: Record<string, unknown> = {}
  let code = -1
  const cli = (...argv: string[]) => runCli(argv, { cwd: folder })

  beforeAll(async () => {
    // Not `temporaryFolder`, which goes after the first test.
    folder = mkdtempSync(join(tmpdir(), 'countersign-diff-'))
    cpSync(RETAIL, folder, { recursive: true })
    edit(
      folder,
      'policies/tools/retail.yaml',
      '  cancel_pending_order: {',
      '  delete_account: { effect: irreversible, about: Closes an account. }\n  cancel_pending_order: {',
    )
    committed(folder)
    writeFileSync(join(folder, 'busy.jsonl'), TRACE)
    edit(folder, 'policies/guardrails/orders.yaml', 'limit: 5, per: 1h', 'limit: 50, per: 1h')
    edit(
      folder,
      'policies/routes/routes.yaml',
      'reviewers: [bo, cleo]\n    quorum: 2',
      'reviewers: [bo]\n    quorum: 1',
    )
    const agents = join(folder, 'policies/agents/retail.yaml')
    writeFileSync(
      agents,
      readFileSync(agents, 'utf8').replace(
        'retail.restore_*, retail.cancel_pending_order]',
        'retail.restore_*, retail.cancel_pending_order, retail.delete_*]',
      ),
    )
    const ran = await cli(
      'diff',
      'main',
      '--trace',
      'busy.jsonl',
      '--fail-on',
      'weakened',
      '--format',
      'json',
    )
    code = ran.code
    json = ran.json as Record<string, unknown>
    return () => rmSync(folder, { recursive: true })
  }, 60_000) // Two policies with Rego, on a machine that may have other work.

  test('exits 1 with --fail-on weakened', () => {
    expect(code).toBe(1)
    expect(json['may_weaken']).toBe(true)
  })

  test('reports all three, with places on both sides', () => {
    const line = (file: string, at: number) => ({ file, line: at, column: expect.any(Number) })
    expect(json['changes']).toMatchObject([
      {
        part: 'agent',
        id: 'retail-tc',
        change: 'weakened',
        differences: [
          {
            message: 'may now use retail.delete_*',
            before: line('policies/agents/retail.yaml', 12),
            after: line('policies/agents/retail.yaml', 12),
          },
        ],
      },
      {
        part: 'rule',
        id: 'orders/too-many-changes-in-one-session',
        change: 'weakened',
        differences: [
          {
            field: 'velocity.limit',
            message: 'limit: 5 -> 50',
            before: line('policies/guardrails/orders.yaml', 8),
            after: line('policies/guardrails/orders.yaml', 8),
          },
        ],
      },
      {
        part: 'route',
        id: 'fraud',
        change: 'weakened',
        differences: [
          { message: 'quorum: 2 -> 1' },
          {
            message: 'no longer reviewed by cleo',
            before: line('policies/routes/routes.yaml', 11),
            after: line('policies/routes/routes.yaml', 11),
          },
        ],
      },
    ])
  })

  test('reports the recorded decisions that flip, by rule, with examples', () => {
    expect(json['flips']).toMatchObject({
      sessions: 1,
      actions: 10,
      flips: 4,
      lenient: 4,
      rules: [
        {
          rule: 'orders/too-many-changes-in-one-session',
          count: 4,
          lenient: 4,
          verdicts: { 'deny -> allow': 1, 'hold -> allow': 3 },
          examples: [
            {
              session: 'busy-1',
              step: 7,
              tool: 'retail.cancel_pending_order',
              before: { verdict: 'hold', route: ['default'] },
              after: { verdict: 'allow', route: [] },
            },
            { step: 8 },
            { step: 9 },
          ],
        },
        { rule: 'scope/outside-agent-scope', count: 1, verdicts: { 'deny -> allow': 1 } },
      ],
    })
    expect(JSON.stringify(json)).not.toContain('lena@example.com')
  })

  test('leaves the work tree and the index as they were', () => {
    expect(git(folder, 'status', '--short').split('\n').sort()).toEqual([
      '',
      ' M policies/agents/retail.yaml',
      ' M policies/guardrails/orders.yaml',
      ' M policies/routes/routes.yaml',
      '?? busy.jsonl',
    ])
  })
})

describe('formats', () => {
  const changed = () => {
    const cwd = committed(minimalPolicy())
    edit(
      cwd,
      'policies/all.yaml',
      "matches: '(?i)password' }\n    then: deny",
      "matches: '(?i)password' }\n    then: hold",
    )
    writeFileSync(join(cwd, 'policies/more.yaml'), MORE)
    return cwd
  }
  const MORE = `apiVersion: countersign/v1
kind: Routes
routes: [{ id: default, reviewers: [ana], time_out: 1h }]
---
apiVersion: countersign/v1
kind: Roster
people: [{ id: ana, keys: [{ fingerprint: 'SHA256:${'A'.repeat(43)}' }] }]
`
  const note = { service: 'notes', action: 'write', payload: { text: 'the `password` is x' } }
  const trace = `${JSON.stringify({ session: 's`1', agent: 'helper', steps: [note] })}\n`

  test('text for people', async () => {
    const cwd = changed()
    writeFileSync(join(cwd, 't.jsonl'), trace)
    const { stdout, code } = await runCli(['diff', 'main', '--trace', 't.jsonl'], { cwd })
    expect(code).toBe(0)
    for (const line of [
      'weakened rule notes/secret-in-note policies/all.yaml:19:5',
      '  weaker   then: deny -> hold policies/all.yaml:23:11',
      'added route default policies/more.yaml:3:10',
      'added person ana policies/more.yaml:7:10',
      '3 changes: 1 weaker, 1 unclear, 1 neutral',
      'recorded: 1 session, 1 action: 1 decision flip, 1 more lenient',
      '  notes/secret-in-note: 1 recorded decision, 1 more lenient (deny -> hold 1)',
      `    ${join(cwd, 't.jsonl')}:1 session s\`1 step 1 notes.write by helper: deny -> hold (default)`,
    ]) {
      expect(stdout.split('\n')).toContain(line)
    }
  })

  test('warnings for GitHub, at the new place, from the top of the check-out', async () => {
    const cwd = changed()
    writeFileSync(join(cwd, 't.jsonl'), trace)
    const above = join(cwd, '..')
    const name = cwd.slice(above.length + 1)
    const argv = [
      'diff',
      'main',
      '--policy',
      name,
      '--trace',
      join(cwd, 't.jsonl'),
      '--format',
      'github',
    ]
    const { stdout } = await runCli(argv, { cwd: above })
    expect(stdout).toBe(
      [
        `::warning file=${name}/policies/all.yaml,line=23,col=11,title=policy weakened::rule notes/secret-in-note: then: deny -> hold`,
        `::warning file=${name}/policies/more.yaml,line=7,col=10,title=policy added::person ana: a new person, with SHA256:${'A'.repeat(43)}`,
        `::warning file=${name}/policies/all.yaml,line=19,col=5,title=decisions flip::notes/secret-in-note: 1 recorded decision, 1 more lenient (deny -> hold 1)`,
        '',
      ].join('\n'),
    )
  })

  test('a comment for a pull request, in which no name can end its code', async () => {
    const cwd = changed()
    writeFileSync(join(cwd, 't.jsonl'), trace)
    const { stdout } = await runCli(
      ['diff', 'main', '--trace', 't.jsonl', '--format', 'markdown'],
      { cwd },
    )
    expect(stdout).toContain(
      '- 🔴 **weakened** rule `notes/secret-in-note` (`policies/all.yaml:19`)\n  - 🔴 weaker: `then: deny -> hold`\n',
    )
    expect(stdout).toContain(' session s`1 step 1 notes.write by helper: deny -> hold (default)``')
    expect(stdout).toContain('Of 1 recorded action **1 flip**, 1 of them more lenient.')
  })

  test.for([
    { level: 'weakened', more: [], code: 1 },
    { level: 'any', more: [], code: 1 },
    { level: 'flips', more: ['--trace', 't.jsonl'], code: 1 },
    { level: 'flips', more: ['--trace', 'calm.jsonl'], code: 0 },
  ])('--fail-on $level $more exits $code', async ({ level, more, code }) => {
    const cwd = changed()
    writeFileSync(join(cwd, 't.jsonl'), trace)
    writeFileSync(join(cwd, 'calm.jsonl'), trace.replace('password', 'milk'))
    expect(await runCli(['diff', 'main', '--fail-on', level, ...more], { cwd })).toMatchObject({
      code,
    })
  })

  test('only stronger -> --fail-on weakened exits 0, any exits 1', async () => {
    const cwd = committed(minimalPolicy())
    edit(cwd, 'countersign.yaml', 'medium: allow', 'medium: deny')
    const ran = (level: string) => runCli(['diff', 'main', '--fail-on', level], { cwd })
    expect([(await ran('weakened')).code, (await ran('any')).code]).toEqual([0, 1])
  })
})

describe('what is compared', () => {
  test.for([
    {
      name: 'a folder',
      plant: (at: string, policy: string) => cpSync(policy, at, { recursive: true }),
    },
    {
      name: 'a file',
      plant: (at: string, policy: string) => runCli(['build', '-o', at], { cwd: policy }),
    },
  ])(
    '$name of the name of a branch -> refused, unless it is written as a path',
    async ({ plant }) => {
      const cwd = committed(minimalPolicy())
      edit(cwd, 'countersign.yaml', 'medium: allow', 'medium: deny')
      await plant(join(cwd, 'main'), minimalPolicy())
      const ran = (name: string) => runCli(['diff', name, '--format', 'json'], { cwd })
      expect(await ran('main')).toMatchObject({
        code: 2,
        json: { error: { code: 'USAGE_INVALID', message: expect.stringContaining('./main') } },
      })
      expect(await ran('./main')).toMatchObject({ code: 0, json: { before: { name: './main' } } })
      expect(await ran('refs/heads/main')).toMatchObject({ code: 0 })
    },
  )

  test('the policy repository may have the name of a branch', async () => {
    const top = temporaryFolder()
    cpSync(minimalPolicy(), join(top, 'main'), { recursive: true })
    committed(top)
    const argv = ['diff', 'HEAD', '--policy', 'main', '--format', 'json']
    expect(await runCli(argv, { cwd: top })).toMatchObject({
      code: 0,
      json: { after: { name: 'main' }, changes: [] },
    })
  })

  test('a bundle, a folder, a revision, and a folder of a revision', async () => {
    const top = temporaryFolder()
    const policy = minimalPolicy()
    mkdirSync(join(top, 'guard'))
    cpSync(policy, join(top, 'guard'), { recursive: true })
    committed(top)
    git(top, 'tag', 'v1')
    await runCli(['build', '-o', join(top, 'old.bundle')], { cwd: policy })
    renameSync(join(top, 'guard'), join(top, 'rules'))
    edit(top, 'rules/countersign.yaml', 'defaults: {', 'evaluation_ms_max: 2000\ndefaults: {')
    git(top, 'add', '-A')
    git(top, 'commit', '-qm', 'Move')
    for (const [before, after, cwd] of [
      ['old.bundle', 'rules', top],
      ['v1:guard', 'HEAD:rules', top],
      ['HEAD~1:guard/', 'main', join(top, 'rules')],
      ['../old.bundle', '.', join(top, 'rules')],
    ] as const) {
      const { code, json } = await runCli(['diff', before, after, '--format', 'json'], { cwd })
      expect({ code, before, json }).toMatchObject({
        code: 0,
        json: {
          changes: [
            { part: 'project', differences: [{ message: 'evaluation_ms_max: 1000 -> 2000' }] },
          ],
        },
      })
    }
  })

  test.for([
    { name: 'nothing of that name', argv: ['nothing'], code: 'FILE_UNREADABLE' },
    { name: 'a revision that there is not', argv: ['main~9'], code: 'FILE_UNREADABLE' },
    {
      name: 'an option in the place of a revision',
      argv: ['--', '--all'],
      code: 'FILE_UNREADABLE',
    },
    { name: 'a revision without a policy', argv: ['main:tests'], code: 'PROJECT_MISSING' },
    { name: 'a folder outside the repository', argv: ['main:..'], code: 'PROJECT_MISSING' },
    { name: 'a file that is no bundle', argv: ['README.md'], code: 'BUNDLE_CORRUPT' },
    {
      name: 'flips without recorded decisions',
      argv: ['main', '--fail-on', 'flips'],
      code: 'USAGE_INVALID',
    },
    {
      name: 'a trace that there is not',
      argv: ['main', '--trace', 'x.jsonl'],
      code: 'FILE_UNREADABLE',
    },
  ])('$name -> exit 2 with $code', async ({ argv, code }) => {
    const cwd = committed(minimalPolicy())
    const ran = await runCli(['diff', '--format', 'json', ...argv], { cwd })
    expect(ran).toMatchObject({ code: 2, json: { error: { code } } })
  })

  test('a policy that does not compile is named', async () => {
    const cwd = committed(minimalPolicy())
    writeFileSync(join(cwd, 'policies/broken.yaml'), 'apiVersion: countersign/v1\nkind: Rule\n')
    const ran = await runCli(['diff', 'main', '--format', 'json'], { cwd })
    expect(ran.code).toBe(2)
    expect(JSON.stringify(ran.json)).toMatch(/of \.: .*Rule/)
  })

  test('no change -> exit 0 whatever fails', async () => {
    const cwd = committed(minimalPolicy())
    const ran = await runCli(['diff', 'HEAD', '--fail-on', 'any'], { cwd })
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toContain('no change of meaning')
  })
})

describe('--data', () => {
  test('a folder without a store -> STORE_FAILED', async () => {
    const cwd = committed(minimalPolicy())
    const ran = await runCli(['diff', 'main', '--data', 'tests', '--format', 'json'], { cwd })
    expect(ran).toMatchObject({ code: 3, json: { error: { code: 'STORE_FAILED' } } })
  })

  test('judges the decisions of an engine, and names them', async () => {
    const cwd = temporaryFolder()
    const rules =
      (await import('../../app/support.ts'))
        .policyFiles()
        .get('policies/guardrails/refunds.yaml') ?? ''
    writeFileSync(join(cwd, 'old.bundle'), writeBundle(await bundleOf()))
    const lax = rules.replace(
      '  - id: refunds/any\n    on: { action: refund }\n    then: hold\n    route: payments\n',
      '',
    )
    writeFileSync(
      join(cwd, 'new.bundle'),
      writeBundle(await bundleOf({ 'policies/guardrails/refunds.yaml': lax })),
    )
    const refund =
      '{"agent":"clerk","service":"shop","action":"refund","payload":{"amount":50,"to":"customer-7"}}'
    const read = '{"agent":"clerk","service":"shop","action":"read_order"}'
    const ids: string[] = []
    for (const action of [refund, read, refund]) {
      const { json } = await runCli(
        ['decide', action, '--bundle', 'old.bundle', '--format', 'json'],
        { cwd },
      )
      ids.push((json as { decision: string }).decision)
    }
    const argv = [
      'diff',
      'old.bundle',
      'new.bundle',
      '--data',
      '.countersign',
      '--fail-on',
      'flips',
      '--format',
      'json',
    ]
    const { code, json, stdout } = await runCli(argv, { cwd })
    expect(code).toBe(1)
    expect(json).toMatchObject({
      changes: [{ id: 'refunds/any', change: 'removed' }],
      flips: {
        sessions: 0,
        actions: 3,
        flips: 2,
        rules: [
          {
            rule: 'refunds/any',
            examples: [
              { decision: ids[0], before: { verdict: 'hold', route: ['payments'] } },
              { decision: ids[2], after: { verdict: 'allow', route: [] } },
            ],
          },
        ],
      },
    })
    expect(stdout).not.toContain('customer-7')
  })
})
