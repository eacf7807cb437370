import { open } from '../../src/app/engine/open-engine.ts'

// An agent in a process of its own: asks for one action, waits for people, and prints the answer as JSON.

const [bundle = '', store = '', action = ''] = process.argv.slice(2)
const engine = await open({
  bundle,
  store,
  credential: { project: 'shop', agents: ['clerk'], role: 'agent' },
})
try {
  let answer = await engine.ask(JSON.parse(action))
  while (answer.status === 'PENDING' && answer.resume !== undefined) {
    answer = await engine.wait(answer.resume)
  }
  process.stdout.write(JSON.stringify(answer))
} finally {
  await engine.close()
}
