import { afterAll, describe } from 'vitest'
import { testForge } from '../contract/forge.ts'
import { openWorld, type World } from '../support/fake-github/world.ts'

// What goes wrong is in test/integration/forge-github.test.ts.

const worlds: World[] = []
afterAll(async () => {
  for (const world of worlds) await world.close()
})

// Most of the time is spent in the pauses of octokit's queues.
describe.concurrent('the contract', () => {
  testForge('github', async () => {
    const world = await openWorld()
    worlds.push(world)
    const said = async (number: number) =>
      world.github.pull(number).comments.map(({ body }) => body)
    return { forge: world.open(), again: () => world.open(), people: world.roster, said }
  })
})
