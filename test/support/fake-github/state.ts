import type { FakeGuard } from './protection-operations.ts'
import type { Repository } from './repository.ts'

export type Account = {
  readonly id: number
  readonly login: string
  readonly type: 'User' | 'Bot'
  /** What it may do in the repository. */
  permission: 'none' | 'read' | 'write'
  readonly token: string
}

export type FakeReview = {
  readonly id: number
  /** null once the account is deleted. */
  user: Account | null
  body: string
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING'
  readonly commit: string
  readonly submittedAt: string
}

export type FakePull = {
  readonly number: number
  readonly author: Account
  readonly branch: string
  readonly base: string
  title: string
  body: string
  readonly headRepository: number
  state: 'open' | 'closed'
  mergedAt: string | null
  mergeSha: string | null
  headSha: string
  readonly reviews: FakeReview[]
  labels: string[]
  /** Who is asked for a review and has given none. */
  asked: Account[]
  readonly comments: FakeComment[]
  updatedAt: string
}

export type FakeComment = {
  readonly id: number
  readonly user: Account
  body: string
  readonly createdAt: string
}

export type FakeStatus = {
  readonly id: number
  readonly state: 'error' | 'failure' | 'pending' | 'success'
  readonly context: string
  readonly description: string | null
  readonly createdAt: string
}

export type FakeCheckRun = {
  readonly id: number
  /** The App that made it. */
  readonly user: Account
  readonly sha: string
  readonly name: string
  readonly status: string
  readonly conclusion: string | null
  readonly title: string | null
  readonly summary: string | null
  readonly annotations: readonly Readonly<Record<string, unknown>>[]
}

export type State = {
  readonly repository: Repository
  /** Changes when the name goes to another repository. */
  id: number
  owner: string
  name: string
  readonly base: string
  readonly accounts: Account[]
  readonly pulls: FakePull[]
  /** By commit, oldest first. */
  readonly statuses: Map<string, FakeStatus[]>
  /** Oldest first. */
  readonly checkRuns: FakeCheckRun[]
  /** The App's name in URLs. */
  slug: string
  readonly url: () => string
  readonly now: () => string
  nextId: () => number
  /** Rules of the repository that stand against a change of the base branch. */
  protectedBase: boolean
  /** Whether GraphQL answers this token's questions. */
  graphql: boolean
  mergeCommitsAllowed: boolean
  /** What `doctor --github` looks at. */
  readonly guard: FakeGuard
}

/** Notes that something happened to a pull request. */
export function touch(state: State, pull: FakePull): void {
  pull.updatedAt = state.now()
}

/** What the caller meets instead of an answer. */
export class Refused extends Error {
  readonly status: number
  readonly body: Record<string, unknown>

  constructor(status: number, message: string, errors?: readonly unknown[]) {
    super(message)
    this.status = status
    const documentation_url = 'https://docs.github.com/rest'
    this.body = { message, documentation_url, ...(errors === undefined ? {} : { errors }) }
  }
}

export function notFound(): Refused {
  return new Refused(404, 'Not Found')
}

/** A 422 as GitHub words it. */
export function invalid(resource: string, message: string): Refused {
  return new Refused(422, 'Validation Failed', [{ resource, code: 'custom', message }])
}
