import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChangeQuery, judgeChange } from '../../src/app/changes/judge-change.ts'
import { reviewChange } from '../../src/app/changes/review-change.ts'
import { openGiteaChanges } from '../../src/host/changes/gitea.ts'
import { readGiteaCredentials } from '../../src/host/gitea/credentials.ts'
import {
  baseFiles,
  CHANGES,
  importCommit,
  limit,
  NOW,
  PEOPLE,
  rosterOf,
} from '../app/changes/change-case.ts'
import { KEYS } from '../fakes/review-case.ts'
import type { GiteaUser } from './support/gitea.ts'
import type { GiteaTeam, GiteaWorld } from './support/gitea-world.ts'
import { openTeam, openWorld } from './support/gitea-world.ts'

// Changes of a policy repository on a real Gitea.

let team: GiteaTeam
let world: GiteaWorld
let folder = ''

beforeAll(async () => {
  team = await openTeam()
  world = await openWorld(team)
  folder = join(team.gitea.repositories, `${world.repository}.git`)
})
afterAll(async () => team?.gitea.close())

const roster = (): string => {
  const entries = Object.entries(PEOPLE).map(([id, keys]) => {
    const account = team.people[id as keyof typeof team.people] as GiteaUser | undefined
    return [
      id,
      account === undefined ? keys : `${keys}, accounts: { gitea: "${account.id}" }`,
    ] as const
  })
  return rosterOf(Object.fromEntries(entries))
}

function query(number: number, head: string, { token }: GiteaUser): ChangeQuery {
  return {
    ...{ folder, base: 'main', head, pull: number, clock: () => NOW },
    environment: { COUNTERSIGN_GITEA_TOKEN: token },
  }
}

test('a weakened rule: closed; refused to its author; approved: open; dismissed: closed', async () => {
  const forge = `forge: { kind: gitea, repository: ${world.repository}, api_url: "${team.gitea.url}" }\n`
  const files = { ...baseFiles(`${CHANGES}${forge}`), 'policies/roster.yaml': roster() }
  const base = importCommit(folder, 'refs/heads/main', files, { from: 'refs/heads/main^0' })
  const propose = async (branch: string, by: GiteaUser) => {
    const head = importCommit(folder, `refs/heads/${branch}`, limit('limit: 50'), { from: base })
    const pull = { title: 'Change', head: branch, base: 'main', body: '' }
    const { number } = (await world.ask(by, 'POST /pulls', pull)) as { number: number }
    return { head, number }
  }
  const { engine, people } = team
  const { number, head } = await propose('change', engine)
  const closed = await judgeChange(query(number, head, engine))
  expect(closed.report).toMatchObject({ verdict: 'closed', routes: [{ missing: 1 }] })

  const other = reviewChange(query(number, head, people.bo), { verdict: 'approve' }, KEYS.cy)
  await expect(other).rejects.toMatchObject({ code: 'REVIEW_POSTER' })
  const approved = await reviewChange(
    query(number, head, people.cy),
    { verdict: 'approve' },
    KEYS.cy,
  )
  expect(approved.report).toMatchObject({ verdict: 'open', reviews: [{ reviewer: 'cy' }] })

  const own = await propose('own', people.cy)
  const self = reviewChange(query(own.number, own.head, people.cy), { verdict: 'approve' }, KEYS.cy)
  await expect(self).rejects.toMatchObject({ code: 'REVIEW_SELF' })

  const reviews = (await world.ask(engine, `GET /pulls/${number}/reviews`)) as { id: number }[]
  const route = `POST /pulls/${number}/reviews/${reviews[0]?.id}/dismissals`
  await world.ask(team.gitea.admin, route, { message: 'no' })
  const dismissed = await judgeChange(query(number, head, engine))
  expect(dismissed.report).toMatchObject({ verdict: 'closed', reviews: [] })
})

test('a branch is proposed once, and its pull request gets new words', async () => {
  const other = await openWorld(team)
  const bare = join(team.gitea.repositories, `${other.repository}.git`)
  importCommit(bare, 'refs/heads/baselines/a', { 'a.txt': 'a' }, { from: 'refs/heads/main^0' })
  const { token } = team.engine
  const changes = openGiteaChanges({
    ...{ apiUrl: team.gitea.url, repository: other.repository },
    credentials: () => readGiteaCredentials({ COUNTERSIGN_GITEA_TOKEN: token }, team.gitea.url),
  })
  const branch = { name: 'baselines/a', baseRef: 'main' }
  const first = await changes.propose(branch, { title: 'One', body: 'first' })
  expect(first).toEqual({ number: 1, where: expect.stringMatching(/\/pulls\/1$/) })
  expect(await changes.propose(branch, { title: 'Two', body: 'second' })).toEqual(first)
  expect(await other.ask(team.engine, 'GET /pulls/1')).toMatchObject({
    title: 'Two',
    body: 'second',
  })
})
