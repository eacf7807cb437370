import { expect, test } from 'vitest'
import { painter } from '../../src/report/paint.ts'
import { requestRowsText, requestText } from '../../src/report/requests.ts'
import { itemOf } from '../fakes/inbox-items.ts'

const FORGED = 'refund\nreq_0  APPROVED  shop.mail\u001b[2J\u200b'
const paint = painter(false)

test.for([
  { name: 'service', found: itemOf('a', { service: FORGED }).found },
  { name: 'action', found: itemOf('a', { action: FORGED }).found },
  {
    name: 'reason',
    found: {
      ...itemOf('a').found,
      resolution: { decision: 'REJECTED' as const, reason: FORGED, by: ['ana'], resolvedAt: 1 },
    },
  },
])('$name with line feeds makes no row of its own', ({ found }) => {
  const text = requestRowsText([found as never], paint)
  expect(text.split('\n')).toHaveLength(1)
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

test('a request in full has no line that its agent wrote', () => {
  const { found } = itemOf('a', {
    principal: FORGED,
    fields: [{ pointer: `/payload/${FORGED}`, shown: 'masked', type: 'string' }],
  })
  for (const line of requestText({ found }, paint).split('\n')) {
    expect(line).not.toMatch(/^req_0/)
  }
})
