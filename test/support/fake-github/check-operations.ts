import { filled } from './description.ts'
import type { Call, Handler } from './operations.ts'
import { appOf, loginOf } from './shapes.ts'
import type { FakeCheckRun, State } from './state.ts'
import { invalid, notFound, Refused } from './state.ts'

/** Check runs: only Apps make them, and only their own are theirs to change. */
export const CHECK_OPERATIONS: Readonly<Record<string, Handler>> = {
  'checks/create': async (state, call) => {
    const sha = await commitAt(state, String(call.body['head_sha']))
    const run: FakeCheckRun = {
      ...{ id: state.nextId(), user: byApp(call), sha, name: String(call.body['name']) },
      ...{ status: 'queued', conclusion: null, title: null, summary: null, annotations: [] },
    }
    change(run, call)
    state.checkRuns.push(run)
    return { status: 201, body: runOf(state, run) }
  },
  'checks/update': async (state, call) => {
    const run = state.checkRuns.find(({ id }) => id === Number(call.path['check_run_id']))
    if (run === undefined) throw notFound()
    if (run.user !== byApp(call))
      throw new Refused(
        403,
        'Invalid app_id `1` - check run can only be modified by the GitHub App that created it.',
      )
    change(run, call)
    return { status: 200, body: runOf(state, run) }
  },
  'checks/list-for-ref': async (state, { path, query }) => {
    const sha = await commitAt(state, path['ref'] ?? '')
    const name = query.get('check_name')
    const found = state.checkRuns
      .filter((run) => run.sha === sha && (name === null || run.name === name))
      .toReversed()
    const seen = new Set<string>()
    const latest = found.filter(({ user, name: own }) => {
      const key = `${loginOf(user)} ${own}`
      return query.get('filter') === 'all' || (!seen.has(key) && seen.add(key))
    })
    const check_runs = latest.map((run) => runOf(state, run))
    return { status: 200, body: { total_count: check_runs.length, check_runs } }
  },
}

function byApp({ user }: Call): FakeCheckRun['user'] {
  if (user.type === 'Bot') return user
  throw new Refused(403, 'You must authenticate via a GitHub App.')
}

async function commitAt(state: State, name: string): Promise<string> {
  const facts = await state.repository.commit(name)
  if (facts === null) throw new Refused(422, `No commit found for SHA: ${name}`)
  return facts.sha
}

function change(run: FakeCheckRun, { body }: Call): void {
  const output = body['output'] as Partial<FakeCheckRun> | undefined
  // A trap: the description speaks of characters.
  if (Buffer.byteLength(output?.summary ?? '') > 65_535)
    throw invalid('CheckRun', 'summary exceeds a maximum bytesize of 65535')
  Object.assign(run, {
    status: body['status'] ?? run.status,
    conclusion: body['conclusion'] ?? run.conclusion,
    ...(output === undefined ? {} : { title: output.title, summary: output.summary }),
    // Those of each call are added to those before.
    annotations: [...run.annotations, ...(output?.annotations ?? [])],
  })
}

function runOf(state: State, run: FakeCheckRun): unknown {
  const { id, sha, name, status, conclusion, title, summary, annotations } = run
  const url = `https://github.test/check-runs/${id}`
  return filled('check-run', {
    ...{ id, head_sha: sha, name, status, conclusion, url, html_url: url, check_suite: null },
    ...{ app: appOf(state, 1), pull_requests: [] },
    output: {
      ...{ title, summary, text: null, annotations_count: annotations.length },
      annotations_url: `${url}/annotations`,
    },
  })
}
