import { pullNamedIn } from '../src/app/changes/judge-merge-group.ts'
import { PolicyError } from '../src/base/errors.ts'
import { isOid } from '../src/host/git.ts'
import type { Clone } from './clone.ts'
import { branchSpec, pullSpec, REVIEW_SPEC } from './clone.ts'
import type { Subject } from './event.ts'
import type { GithubPulls } from './github.ts'
import type { Inputs } from './inputs.ts'

/** One change to judge, as the clone has it. */
export type Target = {
  /** For people: `pull request 12`. */
  readonly name: string
  /** Revisions. */
  readonly base: string
  readonly head: string
  /** The head's commit; null when it is known by another name only. */
  readonly sha: string | null
  /** The branch that it is to go into; null for a release. */
  readonly baseRef: string | null
  /** Whose reviews count: a pull request, or those that a merge queue merges; null for none. */
  readonly reviewed: { readonly pull: number } | { readonly pulls: null } | null
  /** Fetches both sides as they are now. */
  readonly refresh: () => Promise<void>
}

/** @throws {PolicyError} what is wrong with the forge */
export async function targetsOf(
  subject: Subject,
  inputs: Inputs,
  { clone, pulls }: { readonly clone: Clone; readonly pulls: GithubPulls },
): Promise<readonly Target[]> {
  switch (subject.kind) {
    case 'pull': {
      // A run may be started again: its event is of before, the pull request may be on another base by now.
      const now = inputs.token === null ? subject : await pulls.one(subject.number)
      if (now.headSha !== subject.headSha) throw movedOn(subject.number, subject.headSha)
      return [pullTarget(now, inputs, clone)]
    }
    case 'group':
      return [groupTarget(subject, inputs, clone)]
    case 'open': {
      const { number } = subject
      const open = number === null ? await pulls.open() : [await pulls.one(number)]
      return open.map((pull) => pullTarget(pull, inputs, clone))
    }
    case 'revisions': {
      const { base, head, baseRef } = subject
      const branch = /^refs\/remotes\/origin\/(.+)$/.exec(base)?.[1]
      const specs = [REVIEW_SPEC, ...(branch === undefined ? [] : [branchSpec(branch)])]
      const refresh = () => clone.fetch(specs)
      const name = `${head} on ${base}`
      const sha = isOid(head) ? head : null
      return [{ name, base, head, sha, baseRef, reviewed: null, refresh }]
    }
  }
}

type PullNamed = { readonly number: number; readonly baseRef: string; readonly headSha: string }

function pullTarget({ number, baseRef, headSha }: PullNamed, inputs: Inputs, clone: Clone): Target {
  const head = inputs.head ?? headSha
  return {
    name: `pull request ${number}`,
    base: inputs.base ?? remote(baseRef),
    head,
    sha: headSha,
    baseRef,
    reviewed: { pull: number },
    refresh: async () => {
      await clone.fetch([branchSpec(baseRef), pullSpec(number), REVIEW_SPEC])
      if (!(await clone.has(head))) throw movedOn(number, head)
    },
  }
}

function movedOn(number: number, head: string): PolicyError {
  const message = `pull request ${number} has moved on from ${head}; the run for its new head judges that`
  return new PolicyError('FORGE_CONFLICT', message, { retryable: true })
}

function groupTarget(
  { baseRef, headRef, headSha }: Extract<Subject, { kind: 'group' }>,
  inputs: Inputs,
  clone: Clone,
): Target {
  const base = inputs.base ?? remote(baseRef)
  return {
    name: 'the merge group',
    base,
    head: inputs.head ?? headSha,
    sha: headSha,
    baseRef,
    reviewed: { pulls: null },
    refresh: async () => {
      await clone.fetch([branchSpec(baseRef), branchSpec(headRef), REVIEW_SPEC])
      // Words of commits say only where to look: their heads may lie in no parent.
      const named = (await clone.subjects(base, headSha)).map(pullNamedIn)
      const numbers = [...new Set(named)].filter((number) => number !== null)
      const specs = numbers.slice(0, QUEUE_MAX).map(pullSpec)
      if (specs.length > 0) await clone.fetch(specs)
    },
  }
}

const QUEUE_MAX = 100 // GitHub's own limit of a merge group.

/** The whole name: a tag of the same short one would go first. */
function remote(branch: string): string {
  return `refs/remotes/origin/${branch}`
}
