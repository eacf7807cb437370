import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openGithubForge } from '../../../src/host/forge-github.ts'
import type { GithubTiming } from '../../../src/host/github/client.ts'
import type { Forge } from '../../../src/model/ports.ts'
import { PEOPLE, type People } from '../../fakes/review-case.ts'
import type { FakeGithub } from './server.ts'
import { startFakeGithub } from './server.ts'
import type { Account } from './state.ts'

export type World = {
  readonly github: FakeGithub
  readonly bot: Account
  readonly people: Readonly<Record<'ana' | 'bo' | 'cy', Account>>
  /** Who reviews, with their accounts. */
  readonly roster: People
  /** A forge object of its own: the engine's, with each person's reviews posted from their own account. */
  readonly open: (about?: { token?: string; timing?: GithubTiming }) => Forge
  readonly close: () => Promise<void>
}

/** Seconds of GitHub's take a millisecond. */
export const FAST: GithubTiming = { secondMs: 1, timeoutMs: 5000, retries: 2 }

/** A fake GitHub with an engine's App account and three people. */
export async function openWorld(
  prefix = '',
  about: Pick<Parameters<typeof startFakeGithub>[0], 'latencyMs' | 'rateLimit'> = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-github-'))
  const github = await startFakeGithub({
    ...{ folder: join(folder, 'approvals.git'), prefix, ...about },
  })
  const bot = github.addAccount('engine', { type: 'Bot' })
  const people = {
    ana: github.addAccount('ana', { permission: 'read' }),
    bo: github.addAccount('bo'),
    cy: github.addAccount('cy'),
  }
  const forgeOf = (token: string, timing: GithubTiming): Forge =>
    openGithubForge({
      ...{ repository: 'acme/approvals', base: 'main', apiUrl: github.url, timing },
      credentials: () => ({ kind: 'token', token }),
    })
  return {
    github,
    bot,
    people,
    roster: PEOPLE.map((person) => {
      const account = people[person.id as keyof typeof people] as Account | undefined
      return account === undefined
        ? person
        : { ...person, accounts: { github: String(account.id) } }
    }),
    open: ({ token = bot.token, timing = FAST } = {}) => ({
      ...forgeOf(token, timing),
      postReview: (number, review) => {
        const { reviewer } = review.statement.predicate
        const account = people[reviewer as keyof typeof people]
        return forgeOf(account.token, timing).postReview(number, review)
      },
    }),
    close: async () => {
      await github.close()
      rmSync(folder, { recursive: true })
      // Each request and each answer fits GitHub's own description.
      expect(github.flaws).toEqual([])
    },
  }
}
