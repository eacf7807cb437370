import { describe, expect, test } from 'vitest'
import { canonicalize } from '../../../src/base/canonical-json.ts'
import { sha256Hex } from '../../../src/base/digest.ts'
import type { Request, ReviewStatement } from '../../../src/model/generated/types.ts'
import { batchRoot, placeInBatch, verifyMember } from '../../../src/trust/receipt/batch.ts'
import type { DecisionFields } from '../../../src/trust/receipt/statement.ts'
import { verifyLog } from '../../../src/trust/verify/log.ts'
import type { Row } from '../../fakes/review-case.ts'
import {
  CREATED,
  EXPIRES,
  judge,
  PATCH_ROOT,
  predicate,
  requestOf,
} from '../../fakes/review-case.ts'
import { filesOf, genesis, hold, nonceOf, resolution, trustOf, verdictFields } from './log-case.ts'

type Member = NonNullable<Request['members']>[number]

const ENDS = new Date(EXPIRES).toISOString()

function memberOf(number: number, changes: Partial<Member> = {}): Member {
  return {
    request: `req_${String(number).padStart(20, '0')}`,
    decision: `dec_${number}`,
    root: `sha256:${String(number % 10).repeat(64)}`,
    nonce: String(number).padStart(32, '0'),
    expires_at: ENDS,
    fields: [],
    ...changes,
  }
}

/** A batch as the engine makes it: its root follows from its list. */
function batchOf(members: readonly Member[], changes: Partial<Request> = {}): Request {
  const root = batchRoot(members)
  const listed = [...members] as NonNullable<Request['members']>
  return requestOf({ root, decision: root, members: listed, fields: [], ...changes })
}

const THREE = [memberOf(1), memberOf(2), memberOf(3)]
const BATCH = batchOf(THREE)
const listing = (members: readonly Member[]): Request => ({
  ...BATCH,
  members: [...members] as NonNullable<Request['members']>,
})

describe('a review of a batch', () => {
  test.for<Row>([
    { name: 'that approves all', request: BATCH, want: 'review' },
    { name: 'that rejects all', request: BATCH, words: { verdict: 'reject' }, want: 'review' },
    {
      name: 'that patches',
      request: BATCH,
      words: { verdict: 'patch', patchRoot: PATCH_ROOT },
      want: 'BATCH_PATCH',
    },
    {
      name: 'without its last request',
      request: listing(THREE.slice(0, 2)),
      want: 'BATCH_INVALID',
    },
    {
      name: 'with one more request',
      request: listing([...THREE, memberOf(4)]),
      want: 'BATCH_INVALID',
    },
    {
      name: 'with another action in a place',
      request: listing([
        memberOf(1),
        memberOf(2, { root: `sha256:${'f'.repeat(64)}` }),
        memberOf(3),
      ]),
      want: 'BATCH_INVALID',
    },
    {
      name: 'with another nonce in a place',
      request: listing([memberOf(1, { nonce: 'f'.repeat(32) }), memberOf(2), memberOf(3)]),
      want: 'BATCH_INVALID',
    },
    {
      name: 'in another order',
      request: listing([...THREE].reverse()),
      want: 'BATCH_INVALID',
    },
    { name: 'of one request', request: listing([memberOf(1)]), want: 'BATCH_INVALID' },
    {
      name: 'with a request twice',
      request: listing([memberOf(1), memberOf(1)]),
      want: 'BATCH_INVALID',
    },
    {
      name: 'of more requests than one review may cover',
      request: listing(Array.from({ length: 101 }, (_, index) => memberOf(index))),
      want: 'BATCH_INVALID',
    },
    {
      name: 'that ends after one of its requests',
      request: batchOf([
        memberOf(1),
        memberOf(2, { expires_at: new Date(CREATED + 60_000).toISOString() }),
      ]),
      want: 'BATCH_INVALID',
    },
    {
      name: 'that was signed for another batch',
      request: batchOf([memberOf(1), memberOf(9)], { id: `req_${'9'.repeat(20)}` }),
      context: { request: BATCH },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'that was signed for one of its requests alone',
      request: requestOf({ id: THREE[0]?.request ?? '', root: THREE[0]?.root ?? '' }),
      context: { request: BATCH },
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'with the nonce of one of its requests',
      request: BATCH,
      edit: predicate((signed) => {
        signed.nonce = THREE[0]?.nonce
      }),
      want: 'REVIEW_UNBOUND',
    },
    {
      name: 'with another end',
      request: BATCH,
      edit: predicate((signed) => {
        signed.expiresAt = new Date(EXPIRES + 1).toISOString()
      }),
      want: 'REVIEW_UNBOUND',
    },
  ])('$name -> $want', async (row) => {
    const { request = BATCH } = row
    expect(await judge({ ...row, context: { request, ...row.context } })).toBe(row.want)
  })
})

describe('the proof of a request in a batch', () => {
  test.for([2, 3, 7, 20, 100])('holds for each of %d, and for no other', (size) => {
    const members = Array.from({ length: size }, (_, index) => memberOf(index))
    const root = batchRoot(members)
    for (const [index, member] of members.entries()) {
      const place = placeInBatch(members, index)
      expect(() => verifyMember(root, member, place)).not.toThrow()
      for (const other of [memberOf(size), { ...member, nonce: 'f'.repeat(32) }]) {
        expect(() => verifyMember(root, other, place)).toThrow('does not list')
      }
      const elsewhere = { ...place, index: (index + 1) % size }
      expect(() => verifyMember(root, member, elsewhere)).toThrow('does not list')
      const longer = { ...place, path: [...place.path, '0'.repeat(64)] }
      expect(() => verifyMember(root, member, longer)).toThrow('does not list')
    }
  })
})

