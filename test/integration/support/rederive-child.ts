import { judgeCall } from '../../../src/app/engine/decide.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import { closeParts, openParts } from '../../../src/app/engine/open-engine.ts'
import { compilePolicyFolder } from '../../../src/app/policy/compile-policy.ts'
import { rederive } from '../../../src/app/receipts/rederive.ts'

// Judges as many actions as it is told, derives their receipts again, and prints how large the heap was on the way. Runs
// with `--expose-gc`.

const [policy = '', store = '', count = '0'] = process.argv.slice(2)
const all = Number(count)
const bundle = await compilePolicyFolder(policy)
const { project, agents, tools } = bundle.policy
const credential = { project, agents: ['*'], role: 'agent' }
const parts = await openParts({ bundle, store, credential })
const tool = tools.find(({ effect }) => effect === 'read')
const action = {
  ...{ project, agent: agents[0]?.agent ?? '', principal: null, role: 'agent', context: {} },
  ...{ service: tool?.service ?? '', action: tool?.action ?? '', fingerprint: null },
  priority: 'medium',
} as const
for (let made = 0; made < all; made += 500) {
  const some = Array.from({ length: Math.min(500, all - made) }, (_, i) => made + i)
  await Promise.all(
    some.map((id) => judgeCall(parts, { ...action, session: `s${id % 50}`, payload: { id } })),
  )
}
const judge = openJudge(bundle, parts.evidenceKey)
const heaps: number[] = []
const start = performance.now()
const { counts } = await rederive({
  ...{ store: parts.store, evidenceKey: parts.evidenceKey },
  shelf: { judge: async () => judge, close: () => judge.close() },
  onProgress: (done) => {
    if (done % (all / 5) !== 0) return
    globalThis.gc?.()
    heaps.push(process.memoryUsage().heapUsed)
  },
})
const perSecond = Math.round((1000 * all) / (performance.now() - start))
await judge.close()
await closeParts(parts)
console.log(JSON.stringify({ counts, heaps, perSecond }))
