import { describe, expect, test } from 'vitest'
import type { Request } from '../../../src/model/generated/types.ts'
import { NOW, PAYMENTS, predicate, requestOf } from '../../fakes/review-case.ts'
import type { Row } from '../../fakes/review-rules.ts'
import { CONTEXT, plain, posted, refuses, settle } from '../../fakes/review-rules.ts'

// Who may review when, and how: by the route, by escalation, by breaking the glass.

const LATER = new Date(NOW + 60_000).toISOString()
const asked = (change: Partial<Request['routes'][number]>): Request =>
  requestOf({ routes: [{ ...PAYMENTS, ...change }] })
const on = (request: Request, more: Partial<Row> = {}): Omit<Row, 'name' | 'want'> => ({
  ...more,
  context: { request, ...more.context },
  ana: { request, ...more.ana },
})

const GLASS = { quorum: 1, reviewers: ['ana'], review_within: '24h' }
const breaks = { breakGlass: true as const, comment: 'the till is on fire' }

describe('breaking the glass', () => {
  const request = asked({ break_glass: GLASS })

  test('one who may, with a word why -> approved', async () => {
    const { state, verified } = await settle(on(request, { ana: { words: breaks } }))
    expect(state).toBe('approved')
    expect(verified.find(({ reviewer }) => reviewer === 'ana')).toMatchObject(breaks)
  })

  test.for<Row>([
    {
      name: 'without a word why',
      ...on(request, { ana: { words: { breakGlass: true } } }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'with an empty word',
      ...on(request, { ana: { words: { ...breaks, comment: ' ' } } }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'in a rejection',
      ...on(request, { ana: { words: { ...breaks, verdict: 'reject' } } }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'in a patch',
      ...on(request, {
        ana: { words: { ...breaks, verdict: 'patch', patchRoot: `sha256:${'3'.repeat(64)}` } },
      }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'said to be no',
      ...on(request, {
        ana: {
          words: breaks,
          edit: predicate((p) => {
            p['breakGlass'] = false
          }),
        },
      }),
      want: 'REVIEW_MALFORMED',
    },
    {
      name: 'by who only reviews',
      ...on(asked({ break_glass: { ...GLASS, reviewers: ['dee'] } }), {
        ana: { words: { ...breaks, routes: ['payments'] } },
      }),
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: 'where the route has none',
      ...on(asked({}), { ana: { words: { ...breaks, routes: ['payments'] } } }),
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
    {
      name: "by the agent's owner",
      ...on(request, { ana: { words: breaks }, context: { request, owner: 'ana' } }),
      want: 'REVIEW_SELF',
    },
    {
      name: 'approving without it',
      ...on(asked({ reviewers: ['bo', 'cy'], break_glass: GLASS }), {
        ana: { words: { routes: ['payments'] } },
      }),
      want: 'REVIEWER_NOT_ON_ROUTE',
    },
  ])('$name -> $want', refuses)
})

describe('escalation', () => {
  const later = { reviewers: ['bo', 'cy'], escalation: { at: LATER, reviewers: ['ana'] } }
  const words = { routes: ['payments'] }

  test('before its time an approval is set aside, and blocks nothing', async () => {
    const { state, refused, ignored } = await settle(on(asked(later), { ana: { words } }))
    expect([state, refused]).toEqual(['waiting', []])
    expect(ignored).toMatchObject([{ review: 'r-ana', code: 'REVIEWER_NOT_ON_ROUTE' }])
  })

  test('before its time a rejection blocks', () =>
    refuses({
      name: '',
      ...on(asked(later), { ana: { words: { ...words, verdict: 'reject' } } }),
      want: 'REVIEWER_NOT_ON_ROUTE',
    }))

  test('from then on it stands', async () => {
    const request = asked({
      ...later,
      escalation: { ...later.escalation, at: new Date(NOW).toISOString() },
    })
    const { verified } = await settle(on(request, { ana: { words } }))
    expect(verified.map(({ reviewer }) => reviewer).sort()).toEqual(['ana', 'bo'])
  })

  test('from then on it stands without a signature too, where none is asked for', async () => {
    const request = asked({
      ...later,
      signature: 'none',
      escalation: { at: new Date(NOW).toISOString(), reviewers: ['ana'] },
    })
    const lists = async () => [await plain('ana')]
    const { verified } = await settle({ context: { ...CONTEXT, request }, lists })
    expect(verified).toMatchObject([{ reviewer: 'ana', route: ['payments'] }])
  })
})

describe('the signature that a route wants', () => {
  const request = asked({ signature: 'sigstore' })

  test('a key is set aside where an identity is asked for, and blocks nothing', async () => {
    const lists = async () => [await posted('ana', { request })]
    const { state, refused, ignored } = await settle({ context: { ...CONTEXT, request }, lists })
    expect([state, refused]).toEqual(['waiting', []])
    expect(ignored).toMatchObject([{ review: 'r-ana', code: 'REVIEW_UNSIGNED' }])
  })
})
