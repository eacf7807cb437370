import { parseDocument } from 'yaml'

/** Something in a workflow that weakens what the gate says. */
export type WorkflowFlaw = {
  readonly kind: 'target-checkout' | 'write-all' | 'unpinned-action' | 'unreadable'
  readonly path: string
  /** From 1. */
  readonly line: number
  /** For people. */
  readonly what: string
}

/** Looks for mistakes in a workflow of GitHub Actions. One that is no workflow is said to be unreadable. */
export function workflowFlaws(path: string, text: string): readonly WorkflowFlaw[] {
  const workflow = read(text)
  if (workflow === null) {
    return [{ kind: 'unreadable', path, line: 1, what: 'it is no workflow that could be read' }]
  }
  const jobs = Object.entries(objectAt(workflow, 'jobs'))
  const lineOf = (word: string): number =>
    1 +
    Math.max(
      0,
      text.split('\n').findIndex((line) => line.includes(word)),
    )
  const flaws: WorkflowFlaw[] = []
  const add = (kind: WorkflowFlaw['kind'], word: string, what: string): void => {
    flaws.push({ kind, path, line: lineOf(word), what })
  }
  const places = [
    ['the workflow', workflow] as const,
    ...jobs.map(([id, job]) => [`the job ${id}`, job] as const),
  ]
  for (const [place, value] of places) {
    if (fieldOf(value, 'permissions') !== 'write-all') continue
    add('write-all', 'write-all', `${place} has permissions: write-all`)
  }
  for (const uses of jobs.flatMap(([, job]) => [
    fieldOf(job, 'uses'),
    ...stepsOf(job).map((step) => fieldOf(step, 'uses')),
  ])) {
    if (typeof uses !== 'string' || isPinned(uses)) continue
    add('unpinned-action', uses, `${uses} is not pinned by a digest`)
  }
  const trusted = eventsOf(workflow).find((name) => TRUSTED_EVENTS.includes(name))
  if (trusted === undefined) return flaws
  for (const [id, job] of jobs) {
    const found = stepsOf(job)
      .map(headIn)
      .find((word) => word !== null)
    if (found === undefined || found === null) continue
    add(
      'target-checkout',
      found,
      `the job ${id} checks out the head of a pull request on ${trusted}`,
    )
  }
  return flaws
}

/** On these a workflow of the base branch has its secrets and a token that may write, whoever opened the pull request. */
const TRUSTED_EVENTS = ['pull_request_target', 'workflow_run']

/** What names a pull request's head, or what merging it would make. */
const HEAD =
  /github\.event\.pull_request\.(?:head|merge_commit_sha)|github\.head_ref|github\.event\.workflow_run\.(?:head_|pull_requests)|refs\/pull\/|\bpull\/.{1,100}?\/(?:head|merge)\b|\bgh pr checkout\b/

/** What of a step fetches the head; null when nothing. */
function headIn(step: unknown): string | null {
  const run = fieldOf(step, 'run')
  if (typeof run === 'string' && /\bgit\b|\bgh pr checkout\b/.test(run)) {
    const found = HEAD.exec(run)?.[0]
    if (found !== undefined) return found
  }
  const uses = fieldOf(step, 'uses')
  if (typeof uses !== 'string' || !/^actions\/checkout@/i.test(uses)) return null
  const given = objectAt(step, 'with')
  for (const name of ['ref', 'repository']) {
    const found = HEAD.exec(String(fieldOf(given, name) ?? ''))?.[0]
    if (found !== undefined) return found
  }
  return null
}

/** What lies in the repository itself is as reviewed as the workflow is. */
function isPinned(uses: string): boolean {
  if (uses.startsWith('./')) return true
  return uses.startsWith('docker://')
    ? /@sha256:[0-9a-f]{64}$/.test(uses)
    : /@(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(uses)
}

function read(text: string): object | null {
  try {
    const document = parseDocument(text, { logLevel: 'silent', schema: 'core' })
    const value: unknown = document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 100 })
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && typeof fieldOf(value, 'jobs') === 'object' ? value : null
  } catch {
    return null
  }
}

function eventsOf(workflow: object): readonly string[] {
  const on = fieldOf(workflow, 'on')
  if (typeof on === 'string') return [on]
  if (Array.isArray(on)) return on.filter((name) => typeof name === 'string')
  return typeof on === 'object' && on !== null ? Object.keys(on) : []
}

function stepsOf(job: unknown): readonly unknown[] {
  const steps = fieldOf(job, 'steps')
  return Array.isArray(steps) ? steps : []
}

function objectAt(value: unknown, name: string): object {
  const found = fieldOf(value, name)
  return typeof found === 'object' && found !== null ? found : {}
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
