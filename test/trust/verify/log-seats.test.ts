import { describe, expect, test } from 'vitest'
import { PolicyError } from '../../../src/base/errors.ts'
import type { Approval, AskedOfPeople } from '../../../src/model/generated/types.ts'
import type { DecisionFields } from '../../../src/trust/receipt/statement.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import { checkSeats } from '../../../src/trust/verify/log-seats.ts'
import {
  approvalOf,
  filesOf,
  fingerprintOf,
  genesis,
  hold,
  nonceOf,
  resolution,
  trustOf,
} from './log-case.ts'

type Seat = NonNullable<Approval['seats']>[number]

/** An approval on both routes, signed by a key unless it says otherwise. */
function by(reviewer: string, seats: Seat[], more: Partial<Approval> = {}): Approval {
  const proof = { fingerprint: `SHA256:${reviewer}`, statement: '{}', signature: '' }
  const route = ['legal', 'payments']
  return {
    ...{ reviewer, verdict: 'approve', route, ...(seats.length === 0 ? {} : { seats }) },
    ...proof,
    ...more,
  }
}

const at = (route: string, more: Partial<Seat> = {}): Seat => ({ route, ...more })
const TWO: AskedOfPeople = { id: 'payments', quorum: 2, signature: 'signed' }
const GROUPED: AskedOfPeople = {
  ...TWO,
  groups: [
    { id: 'a', quorum: 1 },
    { id: 'b', quorum: 1 },
  ],
}
const TRUSTED = [
  { id: 'ana', fingerprints: [fingerprintOf(2)] },
  { id: 'bo', fingerprints: [fingerprintOf(3)] },
]
const BROKEN: AskedOfPeople = { ...TWO, breakGlass: 1 }
const inA = at('payments', { group: 'a' })
const inB = at('payments', { group: 'b' })
const glass = { breakGlass: true } as const
const plain = {
  fingerprint: undefined,
  statement: undefined,
  signature: undefined,
  account: '1',
  review: 'r',
}

function judge(
  asked: AskedOfPeople[] | undefined,
  approvals: Approval[],
  routes = ['payments'],
): string {
  try {
    checkSeats({ ...(asked === undefined ? {} : { asked }), approvals }, routes)
    return 'fine'
  } catch (error) {
    return error instanceof PolicyError ? error.code : String(error)
  }
}

describe('the people of an approval', () => {
  const ana = by('ana', [at('payments')])
  const bo = by('bo', [at('payments')])
  type Row = {
    name: string
    asked?: AskedOfPeople[]
    approvals: Approval[]
    routes?: string[]
    want?: string
  }
  test.for<Row>([
    { name: 'two of two', approvals: [ana, bo], want: 'fine' },
    { name: 'one more without a place', approvals: [ana, bo, by('cy', [])], want: 'fine' },
    {
      name: 'one in the place of another',
      approvals: [ana, by('bo', [at('payments', { for: 'cy' })])],
      want: 'fine',
    },
    {
      name: 'each in a group',
      asked: [GROUPED],
      approvals: [by('ana', [inA]), by('bo', [inB])],
      want: 'fine',
    },
    {
      name: 'one who broke the glass',
      asked: [BROKEN],
      approvals: [by('ana', [], glass)],
      want: 'fine',
    },

    { name: 'one of two', approvals: [ana, by('bo', [])] },
    {
      name: 'one with two places',
      approvals: [by('ana', [at('payments'), at('payments', { for: 'cy' })])],
    },
    {
      name: 'one beside who stands in for them',
      approvals: [ana, by('bo', [at('payments', { for: 'ana' })])],
    },
    {
      name: 'two who stand in for one',
      approvals: [
        by('bo', [at('payments', { for: 'ana' })]),
        by('cy', [at('payments', { for: 'ana' })]),
      ],
    },
    {
      name: 'one who stands in for themselves',
      approvals: [by('ana', [at('payments', { for: 'ana' })]), bo],
    },
    { name: 'both in one group', asked: [GROUPED], approvals: [by('ana', [inA]), by('bo', [inA])] },
    {
      name: 'one in a group that is said twice',
      asked: [
        {
          ...GROUPED,
          groups: [
            { id: 'a', quorum: 1 },
            { id: 'a', quorum: 1 },
          ],
        },
      ],
      approvals: [by('ana', [inA])],
      want: 'RECEIPT_INVALID',
    },
    {
      name: 'fewer than its groups are said to make',
      asked: [{ ...GROUPED, quorum: 3 }],
      approvals: [by('ana', [inA]), by('bo', [inB])],
      want: 'RECEIPT_INVALID',
    },
    {
      name: 'in no group of it',
      asked: [GROUPED],
      approvals: [by('ana', [inA]), by('bo', [at('payments', { group: 'c' })])],
    },
    { name: 'without a group', asked: [GROUPED], approvals: [ana, bo] },
    { name: 'in a group where there are none', approvals: [by('ana', [inA]), by('bo', [inB])] },
    { name: 'a place on a route that was not asked', approvals: [ana, bo, by('cy', [at('x')])] },
    {
      name: 'a place where the review is for another route',
      approvals: [ana, by('bo', [at('payments')], { route: ['legal'] })],
    },
    {
      name: 'a route of the hold that asked for nothing',
      approvals: [ana, bo],
      routes: ['legal', 'payments'],
    },
    { name: 'a route asked twice', asked: [TWO, TWO], approvals: [ana, bo] },
    {
      name: 'broken glass in a place of others',
      approvals: [ana, by('bo', [at('payments')], glass)],
    },
    { name: 'glass that nobody broke', asked: [BROKEN], approvals: [by('ana', [])] },
    {
      name: 'one of two who must break it',
      asked: [{ ...BROKEN, breakGlass: 2 }],
      approvals: [by('ana', [], glass)],
    },
    {
      name: 'glass, for another route',
      asked: [BROKEN],
      approvals: [by('ana', [], { ...glass, route: ['legal'] })],
    },
    {
      name: 'places on a route where it was broken',
      asked: [BROKEN],
      approvals: [ana, by('cy', [], glass)],
    },
    {
      name: 'no signature',
      approvals: [ana, by('bo', [at('payments')], plain as never)],
      want: 'REVIEW_UNSIGNED',
    },
    {
      name: 'no signature by who broke the glass',
      asked: [{ ...BROKEN, signature: 'none' }],
      approvals: [by('ana', [], { ...glass, ...plain } as never)],
      want: 'REVIEW_UNSIGNED',
    },
    {
      name: 'a key where an identity is asked for',
      asked: [{ ...TWO, signature: 'sigstore' }],
      approvals: [ana, bo],
      want: 'REVIEW_UNSIGNED',
    },
  ])('$name', ({ asked = [TWO], approvals, routes, want = 'RECEIPT_INVALID' }) => {
    expect(judge(asked, approvals, routes)).toBe(want)
  })

  test('nothing that was asked -> RECEIPT_INVALID', () => {
    expect(judge(undefined, [ana, bo])).toBe('RECEIPT_INVALID')
  })
})

