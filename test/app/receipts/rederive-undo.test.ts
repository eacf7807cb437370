import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { openJudge } from '../../../src/app/engine/judge.ts'
import type { Inputs } from '../../../src/app/engine/record.ts'
import { eraseInputs } from '../../../src/app/receipts/erase.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import {
  openScene,
  RULES,
  rollbackBundle,
  type Scene,
  START,
  TOOLS,
} from '../engine/rollback-scene.ts'
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
  {
    name: 'another result',
    at: 3,
    seal: kept({ result: 'dec_none' }),
    want: '/inputs/beside/undo/result',
  },
  {
    name: 'no result',
    at: 3,
    seal: kept({ result: undefined }),
    want: '/inputs/beside/undo/result',
  },
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

test('what takes back a call whose inputs alone are gone cannot be derived again', async () => {
  expect(erased).toMatchObject({
    status: 'incomplete',
    underived: [{ index: 3, reason: 'inputs-unreadable' }],
  })
})

test('what takes back a call whose inputs alone were erased names the receipt of that', async () => {
  const opened = await openScene()
  const { engine, parts } = opened
  const { decision } = await opened.call('mail', { to: 'a', text: 'b' })
  await engine.rollback(1)
  await eraseInputs({
    ...{ data: opened.folder, who: { decision }, reason: 'case 88' },
    ...{ dryRun: false, now: START },
  })
  const report = await rederiveAll(parts, { bundles: [opened.bundle] })
  expect(report).toMatchObject({
    counts: { differs: 0, cannot: 2 },
    underived: [
      { index: 1, reason: 'inputs-erased', erasure: 3 },
      { index: 2, reason: 'inputs-erased', erasure: 3 },
    ],
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

/** A store whose sealed inputs of a decision are not those that were sealed. */
function spoiled(at: string, store: Scene['parts']['store']): Scene['parts']['store'] {
  return {
    ...store,
    decision: async (id) => {
      const stored = await store.decision(id)
      if (stored === null || id !== at) return stored
      return { ...stored, inputs: { ...stored.inputs, ciphertext: new Uint8Array(64) } }
    },
  }
}

const unread = await rederiveAll(scene.parts, {
  ...{ bundles: [scene.bundle], store: spoiled(original, scene.parts.store) },
})

test('what takes back a call whose inputs do not open is named, and the rest is derived again', () => {
  expect(unread).toMatchObject({
    ...{ status: 'incomplete', counts: { rederived: 5, cannot: 2 } },
    underived: [
      { index: 1, reason: 'inputs-unreadable' },
      { index: 3, reason: 'inputs-unreadable' },
    ],
  })
})

test('what takes back a later result than the first differs', async () => {
  const opened = await openScene()
  const { engine, parts } = opened
  const { decision } = await opened.call('order')
  const order = { agent: 'clerk', service: 'shop', action: 'order' }
  await engine.result(order, { id: 'o-9' }, { call: decision })
  const later = await engine.result(order, { id: 'o-10' }, { call: decision })
  const made = await engine.rollback(1)
  const second = (await opened.receipt(3)).predicate.id
  expect(later).toBeDefined()
  const store = withInputs(parts.store, made.decision, (inputs) => ({
    ...inputs,
    action: { ...inputs.action, payload: { id: 'o-10' } },
    beside: { ...inputs.beside, undo: { ...inputs.beside?.undo, result: second } },
  }))
  const report = await rederiveAll(parts, {
    ...{ bundles: [opened.bundle], store, only: { from: 4, to: 4 } },
  })
  expect(
    report.differing.flatMap(({ changes }) => changes.map(({ pointer }) => pointer)),
  ).toContain('/inputs/action')
})

test.for([
  {
    name: 'another undo',
    tools: TOOLS.replace('undo: { action: unpay,', 'undo: { action: unask,'),
  },
  { name: 'no undo', tools: TOOLS.replace(/ {4}undo: \{ action: unpay.*\n/, '') },
  {
    name: 'an undo that takes what the call has not',
    tools: TOOLS.replace(
      'unpay, payload: { amount: { from: payload.amount',
      'unpay, payload: { amount: { from: payload.none',
    ),
  },
])('asked anew under a policy with $name, a rollback is derived again', async ({ tools }) => {
  const opened = await openScene()
  const { engine, parts } = opened
  const approve = { verdict: 'approve' } as const
  const { request } = await opened.call('pay', { amount: 5 })
  await reviewRequest(parts, request, approve, await signerOf('ana'))
  const { request: asked } = await engine.rollback(request)
  const rules = RULES.replace('action: unask', 'action: [unask, unpay]')
  const next = await rollbackBundle({
    ...{ 'policies/guardrails/refunds.yaml': rules, 'policies/tools/shop.yaml': tools },
  })
  await parts.arm(openJudge(next, parts.evidenceKey))
  await reviewRequest(parts, String(asked), approve, await signerOf('ana'))
  expect((await parts.store.request(String(asked)))?.resolution?.next).toMatch(/^req_/)
  const report = await rederiveAll(parts, { bundles: [opened.bundle, next] })
  expect(report).toMatchObject({ status: 'rederived', differing: [] })
})
