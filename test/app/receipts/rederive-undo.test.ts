import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import type { Inputs } from '../../../src/app/engine/record.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import { openScene, rollbackBundle, type Scene, TOOLS } from '../engine/rollback-scene.ts'
import { signerOf } from '../support.ts'
import { rederiveAll, withInputs, withReceipt } from './rederive-scene.ts'

// Receipts of rollbacks are derived again from what they take back; one that does not follow from it is found.

/** 1: an order; 2: its result; 3: it taken back. 4: a payment, held; 5: approved; 6: its rollback, held; 7: approved. */
async function recorded(): Promise<Scene> {
  const scene = await openScene()
  const { engine, parts } = scene
  const { decision } = await scene.call('order')
  const order = { agent: 'clerk', service: 'shop', action: 'order' }
  await engine.result(order, { id: 'o-9' }, { call: decision })
  await engine.rollback(1, { reason: 'a mistake' })
  const { request } = await scene.call('pay', { amount: 5 })
  const approve = { verdict: 'approve' } as const
  await reviewRequest(parts, request, approve, await signerOf('ana'))
  const { request: asked } = await engine.rollback(request)
  await reviewRequest(parts, String(asked), approve, await signerOf('ana'))
  return scene
}

type Sealed = (inputs: Inputs) => unknown
type Found = { readonly name: string; readonly want: string; readonly pointers: readonly string[] }

const action =
  (change: Record<string, unknown>): Sealed =>
  (inputs) => ({ ...inputs, action: { ...inputs.action, ...change } })
const kept =
  (change: Record<string, unknown>): Sealed =>
  (inputs) => ({
    ...inputs,
    beside: { ...inputs.beside, undo: { ...inputs.beside?.undo, ...change } },
  })

const SEALED: readonly { name: string; at: number; seal: Sealed; want: string }[] = [
  {
    name: 'another payload',
    at: 3,
    seal: action({ payload: { id: 'o-1' } }),
    want: '/inputs/action',
  },
  { name: 'another tool', at: 3, seal: action({ action: 'mail' }), want: '/inputs/action' },
  { name: 'another reason', at: 3, seal: action({ context: {} }), want: '/action' },
  { name: 'another result', at: 3, seal: kept({ result: 'dec_none' }), want: '/undoes' },
  { name: 'no result', at: 3, seal: kept({ result: undefined }), want: '/undoes' },
  { name: 'fewer routes', at: 6, seal: kept({ routes: [] }), want: '/inputs/beside/undo/routes' },
  { name: 'another route', at: 6, seal: kept({ routes: ['board'] }), want: '/route/0' },
  { name: 'nothing', at: 3, seal: ({ beside: _, ...rest }) => rest, want: '/undoes' },
  {
    name: 'a time when it was too late',
    at: 3,
    seal: (inputs) => ({ ...inputs, now: inputs.now + 86_400_001 }),
    want: '/undoes',
  },
]

const NAMED: readonly { name: string; undoes: unknown }[] = [
  { name: 'a call that nobody asked for', undoes: { index: 2, id: 'dec_none' } },
  { name: 'the hold of what people let run', undoes: 'hold' },
  { name: 'nothing', undoes: undefined },
]

const UNDER = [
  {
    name: 'with another undo',
    tools: TOOLS.replace('id: { from: ', "id: { value: 'o-1' }, old: { from: "),
    want: '/inputs/action',
  },
  {
    name: 'without one',
    tools: TOOLS.replace(/ {4}undo: \{ action: cancel.*\n/, ''),
    want: '/undoes',
  },
]

// Recorded once: what a row changes, it changes in a view of the store.
const scene = await recorded()
const whole = await rederiveAll(scene.parts, { bundles: [scene.bundle] })
const found: Found[] = []
for (const { name, at, seal, want } of SEALED) {
  const { id } = (await scene.receipt(at)).predicate
  const store = withInputs(scene.parts.store, id, seal)
  found.push({ name: `sealed, ${name}`, want, pointers: await pointersOf(at, { store }) })
}
for (const { name, undoes } of NAMED) {
  const hold = { index: 4, id: (await scene.receipt(4)).predicate.id }
  const named = undoes === 'hold' ? hold : undoes
  const store = withReceipt(scene.parts.store, 6, (receipt) => {
    const { undoes: _, ...predicate } = receipt.predicate
    const other = named === undefined ? predicate : { ...predicate, undoes: named }
    return { ...receipt, predicate: other }
  })
  const pointers = await pointersOf(6, { store })
  found.push({ name: `a receipt that takes back ${name}`, want: '/undoes', pointers })
}
for (const { name, tools, want } of UNDER) {
  const under = await rollbackBundle({ 'policies/tools/shop.yaml': tools })
  found.push({ name: `a policy ${name}`, want, pointers: await pointersOf(3, { under }) })
}

const original = (await scene.receipt(1)).predicate.id
const without: Scene['parts']['store'] = {
  ...scene.parts.store,
  decision: async (id) => {
    const stored = await scene.parts.store.decision(id)
    if (stored === null || id !== original) return stored
    return { ...stored, inputs: { ...stored.inputs, ciphertext: new Uint8Array() } }
  },
}
const erased = await rederiveAll(scene.parts, {
  ...{ bundles: [scene.bundle], store: without },
  only: { from: 3, to: 3 },
})

test('all of them are derived again', () => {
  expect(whole).toMatchObject({ status: 'rederived', counts: { rederived: 7 } })
})

test('what takes back a call whose inputs alone were erased cannot be derived again', async () => {
  expect(erased).toMatchObject({
    status: 'incomplete',
    underived: [{ index: 3, reason: 'inputs-erased' }],
  })
})

test.for(found)('$name -> $want differs', ({ want, pointers }) => {
  expect(pointers.some((pointer) => pointer.startsWith(want))).toBe(true)
})

async function pointersOf(
  at: number,
  given: { readonly store?: Scene['parts']['store']; readonly under?: Bundle },
): Promise<readonly string[]> {
  const bundles = [scene.bundle]
  const report = await rederiveAll(scene.parts, { bundles, only: { from: at, to: at }, ...given })
  return report.differing.flatMap(({ changes }) => changes.map(({ pointer }) => pointer))
}