describe('in a log', () => {
  const codes = (entries: Uint8Array[]) =>
    verifyLog(filesOf(entries), { trust: trustOf({ reviewers: TRUSTED }) }).problems.map(
      ({ code }) => code,
    )
  const broke = [{ id: 'payments', quorum: 2, signature: 'signed', breakGlass: 1 }] as const
  const breaks = (name: string) => {
    const { seats: _, ...approval } = approvalOf(name, {
      statement: ({ predicate }) => {
        predicate.breakGlass = true
        predicate.comment = 'now'
      },
    })
    return { ...approval, breakGlass: true as const }
  }
  const ended = (name: string, heldAt: number) =>
    resolution(name, heldAt, { resolution: { asked: [...broke], approvals: [breaks(name)] } })

  test('too few people are refused', () => {
    const asked = [{ id: 'payments', quorum: 2, signature: 'signed' as const }]
    expect(codes([genesis(), hold('b'), resolution('b', 1, { resolution: { asked } })])).toEqual([
      'RECEIPT_INVALID',
    ])
  })

  test('broken glass stands as it was signed', () => {
    expect(codes([genesis(), hold('b'), ended('b', 1)])).toEqual([])
  })

  test('an approval made to look as if it broke the glass is refused', () => {
    const approvals = [{ ...breaks('b'), statement: approvalOf('b').statement ?? '' }]
    const signature = approvalOf('b').signature ?? ''
    const forged = approvals.map((one) => ({ ...one, signature }))
    const receipt = resolution('b', 1, { resolution: { asked: [...broke], approvals: forged } })
    expect(codes([genesis(), hold('b'), receipt])).toEqual(['REVIEW_UNBOUND'])
  })

  type Looks = {
    name: string
    by: string
    approval?: Partial<Approval>
    predicate?: Partial<DecisionFields>
    want: string[]
  }
  test.for<Looks>([
    { name: 'somebody else', by: 'bo', want: [] },
    { name: 'who broke it', by: 'ana', want: ['REVIEW_SELF'] },
    {
      name: 'who stands in for whoever broke it',
      by: 'bo',
      approval: { seats: [{ route: 'payments', for: 'ana' }] },
      want: ['REVIEW_SELF'],
    },
    { name: 'who broke it, as a no', by: 'ana', predicate: { decision: 'REJECTED' }, want: [] },
  ])('a look by $name -> $want', ({ by: reviewer, approval, predicate: fields, want }) => {
    const isNo = fields?.decision === 'REJECTED'
    const looked = approvalOf('b', {
      seed: reviewer === 'ana' ? 2 : 3,
      statement: ({ subject, predicate }) => {
        if (subject[0] !== undefined) subject[0].name = 'req_c'
        Object.assign(predicate, { request: 'req_c', nonce: nonceOf('c'), reviewer })
        if (isNo) predicate.verdict = 'reject'
      },
      approval: { reviewer, ...(isNo ? { verdict: 'reject' } : {}), ...approval },
    })
    const receipt = resolution('b', 2, {
      fields: { id: 'req_c', request: 'req_c', ...fields },
      resolution: { ratifies: 'req_b', nonce: nonceOf('c'), approvals: [looked] },
    })
    expect(codes([genesis(), hold('b'), ended('b', 1), receipt])).toEqual(want)
  })

  test.for([
    {
      name: 'no receipt with broken glass',
      heldAt: 1,
      ratifies: 'req_b',
      want: ['RECEIPT_INVALID'],
    },
    { name: 'another request', heldAt: 2, ratifies: 'req_x', want: ['RECEIPT_INVALID'] },
  ])('a look at $name is refused', ({ heldAt, ratifies, want }) => {
    const receipt = resolution('c', heldAt, { resolution: { ratifies } })
    expect(codes([genesis(), hold('b'), ended('b', 1), receipt])).toEqual(want)
  })
})
