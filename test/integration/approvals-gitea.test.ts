import { afterAll, beforeAll } from 'vitest'
import { testApprovals } from '../contract/approvals.ts'
import { type GiteaTeam, openTeam, openWorld } from './support/gitea-world.ts'

// Gitea 1.26.0, built from its Go module: its own server, database and git.

let team: GiteaTeam
beforeAll(async () => {
  team = await openTeam()
})
afterAll(async () => {
  await team.gitea.close()
})

testApprovals('approvals on a real Gitea', async () => {
  const world = await openWorld(team)
  const { gitea, people, engine } = team
  let isDown = false
  type Comment = { readonly body: string }
  return {
    settings: `kind: gitea, repository: ${world.repository}, api_url: '${gitea.url}'`,
    accounts: {
      ana: String(people.ana.id),
      bo: String(people.bo.id),
      cy: String(people.cy.id),
    },
    open: () => world.open(),
    down: async () => {
      isDown = true
      await gitea.stop()
    },
    up: async () => {
      isDown = false
      await gitea.start()
    },
    said: async (pull) => {
      const comments = await world.ask(engine, `GET /issues/${pull}/comments`)
      return (comments as Comment[]).map(({ body }) => body)
    },
    close: async () => {
      if (isDown) await gitea.start()
    },
  }
})
