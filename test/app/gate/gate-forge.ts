import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { reviewChange } from '../../../src/app/changes/review-change.ts'
import { KEYS } from '../../fakes/review-case.ts'
import { startFakeGithub } from '../../support/fake-github/server.ts'
import type { Account } from '../../support/fake-github/state.ts'
import {
  baseFiles,
  CHANGES,
  type Files,
  importCommit,
  NOW,
  PEOPLE,
  rosterOf,
} from '../changes/change-case.ts'

export type GateForge = Awaited<ReturnType<typeof openGateForge>>

/** A fake GitHub whose repository has a policy that names it, with people who have accounts there. */
export async function openGateForge() {
  const top = mkdtempSync(join(tmpdir(), 'countersign-gate-'))
  const folder = join(top, 'approvals.git')
  const github = await startFakeGithub({ folder })
  const names = ['ana', 'bo', 'cy', 'dee', 'pat']
  const accounts = new Map<string, Account>(names.map((name) => [name, github.addAccount(name)]))
  const accountOf = (name: string): Account => {
    const account = accounts.get(name)
    if (account === undefined) throw new Error(name)
    return account
  }
  const forge = `forge: { kind: github, repository: acme/approvals, api_url: "${github.url}" }\n`
  const people = Object.entries(PEOPLE).map(([id, keys]) => {
    return [id, `${keys}, accounts: { github: "${accountOf(id).id}" }`] as const
  })
  const roster = rosterOf(Object.fromEntries(people))
  const files = { ...baseFiles(`${CHANGES}${forge}`), 'policies/roster.yaml': roster }
  const base = importCommit(folder, 'refs/heads/main', files, { from: 'refs/heads/main^0' })
  let branches = 0
  const environment = { COUNTERSIGN_GITHUB_TOKEN: accountOf('pat').token }
  return {
    github,
    folder,
    base,
    accountOf,
    environment,
    propose: async (changes: Files) => {
      const branch = `change-${++branches}`
      const head = importCommit(folder, `refs/heads/${branch}`, changes, { from: base })
      const answer = await fetch(`${github.url}/repos/acme/approvals/pulls`, {
        method: 'POST',
        headers: {
          authorization: `token ${accountOf('pat').token}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ title: 'Change', head: branch, base: 'main', body: '' }),
      })
      const { number } = (await answer.json()) as { number: number }
      return { number, head, branch }
    },
    push: (branch: string, changes: Files): string =>
      importCommit(folder, `refs/heads/${branch}`, changes, {}),
    approve: (number: number, head: string, as: keyof typeof KEYS) =>
      reviewChange(
        {
          ...{ folder, base: 'main', head, pull: number, clock: () => NOW },
          environment: { COUNTERSIGN_GITHUB_TOKEN: accountOf(as).token },
        },
        { verdict: 'approve' },
        KEYS[as],
      ),
    /** A commit as a merge queue makes it. */
    queue: (changes: Files, heads: readonly string[]): string =>
      importCommit(folder, `refs/heads/queue-${++branches}`, changes, {
        ...{ from: base, merges: heads, message: 'Merge\n' },
      }),
    close: async (): Promise<void> => {
      await github.close()
      rmSync(top, { recursive: true })
      expect(github.flaws).toEqual([])
    },
  }
}
