import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { readPolicyFiles } from '../../../src/host/policy-files.ts'
import type { Bundle } from '../../../src/policy/bundle/index.ts'
import { policyRepository, reviewedBaseline } from '../baseline/support.ts'
import { compileFiles, openTest, signerOf } from '../support.ts'
import { rederiveAll } from './rederive-scene.ts'

// A call that is odd for its session is held by its score, and people let it run while the session goes on.

const RULES = `apiVersion: countersign/v1
kind: Guardrails
rules:
  - { id: behaviour/odd, markov: { min_score: 0.9 }, then: hold, route: payments }
`

/** A policy whose enforced baseline was learned of these sessions, and no other. */
async function learnedOf(sessions: Readonly<Record<string, number>>): Promise<Bundle> {
  const folder = policyRepository({ 'policies/guardrails/refunds.yaml': RULES })
  await reviewedBaseline(folder, sessions, (text) =>
    text.replace('version: 1\n', 'version: 1\nmode: enforce\n'),
  )
  const { bundle, diagnostics } = await compileFiles(await readPolicyFiles(folder))
  if (bundle === null) throw new Error(JSON.stringify(diagnostics))
  return bundle
}

test('a resolution under a baseline is derived again under that one, and under no other', async () => {
  const usual = await learnedOf({ 'read_order read_list read_order': 60 })
  const other = await learnedOf({ 'read_order mail read_order': 60 })
  const { engine, parts } = await openTest({ bundle: usual })
  const call = (action: string) =>
    engine.decide({ agent: 'clerk', session: 's-1', service: 'shop', action, payload: {} })
  expect((await call('read_order')).verdict).toBe('allow')
  const held = await call('mail')
  expect(held).toMatchObject({ verdict: 'hold', findings: [{ rule: 'behaviour/odd' }] })
  // What the session does meanwhile is no part of what is approved.
  await call('read_order')
  await call('mail')
  const request = held.request?.id ?? ''
  await reviewRequest(parts, request, { verdict: 'approve' }, await signerOf('ana'))
  const { resolution } = (await parts.store.request(request)) ?? {}
  expect(resolution).toMatchObject({ decision: 'APPROVED' })
  const at = resolution?.receiptIndex ?? 0
  const only = { from: at, to: at }

  const whole = await rederiveAll(parts, { bundles: [usual] })
  expect(whole).toMatchObject({ status: 'rederived', differing: [], underived: [] })
  const under = await rederiveAll(parts, { bundles: [usual], under: other, only })
  expect(under.status).toBe('differs')
  const pointers = under.differing.flatMap(({ changes }) => changes.map(({ pointer }) => pointer))
  expect(pointers.some((pointer) => pointer.startsWith('/findings'))).toBe(true)
})
