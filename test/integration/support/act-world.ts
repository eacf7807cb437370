import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import type { Commit, Files } from '../../app/changes/change-case.ts'
import {
  baseFiles,
  CHANGES,
  gitIn,
  importCommit,
  PEOPLE,
  rosterOf,
} from '../../app/changes/change-case.ts'
import { KEYS } from '../../fakes/review-case.ts'
import { startFakeGithub } from '../../support/fake-github/server.ts'
import type { Account } from '../../support/fake-github/state.ts'

export const ROOT = join(import.meta.dirname, '../../..')

/** What a pull request is, for an event. */
export type Proposed = { readonly number: number; readonly head: string; readonly branch: string }

export type ActionWorld = Awaited<ReturnType<typeof openActionWorld>>

/**
 * A policy repository on a fake GitHub, people with accounts and keys, and a token of the job. The repository is cloned by
 * path: what is sent over HTTP is the API alone.
 *
 * @param policy - its files, in the place of a small policy, by the number of each person's account
 */
export async function openActionWorld(
  policy?: (numberOf: (login: string) => number) => Readonly<Record<string, string>>,
) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-gate-'))
  const bare = join(folder, 'approvals.git')
  const github = await startFakeGithub({ folder: bare })
  const people = new Map<string, Account>()
  for (const login of ['ana', 'bo', 'cy', 'dee', 'pat']) people.set(login, github.addAccount(login))
  const robot = github.addAccount('robot', { type: 'Bot' })
  const job = github.addAccount('github-actions', { type: 'Bot' })
  const forked = github.addAccount('fork-actions', { type: 'Bot', permission: 'read' })
  const account = (login: string): Account => {
    const found = people.get(login)
    if (found === undefined) throw new Error(login)
    return found
  }
  const roster = rosterOf(
    Object.fromEntries(
      Object.entries(PEOPLE).map(([id, keys]) => {
        return [id, `${keys}, accounts: { github: "${account(id).id}" }`] as const
      }),
    ),
  )
  const forge = `forge: { kind: github, repository: acme/approvals, api_url: "${github.url}" }\n`
  const given = policy?.((login) => account(login).id)
  const files: Files =
    given === undefined
      ? {
          ...baseFiles(`${CHANGES}${forge}`),
          ...{ 'policies/roster.yaml': roster, 'traces/notes.jsonl': TRACE },
        }
      : { ...given, 'countersign.yaml': `${given['countersign.yaml']}${forge}` }
  const at = (): number => Date.now() - 60_000
  const base = importCommit(bare, 'refs/heads/main', files, {
    from: 'refs/heads/main^0',
    at: at(),
  })
  let branches = 0
  const push = (branch: string, changes: Files, about: Commit = {}): string => {
    const head = importCommit(bare, `refs/heads/${branch}`, changes, { at: at(), ...about })
    // As GitHub does on a push.
    for (const pull of github.state.pulls.filter((one) => one.branch === branch)) {
      gitIn(bare, ['update-ref', `refs/pull/${pull.number}/head`, head])
    }
    return head
  }
  /** @param about.into - the base branch. Default: main */
  const propose = async (changes: Files, about: Commit & { by?: string; into?: string } = {}) => {
    const branch = `change-${++branches}`
    const head = push(branch, changes, { from: base, ...about })
    return openPull(branch, head, about)
  }
  /** A commit that is proposed already, by another branch. */
  const proposeAgain = (head: string, into: string): Promise<Proposed> => {
    const branch = `change-${++branches}`
    gitIn(bare, ['update-ref', `refs/heads/${branch}`, head])
    return openPull(branch, head, { into })
  }
  const openPull = async (branch: string, head: string, about: { by?: string; into?: string }) => {
    const answer = await fetch(`${github.url}/repos/acme/approvals/pulls`, {
      method: 'POST',
      headers: {
        authorization: `token ${account(about.by ?? 'pat').token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        ...{ title: 'Change', head: branch, base: about.into ?? 'main', body: '' },
      }),
    })
    const { number } = (await answer.json()) as { number: number }
    return { number, head, branch }
  }
  /** Signs on the reviewer's own machine, and posts from their account. */
  const approve = async (
    { number, head }: Proposed,
    as: keyof typeof KEYS,
    verdict: 'approve' | 'reject' = 'approve',
  ): Promise<void> => {
    const about = { folder: bare, base: 'main', head, pull: number, clock: Date.now }
    const environment = { COUNTERSIGN_GITHUB_TOKEN: account(as).token }
    await reviewChange({ ...about, environment }, { verdict }, KEYS[as])
  }
  /** What actions/checkout leaves: the work tree of the head, and the remote. */
  const checkOut = (revision: string, options: readonly string[] = []): string => {
    const workspace = mkdtempSync(join(folder, 'workspace-'))
    gitIn(folder, ['clone', '-q', '--no-checkout', ...options, `file://${bare}`, workspace])
    gitIn(workspace, ['fetch', '-q', 'origin', revision])
    gitIn(workspace, ['checkout', '-q', revision])
    return workspace
  }
  /** The latest check run of the gate on a commit. */
  const check = (sha: string, mode = 'policy') =>
    github.state.checkRuns.findLast((run) => run.sha === sha && run.name === `countersign/${mode}`)
  return {
    ...{ folder, bare, github, base, account, robot, job, forked, check },
    ...{ push, propose, proposeAgain, approve, checkOut },
    /** A file of the base branch. */
    bareText: (path: string): string => gitIn(bare, ['show', `${base}:${path}`]),
    write: (workspace: string, path: string, text: string): void =>
      writeFileSync(join(workspace, path), text, { mode: 0o755 }),
    link: (workspace: string, path: string, to: string): void =>
      symlinkSync(to, join(workspace, path)),
    close: async (): Promise<void> => {
      await github.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** One session: the sixth note in ten minutes is held while the limit is five. */
const TRACE = `${JSON.stringify({
  ...{ session: 'one', agent: 'helper' },
  steps: Array.from({ length: 8 }, () => ({
    ...{ service: 'notes', action: 'write', payload: { text: 'milk' } },
  })),
})}\n`

/** The event of a pull request, as far as the gate reads it. */
export function pullEvent({ number, head }: Proposed, into = 'main'): object {
  const pull = { number, head: { sha: head }, base: { ref: into } }
  return { action: 'synchronize', number, pull_request: pull, repository: REPOSITORY }
}

/** What events say of the repository; that of a schedule has none. */
export const REPOSITORY = { full_name: 'acme/approvals', default_branch: 'main' }

export type ActionRun = {
  readonly status: number | null
  readonly stdout: string
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  readonly ms: number
}

/** Runs the committed bundle as the runner does: inputs, event and files by the environment. */
export function runBundle(
  world: Pick<ActionWorld, 'folder' | 'github' | 'job'>,
  about: {
    readonly workspace: string
    readonly event: string
    readonly payload: object
    readonly inputs?: Readonly<Record<string, string>>
    readonly environment?: Readonly<Record<string, string>>
    readonly bundle?: string
  },
): Promise<ActionRun> {
  const temporary = mkdtempSync(join(world.folder, 'runner-'))
  const at = (name: string, text = ''): string => {
    const file = join(temporary, name)
    writeFileSync(file, text)
    return file
  }
  const [output, summary] = [at('output'), at('summary')]
  const inputs = { ...defaultInputs(), token: world.job.token, ...about.inputs }
  mkdirSync(join(temporary, 'temp'))
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: temporary,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_API_URL: world.github.url,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'acme/approvals',
    GITHUB_WORKSPACE: about.workspace,
    GITHUB_EVENT_NAME: about.event,
    GITHUB_EVENT_PATH: at('event.json', JSON.stringify(about.payload)),
    GITHUB_OUTPUT: output,
    GITHUB_STEP_SUMMARY: summary,
    RUNNER_TEMP: join(temporary, 'temp'),
    ...Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
    ),
    ...about.environment,
  }
  const bundle = about.bundle ?? join(ROOT, 'action/dist/index.mjs')
  return runNode(bundle, environment, about.workspace, () => ({
    outputs: parseOutputs(readFileSync(output, 'utf8')),
    summary: readFileSync(summary, 'utf8'),
  }))
}

/** The fake answers from this process, so the child must not block it. */
async function runNode(
  bundle: string,
  env: Readonly<Record<string, string>>,
  cwd: string,
  after: () => Pick<ActionRun, 'outputs' | 'summary'>,
): Promise<ActionRun> {
  const began = performance.now()
  const child = spawn(process.execPath, [bundle], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
  }
  const [status] = (await once(child, 'close')) as [number | null]
  return { status, stdout, ms: performance.now() - began, ...after() }
}

function defaultInputs(): Record<string, string> {
  const { inputs } = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as {
    inputs: Record<string, { default: string }>
  }
  return Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, one.default]))
}

/** Lines as the toolkit writes them: a name, a delimiter, the value, the delimiter. */
function parseOutputs(text: string): Record<string, string> {
  const found = text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)
  return Object.fromEntries([...found].map(([, name = '', , value = '']) => [name, value]))
}
