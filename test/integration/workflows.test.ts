import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { goTool, pypiTool } from '../../scripts/tools.ts'
import { generateSshKey, writeSshKey } from '../../src/host/ssh-key.ts'
import { runCli } from '../shells/cli/run.ts'

// Workflows and examples for CI: each is linted or really run.

const root = resolve(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'countersign-workflows-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const ACTION = 'acme/countersign@0123456789abcdef0123456789abcdef01234567 # v0.1.0'
const CI = join(root, 'examples', 'ci')

type Linted = { readonly code: number | null; readonly said: string }

function lint(program: string, args: readonly string[]): Linted {
  const ran = spawnSync(program, args, { cwd: root, encoding: 'utf8' })
  return { code: ran.status, said: ran.stdout + ran.stderr }
}

const actionlint = (file: string): Linted => lint(goTool('actionlint'), ['-no-color', file])
const zizmor = (file: string): Linted =>
  lint(pypiTool('zizmor'), ['--offline', '--no-progress', '--color=never', '--quiet', file])

/** What `init --github` writes at the top of a repository, and below it. */
async function written(folder: string): Promise<string> {
  const top = mkdtempSync(join(scratch, 'init-'))
  mkdirSync(join(top, '.git'))
  const args = ['init', folder, '--github', '--action', ACTION, '--owners', '@ana,@acme/security']
  const { code, stderr } = await runCli(args, { cwd: top })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return join(top, '.github/workflows/countersign.yml')
}

const workflows = [
  ...readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`),
  ...readdirSync(CI)
    .filter((name) => name.endsWith('workflow.yml'))
    .map((name) => `examples/ci/${name}`),
]

describe('linters', () => {
  test('there are workflows to look at', () => {
    expect(workflows).toEqual(
      expect.arrayContaining([
        '.github/workflows/ci.yml',
        '.github/workflows/policy.yml',
        'examples/ci/calling-workflow.yml',
        'examples/ci/reusable-workflow.yml',
      ]),
    )
  })

  test.for(workflows)('actionlint and zizmor find nothing in %s', (file) => {
    expect(actionlint(file)).toEqual({ code: 0, said: '' })
    expect(zizmor(file)).toMatchObject({ code: 0 })
  })

  test.for(['.', 'agents/shop'])('nor in what init --github writes for %s', async (folder) => {
    const file = await written(folder)
    expect(actionlint(file)).toEqual({ code: 0, said: '' })
    expect(zizmor(file)).toMatchObject({ code: 0 })
    const strict = ['--offline', '--no-progress', '--quiet', '--persona=auditor', file]
    expect(lint(pypiTool('zizmor'), strict)).toMatchObject({ code: 0 })
  })

  test('zizmor finds nothing in the action', () => {
    expect(zizmor('action.yml')).toMatchObject({ code: 0 })
  })

  test('zizmor finds nothing in the hooks', () => {
    const folder = mkdtempSync(join(scratch, 'hooks-'))
    cpSync(join(CI, 'pre-commit-config.yaml'), join(folder, '.pre-commit-config.yaml'))
    expect(zizmor(join(folder, '.pre-commit-config.yaml'))).toMatchObject({ code: 0 })
    expect(zizmor('.pre-commit-hooks.yaml')).toMatchObject({ code: 0 })
  })

  test('both find what is wrong with a bad one', () => {
    const file = join(mkdtempSync(join(scratch, 'bad-')), 'bad.yml')
    const title = '$' + '{{ github.event.pull_request.title }}'
    writeFileSync(
      file,
      `name: Bad
on: pull_request_target
permissions: write-all
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          ref: \${{ github.event.pull_request.head.sha }}
      - run: echo "${title}" && \${{ github.nothing }}
`,
    )
    const one = actionlint(file)
    expect(one.code).toBe(1)
    expect(one.said).toContain('potentially untrusted')
    const other = zizmor(file)
    expect(other.code).toBeGreaterThan(0)
    for (const audit of ['dangerous-triggers', 'template-injection', 'unpinned-uses']) {
      expect(other.said).toContain(audit)
    }
  })
})

type Step = { readonly uses?: string; readonly with?: Record<string, unknown> }
type Job = Step & {
  readonly steps?: readonly Step[]
  readonly permissions?: Record<string, string>
  readonly strategy?: { readonly matrix: Record<string, readonly string[]> }
}
type Workflow = {
  readonly on: Record<string, { inputs?: Record<string, unknown> } | null>
  readonly jobs: Record<string, Job>
}

function workflowIn(file: string): Workflow {
  return parse(readFileSync(resolve(root, file), 'utf8')) as Workflow
}

test('every input that a workflow gives to the gate is one of action.yml', async () => {
  const { inputs } = parse(readFileSync(join(root, 'action.yml'), 'utf8'))
  const files = [...workflows, await written('agents/shop')]
  const steps = files
    .flatMap((file) => Object.values(workflowIn(file).jobs))
    .flatMap((job) => job.steps ?? [])
    .filter(({ uses = '' }) => uses === './' || uses.includes('/countersign@'))
  expect(steps.length).toBeGreaterThan(3)
  for (const step of steps) {
    for (const name of Object.keys(step.with ?? {})) expect(Object.keys(inputs)).toContain(name)
  }
})

test('the calling workflow gives the reusable one what it takes, and no less permission', () => {
  const called = workflowIn('examples/ci/reusable-workflow.yml')
  const { policy } = workflowIn('examples/ci/calling-workflow.yml').jobs
  const { inputs = {} } = called.on['workflow_call'] ?? {}
  for (const name of Object.keys(policy?.with ?? {})) expect(Object.keys(inputs)).toContain(name)
  expect(policy?.permissions).toEqual(called.jobs['gate']?.permissions)
})

test("this repository's own workflow judges every policy in it, in the merge queue too", () => {
  const { on, jobs } = workflowIn('.github/workflows/policy.yml')
  const { matrix } = jobs['gate']?.strategy ?? { matrix: {} }
  const listed = ['ls-files', '--', 'countersign.yaml', ':(glob)policies/**', ':(glob)examples/**']
  const all = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\n')
  const folders = all.filter((path) => /(?:^|\/)countersign\.yaml$/.test(path)).map(dirname)
  expect(folders.length).toBeGreaterThan(3)
  expect([...(matrix['policy'] ?? [])].sort()).toEqual(folders.sort())
  expect(Object.keys(on)).toEqual(expect.arrayContaining(['pull_request', 'merge_group', 'push']))
})

/** `countersign` on PATH, as an image has it. */
const programs = join(scratch, 'bin')
const home = join(scratch, 'home')
const environment = {
  ...{ PATH: `${programs}:${process.env['PATH']}`, HOME: home, GIT_CONFIG_NOSYSTEM: '1' },
  ...{ GIT_AUTHOR_NAME: 'Max', GIT_AUTHOR_EMAIL: 'max@example.com' },
  ...{ GIT_COMMITTER_NAME: 'Max', GIT_COMMITTER_EMAIL: 'max@example.com' },
}

function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, { cwd, env: environment, encoding: 'utf8' }).trim()
}

/** Runs a script of a CI system, as it runs them: in a new shell that ends with the first failure. */
function script(text: string, cwd: string, more: Record<string, string> = {}) {
  const ran = spawnSync('sh', ['-e', '-c', text], {
    ...{ cwd, encoding: 'utf8' },
    env: { ...environment, ...more },
  })
  return { code: ran.status, said: ran.stdout + ran.stderr }
}

const origin = join(scratch, 'origin.git')
const policy = join(scratch, 'policy')
const keyFile = join(scratch, 'reviewer')

function change(branch: string, file: string, from: string, to: string): void {
  git(policy, 'checkout', '--quiet', '-b', branch, 'main')
  const text = readFileSync(join(policy, file), 'utf8')
  expect(text).toContain(from)
  writeFileSync(join(policy, file), text.replaceAll(from, to))
  git(policy, 'commit', '--quiet', '--all', '-m', branch)
  git(policy, 'push', '--quiet', 'origin', branch)
}

beforeAll(async () => {
  mkdirSync(programs)
  mkdirSync(home)
  const shim = join(programs, 'countersign')
  const bin = join(root, 'src/shells/cli/bin.ts')
  writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
  chmodSync(shim, 0o755)
  await writeSshKey(keyFile, generateSshKey('reviewer'))
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', origin])
  const made = ['init', policy, '--reviewer-key', `${keyFile}.pub`]
  expect((await runCli(made, { cwd: scratch })).code).toBe(0)
  git(policy, 'init', '--quiet', '--initial-branch=main')
  git(policy, 'remote', 'add', 'origin', origin)
  git(policy, 'add', '.')
  git(policy, 'commit', '--quiet', '-m', 'Start')
  git(policy, 'push', '--quiet', 'origin', 'main')
  const rules = 'policies/guardrails/refunds.yaml'
  change('good', 'README.md', 'YAML and Rego', 'Rego and YAML')
  change('weak', rules, 'per: 10m', 'per: 5m')
  change('broken', rules, 'velocity:', 'velocty:')
})

/** A clone as a runner makes it: one commit, and no branch. */
function checkout(branch: string): string {
  const folder = join(mkdtempSync(join(scratch, 'job-')), 'clone')
  git(scratch, 'clone', '--quiet', '--depth=1', '--branch', branch, `file://${origin}`, folder)
  git(folder, 'checkout', '--quiet', '--detach')
  return folder
}

const GITLAB = parse(readFileSync(join(CI, 'gitlab-ci.yml'), 'utf8')) as {
  readonly countersign: { readonly script: readonly string[]; readonly variables: object }
}

const JENKINS = readFileSync(join(CI, 'Jenkinsfile'), 'utf8')
const JENKINS_SCRIPT = /^ *sh '''\n([\s\S]*?)^ *'''$/m.exec(JENKINS)?.[1] ?? ''

/** How each CI system runs its example on a branch. */
const SYSTEMS: Readonly<Record<string, (branch: string) => { code: number | null; said: string }>> =
  {
    'plain shell': (branch) => script(`'${join(CI, 'gate.sh')}' main`, checkout(branch)),
    GitLab: (branch) => {
      const folder = checkout(branch)
      git(folder, 'fetch', '--quiet', '--unshallow') // GIT_DEPTH is 0.
      return script(GITLAB.countersign.script.join('\n'), folder, {
        ...{ CI_MERGE_REQUEST_TARGET_BRANCH_NAME: 'main', CI_MERGE_REQUEST_IID: '7' },
        ...{
          CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: '',
          CI_COMMIT_SHA: git(folder, 'rev-parse', 'HEAD'),
        },
      })
    },
    Jenkins: (branch) => {
      const folder = checkout(branch)
      git(folder, 'fetch', '--quiet', '--unshallow')
      return script(JENKINS_SCRIPT, folder, { CHANGE_TARGET: 'main', CHANGE_ID: '7' })
    },
  }

test.for([
  { name: 'plain shell', branch: 'good', want: 0, says: /allow/ },
  { name: 'plain shell', branch: 'weak', want: 1, says: /refunds\/too-many-per-customer/ },
  { name: 'plain shell', branch: 'broken', want: 1, says: /velocty/ },
  { name: 'GitLab', branch: 'good', want: 0, says: /allow/ },
  { name: 'GitLab', branch: 'weak', want: 1, says: /refunds\/too-many-per-customer/ },
  { name: 'Jenkins', branch: 'good', want: 0, says: /allow/ },
  { name: 'Jenkins', branch: 'weak', want: 1, says: /refunds\/too-many-per-customer/ },
])('the example for $name judges a $branch change -> $want', ({ name, branch, want, says }) => {
  const ran = SYSTEMS[name]?.(branch)
  expect(ran?.said).toMatch(says)
  expect(ran?.code).toBe(want)
})

test('a signed review that was pushed opens the gate, and another push closes it', async () => {
  const about = ['--base', 'main', '--head', 'weak', '--key', keyFile, '--comment', 'agreed']
  git(policy, 'checkout', '--quiet', 'main')
  const approved = await runCli(['changes', 'approve', ...about], { cwd: policy, env: environment })
  expect(approved.code).toBe(0)
  git(policy, 'push', '--quiet', 'origin', 'refs/countersign/changes/*')
  expect(SYSTEMS['plain shell']?.('weak')).toMatchObject({ code: 0 })
  git(policy, 'checkout', '--quiet', 'weak')
  git(policy, 'commit', '--quiet', '--allow-empty', '-m', 'More')
  git(policy, 'push', '--quiet', 'origin', 'weak')
  expect(SYSTEMS['plain shell']?.('weak')).toMatchObject({ code: 1 })
})

/** A change of a repository that keeps a lenient policy beside the one that is judged. */
function monorepo(spoil: (top: string) => void): string {
  const top = mkdtempSync(join(scratch, 'mono-'))
  const remote = mkdtempSync(join(scratch, 'mono-origin-'))
  git(remote, 'init', '--quiet', '--bare', '--initial-branch=main')
  git(top, 'init', '--quiet', '--initial-branch=main')
  git(top, 'remote', 'add', 'origin', remote)
  git(policy, 'checkout', '--quiet', 'main')
  for (const name of ['shop', 'lenient']) cpSync(policy, join(top, name), { recursive: true })
  for (const name of ['shop', 'lenient']) rmSync(join(top, name, '.git'), { recursive: true })
  git(top, 'add', '.')
  git(top, 'commit', '--quiet', '-m', 'Start')
  git(top, 'push', '--quiet', 'origin', 'main')
  git(top, 'checkout', '--quiet', '-b', 'change')
  spoil(top)
  git(top, 'add', '.')
  git(top, 'commit', '--quiet', '--allow-empty', '-m', 'Change')
  return top
}

test.for<{ name: string; spoil: (top: string) => void; folder?: string; want: number }>([
  { name: 'nothing changed', spoil: () => undefined, want: 0 },
  {
    name: 'a link to another policy in its place',
    spoil: (top) => {
      rmSync(join(top, 'shop'), { recursive: true })
      symlinkSync('lenient', join(top, 'shop'))
    },
    want: 2,
  },
  {
    name: 'a submodule in its place, with a base branch of its own',
    spoil: (top) => {
      rmSync(join(top, 'shop'), { recursive: true })
      git(top, 'clone', '--quiet', origin, 'shop')
      git(top, 'add', 'shop')
    },
    want: 2,
  },
  {
    name: 'no policy any more',
    spoil: (top) => rmSync(join(top, 'shop'), { recursive: true }),
    want: 1,
  },
  { name: 'a folder that neither side has', folder: 'gone', spoil: () => undefined, want: 1 },
])('the script for a folder with $name -> $want', ({ spoil, folder = 'shop', want }) => {
  const { code, said } = script(`'${join(CI, 'gate.sh')}' main ${folder}`, monorepo(spoil))
  expect(/^allow/m.test(said)).toBe(want === 0)
  expect(code).toBe(want)
})

test('without a branch the script says what it wants', () => {
  const { code, said } = script(`'${join(CI, 'gate.sh')}'`, policy)
  expect(said).toContain('the branch that the change goes to')
  expect(code).not.toBe(0)
})

test('the Jenkinsfile closes what it opens', () => {
  const code = JENKINS.replace(/'''[\s\S]*?'''/g, '').replace(/'[^'\n]*'|\/\/.*$/gm, '')
  let depth = 0
  for (const sign of code) {
    if (sign === '{') depth += 1
    if (sign === '}') depth -= 1
    expect(depth).toBeGreaterThanOrEqual(0)
  }
  expect(depth).toBe(0)
  expect(JENKINS_SCRIPT).toContain('countersign gate policy')
})

type Hook = { readonly id: string; readonly entry: string; readonly files: string }
type Used = { readonly id: string; readonly args?: readonly string[] }

describe('pre-commit', () => {
  const hooks = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as Hook[]
  const used = parse(readFileSync(join(CI, 'pre-commit-config.yaml'), 'utf8')).repos.flatMap(
    (repo: { hooks: Used[] }) => repo.hooks,
  ) as Used[]

  /** A working folder of the policy with one file changed. */
  function folderWith(file: string, from: string, to: string): string {
    const folder = join(mkdtempSync(join(scratch, 'hook-')), 'policy')
    cpSync(policy, folder, { recursive: true })
    git(folder, 'checkout', '--quiet', '--force', 'main')
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    expect(text).toContain(from)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text.replace(from, to))
    return folder
  }

  const RULES = 'policies/guardrails/refunds.yaml'
  const WRONG: Readonly<Record<string, readonly [file: string, from: string, to: string]>> = {
    'countersign-check': [RULES, 'velocity:', 'velocty:'],
    'countersign-fmt': [RULES, 'velocity: {', 'velocity:     {'],
    'countersign-test': ['tests/billing.yaml', 'verdict: deny', 'verdict: allow'],
  }

  test('the example uses hooks that there are', () => {
    expect(used.map(({ id }) => id).sort()).toEqual(hooks.map(({ id }) => id).sort())
    expect(Object.keys(WRONG).sort()).toEqual(hooks.map(({ id }) => id).sort())
  })

  test.for(hooks)('$entry passes, and fails on a mistake', ({ id, entry, files }) => {
    const args = used.find((one) => one.id === id)?.args ?? []
    const line = [entry, ...args].join(' ')
    expect(script(line, folderWith('README.md', '# ', '# '))).toMatchObject({ code: 0 })
    const [file, from, to] = WRONG[id] as readonly [string, string, string]
    expect(script(line, folderWith(file, from, to)).code).toBeGreaterThan(0)
    expect(new RegExp(files).test(file)).toBe(true)
  })
})
