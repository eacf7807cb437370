import { filled } from './description.ts'
import type { Handler } from './operations.ts'
import { page } from './pulls.ts'
import { commitOf } from './shapes.ts'
import type { State } from './state.ts'
import { notFound, Refused } from './state.ts'

/** A ruleset for the base branch, as GitHub exports it. */
export type FakeRuleset = {
  readonly id: number
  readonly name: string
  readonly rules: readonly { readonly type: string; readonly parameters?: unknown }[]
  readonly bypass_actors: readonly unknown[]
}

/** What protects the base branch, and what Actions may do. */
export type FakeGuard = {
  /** Null for the branch that pull requests go into. */
  defaultBranch: string | null
  rulesets: FakeRuleset[]
  /** The branch's own protection; null for none. */
  protection: Readonly<Record<string, unknown>> | null
  /** Null when GitHub says nothing about the file, though there is one. */
  codeOwnersErrors: readonly unknown[] | null
  actions: Readonly<Record<string, unknown>>
  tokens: Readonly<Record<string, unknown>>
  /** Operations that the token may not use. */
  readonly refused: Set<string>
  /** Whether the token may see who bypasses rulesets. */
  showsBypass: boolean
}

/** As of a new repository. */
export function newGuard(): FakeGuard {
  return {
    ...{
      defaultBranch: null,
      rulesets: [],
      protection: null,
      codeOwnersErrors: [],
      refused: new Set(),
    },
    actions: { enabled: true, allowed_actions: 'all' },
    tokens: { default_workflow_permissions: 'read', can_approve_pull_request_reviews: false },
    showsBypass: true,
  }
}

export const PROTECTION_OPERATIONS: Readonly<Record<string, Handler>> = {
  'repos/get-branch': async (state, { path }) => {
    const name = path['branch'] ?? ''
    const sha = await state.repository.read(`refs/heads/${name}`)
    const facts = sha === null ? null : await state.repository.commit(sha)
    if (facts === null) throw new Refused(404, 'Branch not found')
    const { rulesets, protection } = state.guard
    const isProtected = name === state.base && (rulesets.length > 0 || protection !== null)
    const given = { name, commit: commitOf(state, facts), protected: isProtected }
    return { status: 200, body: filled('branch-with-protection', given) }
  },
  'repos/get-branch-protection': async (state, { path }) => {
    const { protection } = state.guard
    if (protection === null || path['branch'] !== state.base) {
      throw new Refused(404, 'Branch not protected')
    }
    return { status: 200, body: protection }
  },
  'repos/get-branch-rules': async (state, { path, query }) => {
    const here = path['branch'] === state.base ? state.guard.rulesets : []
    const rules = here.flatMap(({ id, rules: own }) =>
      own.map((rule) => ({
        ...rule,
        ...{ ruleset_id: id, ruleset_source_type: 'Repository', ruleset_source: nameOf(state) },
      })),
    )
    return page(rules, query)
  },
  'repos/get-repo-ruleset': async (state, { path }) => {
    const { rulesets, showsBypass } = state.guard
    const found = rulesets.find(({ id }) => String(id) === path['ruleset_id'])
    if (found === undefined) throw notFound()
    const { bypass_actors, ...rest } = found
    const given = { ...rest, target: 'branch', source: nameOf(state), enforcement: 'active' }
    // A trap: whoever may not change it is not told that there are any.
    return { status: 200, body: showsBypass ? { ...given, bypass_actors } : given }
  },
  'repos/create-repo-ruleset': async (state, { body }) => {
    const id = state.guard.rulesets.length + 1
    const ruleset = { id, ...(body as Omit<FakeRuleset, 'id'>) }
    state.guard.rulesets.push(ruleset)
    const { name, rules, bypass_actors } = ruleset
    const given = { id, name, rules, bypass_actors, source: nameOf(state), enforcement: 'active' }
    return { status: 201, body: given }
  },
  'repos/codeowners-errors': async (state, { query }) => {
    const ref = query.get('ref') ?? state.base
    for (const path of ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS']) {
      if ((await state.repository.entry(ref, path)) === null) continue
      const { codeOwnersErrors: errors } = state.guard
      if (errors !== null) return { status: 200, body: { errors } }
    }
    throw notFound()
  },
  'actions/get-github-actions-permissions-repository': async ({ guard }) => ({
    status: 200,
    body: guard.actions,
  }),
  'actions/get-github-actions-default-workflow-permissions-repository': async ({ guard }) => ({
    status: 200,
    body: guard.tokens,
  }),
}

function nameOf({ owner, name }: State): string {
  return `${owner}/${name}`
}
