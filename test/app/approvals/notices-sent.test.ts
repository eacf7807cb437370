import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { reviewRequest } from '../../../src/app/approvals/review.ts'
import { bundleOf, openTest, signerOf } from '../support.ts'

// The engine, its policy's `notify`, and a real webhook.

const PROJECT = `apiVersion: countersign/v1
kind: Project
project: shop
notify:
  - { webhook: secret://env/COUNTERSIGN_TEST_HOOK, on: [held, resolved] }
`

const bodies: { text: string }[] = []
const server = createServer((incoming, outgoing) => {
  let text = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (chunk) => (text += chunk))
  incoming.on('end', () => {
    bodies.push(JSON.parse(text))
    outgoing.end('ok')
  })
})

afterEach(() => {
  delete process.env['COUNTERSIGN_TEST_HOOK']
  server.closeAllConnections()
  server.close()
})

test('an action that waits is told of, and how it ends, each once and without its payload', async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  process.env['COUNTERSIGN_TEST_HOOK'] = `http://127.0.0.1:${port}/hook`
  const { engine, parts } = await openTest({
    bundle: await bundleOf({ 'countersign.yaml': PROJECT }),
  })
  const { request } = await engine.decide({
    ...{ agent: 'clerk', service: 'shop', action: 'refund' },
    payload: { amount: 50, to: 'customer-7' },
  })
  await expect.poll(() => bodies.length).toBe(1)
  expect(bodies[0]?.text).toContain('Approval wanted: shop.refund for clerk [high]')
  expect(bodies[0]?.text).toContain('refs/pull/1')
  await reviewRequest(
    parts,
    request?.id ?? '',
    { verdict: 'approve', comment: 'mine' },
    await signerOf('ana'),
  )
  await parts.sweeper.sweep()
  await expect.poll(() => bodies.length).toBe(2)
  expect(bodies[1]?.text).toContain('Approved: shop.refund for clerk [high]')
  expect(bodies[1]?.text).toContain('By: ana')
  expect(JSON.stringify(bodies)).not.toMatch(/customer-7|mine/)
})
