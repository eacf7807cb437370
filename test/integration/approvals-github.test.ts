import { testApprovals } from '../contract/approvals.ts'
import { openWorld } from '../support/fake-github/world.ts'

testApprovals('approvals on GitHub', async () => {
  const world = await openWorld()
  const { github, people } = world
  let isDown = false
  return {
    settings: `kind: github, repository: acme/approvals, api_url: '${github.url}'`,
    accounts: {
      ana: String(people.ana.id),
      bo: String(people.bo.id),
      cy: String(people.cy.id),
    },
    open: () => world.open(),
    down: async () => {
      isDown = true
      await github.refuse()
    },
    up: async () => {
      isDown = false
      await github.listen()
    },
    said: async (pull) => github.pull(pull).comments.map(({ body }) => body),
    close: async () => {
      if (isDown) await github.listen()
      await world.close()
    },
  }
})
