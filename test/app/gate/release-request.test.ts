import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import type { Parts } from '../../../src/app/engine/parts.ts'
import type { JudgedRelease } from '../../../src/app/gate/release.ts'
import { propertiesOf } from '../../../src/app/gate/release-attest.ts'
import { askForRelease } from '../../../src/app/gate/release-request.ts'
import { compilePolicyFolder } from '../../../src/app/policy/compile-policy.ts'
import { openTest, policyFiles, signerOf } from '../support.ts'
import {
  digestNamed,
  type Files,
  filesOf,
  judgeCase,
  MADE_AT,
  manifest,
  openCase,
} from './release-case.ts'

// People are asked about a release that missed a threshold, and what they say is taken for this release alone.

const HEAD = 'apiVersion: countersign/v1\nkind: '
const held = manifest({ missed: 'hold' })

const policy = (priority: string): Files => ({
  'policies/tools/release.yaml': `${HEAD}Tools\nservice: release\ntools:\n  ship: { effect: irreversible, priority: ${priority} }\n`,
  'policies/agents/clerk.yaml': (policyFiles().get('policies/agents/clerk.yaml') ?? '').replace(
    "'shop.mail'",
    "'shop.mail', release.ship",
  ),
})
const eleven = (passed = 11): Files => ({
  'evidence/refunds.json': JSON.stringify({
    ...{ passed, failed: 12 - passed, at: MADE_AT },
    metadata: { release_digest: digestNamed(held) },
  }),
})

async function openHeld(priority = 'high') {
  const folder = openCase(filesOf(held, { ...policy(priority), ...eleven() }))
  const judged = await judgeCase(folder)
  expect(judged.gate.verdict).toBe('hold')
  const { parts } = await openTest({ bundle: await compilePolicyFolder(folder) })
  return { folder, judged, parts }
}

async function answered(parts: Parts, judged: JudgedRelease, verdict: 'approve' | 'reject') {
  const first = await askForRelease(parts, judged)
  expect(first.gate).toMatchObject({ verdict: 'hold', approval: { status: 'PENDING' } })
  const request = first.gate.approval?.request ?? ''
  await reviewRequest(parts, request, { verdict }, await signerOf('ana'))
  return { request, again: await askForRelease(parts, judged) }
}

test('approved -> may ship, as one that people let pass and that did not pass its evaluations', async () => {
  const { parts, judged } = await openHeld()
  const { request, again } = await answered(parts, judged, 'approve')
  expect(again.gate).toMatchObject({ verdict: 'allow', approval: { request, status: 'APPROVED' } })
  const names = propertiesOf(again)
  expect(names).toContain('COUNTERSIGN_RELEASE_APPROVED')
  expect(names).toContain('COUNTERSIGN_RELEASE_EVIDENCE_FRESH')
  expect(names).not.toContain('COUNTERSIGN_RELEASE_EVALS_PASSED')
})

test.for([
  { name: 'it is judged as before', evidence: eleven(), verdict: 'allow' },
  {
    name: 'its evidence counts no more',
    evidence: { 'evidence/refunds.json': '{}' },
    verdict: 'deny',
  },
  { name: 'its evidence is another', evidence: eleven(10), verdict: 'hold' },
])('approved while it waits, and $name -> $verdict', async ({ evidence, verdict }) => {
  const { folder, parts, judged } = await openHeld()
  const again = async () => {
    const file = 'evidence/refunds.json'
    writeFileSync(join(folder, file), String(new Map(Object.entries(evidence)).get(file)))
    return judgeCase(folder)
  }
  const waiting = askForRelease(parts, judged, { ms: 60_000, judge: again })
  const { gate } = await askForRelease(parts, judged)
  const request = gate.approval?.request ?? ''
  await reviewRequest(parts, request, { verdict: 'approve' }, await signerOf('ana'))
  expect((await waiting).gate).toMatchObject({ verdict })
})

test('nobody answers while it waits -> it is still held', async () => {
  const { parts, judged } = await openHeld()
  const { gate } = await askForRelease(parts, judged, { ms: 1, judge: async () => judged })
  expect(gate).toMatchObject({ verdict: 'hold', approval: { status: 'PENDING' } })
})

test('rejected -> deny, and asked again it is the same request', async () => {
  const { parts, judged } = await openHeld()
  const { request, again } = await answered(parts, judged, 'reject')
  expect(again.gate).toMatchObject({ verdict: 'deny', approval: { request, status: 'REJECTED' } })
})

test('approved with other evidence -> another request, which nobody has approved', async () => {
  const { folder, parts, judged } = await openHeld()
  const { request } = await answered(parts, judged, 'approve')
  writeFileSync(join(folder, 'evidence/refunds.json'), eleven(10)['evidence/refunds.json'] ?? '')
  const worse = await askForRelease(parts, await judgeCase(folder))
  expect(worse.gate).toMatchObject({ verdict: 'hold', approval: { status: 'PENDING' } })
  expect(worse.gate.approval?.request).not.toBe(request)
})

test.for([
  { name: 'a policy that lets it run by itself', priority: 'low' },
  { name: 'a policy that denies it', priority: 'critical' },
])('$name -> RELEASE_NOT_APPROVED', async ({ priority }) => {
  const { parts, judged } = await openHeld(priority)
  await expect(askForRelease(parts, judged)).rejects.toMatchObject({ code: 'RELEASE_NOT_APPROVED' })
})

test('a policy without the tool, and an engine of another policy -> RELEASE_NOT_APPROVED', async () => {
  const { parts, judged } = await openHeld()
  const folder = openCase(filesOf(held, eleven()))
  const untold = await judgeCase(folder)
  await expect(askForRelease(parts, untold)).rejects.toMatchObject({ code: 'RELEASE_NOT_APPROVED' })
  const other = await openTest({ bundle: await compilePolicyFolder(folder) })
  await expect(askForRelease(other.parts, untold)).rejects.toMatchObject({
    code: 'RELEASE_NOT_APPROVED',
  })
  expect(judged.gate.verdict).toBe('hold')
})

test('a release that may ship, or may not, asks nobody', async () => {
  const { parts } = await openHeld()
  const judged = await judgeCase(openCase())
  expect(await askForRelease(parts, judged)).toBe(judged)
})