type Resolution = NonNullable<DecisionFields['resolution']>
type Batch = NonNullable<Resolution['batch']>

const END = '2026-11-21T10:00:00Z'

/** What a log's `req_<name>` is in a batch. */
function loggedMember(name: string): Member {
  const { action } = verdictFields(name)
  return {
    request: `req_${name}`,
    decision: name,
    root: `sha256:${sha256Hex(canonicalize(action as never))}`,
    nonce: nonceOf(name),
    expires_at: END,
    fields: [],
  }
}

const NAMES = ['b', 'c', 'd']

/** What a receipt says of the batch of these requests. */
function placeOf(name: string, names: readonly string[] = NAMES, id = 'batch'): Batch {
  const members = names.map(loggedMember)
  return {
    ...{ request: `req_${id}`, root: batchRoot(members), nonce: nonceOf(id), expiresAt: END },
    ...{ decision: name, memberExpiresAt: END },
    ...placeInBatch(members, Math.max(0, names.indexOf(name))),
  }
}

function signedAs(batch: Batch): (statement: ReviewStatement) => void {
  return ({ subject, predicate: signed }) => {
    subject[0] = { name: batch.request, digest: { sha256: batch.root.slice('sha256:'.length) } }
    Object.assign(signed, {
      ...{ request: batch.request, nonce: batch.nonce, expiresAt: batch.expiresAt },
    })
  }
}

/** The approved end of `req_<name>` in a batch. @param said - what the receipt says of it instead */
function ended(
  name: string,
  heldAt: number,
  {
    batch = placeOf(name),
    said = {},
    ...more
  }: { batch?: Batch; said?: Partial<Batch> } & Partial<Resolution> = {},
): Uint8Array {
  return resolution(name, heldAt, {
    resolution: { batch: { ...batch, ...said }, ...more },
    review: { statement: signedAs(batch) },
  })
}

const PATCHED = { ...verdictFields('b').action, amount: 1 }
const PATCHED_ROOT = `sha256:${sha256Hex(canonicalize(PATCHED as never))}`

const HOLDS = [genesis(), hold('b'), hold('c'), hold('d')]

test('a log in which each request of a batch ended is sound', () => {
  const entries = [...HOLDS, ...NAMES.map((name, index) => ended(name, index + 1))]
  expect(verifyLog(filesOf(entries), { trust: trustOf() }).problems).toEqual([])
})

test.for<{ name: string; entries: readonly Uint8Array[]; code: string }>([
  {
    name: 'a request that the batch does not list',
    entries: [ended('d', 3, { batch: placeOf('b', ['b', 'c']), said: { decision: 'd' } })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'a list that gives another root than was signed',
    entries: [ended('b', 1, { said: { root: placeOf('b', ['b', 'c']).root } })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'a root that lists it and that nobody signed',
    entries: [
      ended('b', 1, { said: { ...placeOf('b', ['b', 'c']), root: placeOf('b', ['b', 'c']).root } }),
    ],
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'another place in the list',
    entries: [ended('b', 1, { said: { index: 1 } })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'another nonce than is listed',
    entries: [ended('b', 1, { nonce: nonceOf('x') })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'another decision than held it',
    entries: [ended('b', 1, { said: { decision: 'c' } })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'an end before the batch’s',
    entries: [ended('b', 1, { said: { memberExpiresAt: '2026-11-21T09:59:00Z' } })],
    code: 'BATCH_INVALID',
  },
  {
    name: 'another end of the batch than was signed',
    entries: [ended('b', 1, { said: { expiresAt: '2026-11-21T09:59:00Z' } })],
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'the approval of another batch',
    entries: [
      resolution('b', 1, {
        resolution: { batch: placeOf('b') },
        review: { statement: signedAs(placeOf('b', ['b', 'd'], 'other')) },
      }),
    ],
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'the approval of the request alone',
    entries: [resolution('b', 1, { resolution: { batch: placeOf('b') } })],
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'the approval of a batch for a request alone',
    entries: [resolution('b', 1, { review: { statement: signedAs(placeOf('b')) } })],
    code: 'REVIEW_UNBOUND',
  },
  {
    name: 'a request that ended in two batches',
    entries: [ended('b', 1), ended('b', 1, { batch: placeOf('b', ['b', 'd'], 'other') })],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'two batches of one nonce',
    entries: [
      ended('b', 1),
      ended('d', 3, { batch: { ...placeOf('d', ['c', 'd'], 'other'), nonce: nonceOf('batch') } }),
    ],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'a batch with the nonce of a request that ended',
    entries: [
      resolution('c', 2),
      ended('b', 1, { batch: { ...placeOf('b', ['b', 'd'], 'other'), nonce: nonceOf('c') } }),
    ],
    code: 'REVIEW_REPLAYED',
  },
  {
    name: 'a patch in a batch',
    entries: [
      resolution('b', 1, {
        fields: { decision: 'APPROVED_WITH_MODIFICATIONS' },
        resolution: { batch: placeOf('b'), patchedRoot: PATCHED_ROOT, patchedAction: PATCHED },
        review: {
          statement: (statement) => {
            signedAs(placeOf('b'))(statement)
            Object.assign(statement.predicate, { verdict: 'patch', patch: { root: PATCHED_ROOT } })
          },
          approval: { verdict: 'patch' },
        },
      }),
    ],
    code: 'BATCH_INVALID',
  },
])('a log with $name is refused with $code', ({ entries, code }) => {
  const report = verifyLog(filesOf([...HOLDS, ...entries]), { trust: trustOf() })
  expect(report.problems.map((problem) => problem.code)).toContain(code)
})
