import { REVIEW_SKEW_MS } from '../../src/base/limits.ts'
import type { Predicate, SignedReview } from './review-case.ts'
import { CREATED, EXPIRES, NOW, PATCH_ROOT, predicate } from './review-case.ts'

const OTHER_DIGEST = { sha256: '9'.repeat(64) }
const within = (key: keyof Predicate, changes: object) =>
  predicate((made) => {
    made[key] = { ...(made[key] as object), ...changes }
  })
const set = (key: keyof Predicate, value: unknown) =>
  predicate((made) => {
    made[key] = value
  })

type Bound = { name: string; edit: NonNullable<SignedReview['edit']>; field: string; want?: string }

/** For each field of a statement, one that is signed for something else. */
export const BOUND: readonly Bound[] = [
  { name: 'kind of forge', edit: within('forge', { kind: 'gitea' }), field: 'forge.kind' },
  { name: 'host', edit: within('forge', { host: 'github.com' }), field: 'forge.host' },
  {
    name: 'repository id',
    edit: within('forge', { repository: '736252' }),
    field: 'forge.repository',
  },
  { name: 'pull request', edit: within('pull', { number: 8 }), field: 'pull.number' },
  { name: 'base branch', edit: within('pull', { baseRef: 'next' }), field: 'pull.baseRef' },
  { name: 'base commit', edit: within('pull', { baseSha: 'e'.repeat(40) }), field: 'pull.baseSha' },
  { name: 'head commit', edit: within('pull', { headSha: 'e'.repeat(40) }), field: 'pull.headSha' },
  {
    name: 'root',
    edit: (made) => ({ ...made, subject: [{ ...made.subject[0], digest: OTHER_DIGEST }] }),
    field: 'subject.digest',
  },
  {
    name: 'subject',
    edit: (made) => ({ ...made, subject: [{ ...made.subject[0], name: 'req_x' }] }),
    field: 'subject.name',
  },
  { name: 'request', edit: set('request', 'req_00000000000000000009'), field: 'request differs' },
  { name: 'policy', edit: set('policyDigest', OTHER_DIGEST), field: 'policyDigest' },
  { name: 'route', edit: set('route', ['legal']), field: 'route differs' },
  { name: 'verdict', edit: set('verdict', 'reject'), field: 'the state on the forge' },
  { name: 'nonce', edit: set('nonce', 'd'.repeat(32)), field: 'nonce' },
  {
    name: 'expiry',
    edit: set('expiresAt', new Date(EXPIRES + 1).toISOString()),
    field: 'expiresAt',
  },
  {
    name: 'reviewer',
    edit: set('reviewer', 'cy'),
    field: "roster entry 'cy'",
    want: 'KEY_NOT_PINNED',
  },
  {
    name: 'time before the request',
    edit: set('issuedAt', new Date(CREATED - REVIEW_SKEW_MS - 1).toISOString()),
    field: 'issuedAt',
  },
  {
    name: 'time in the future',
    edit: set('issuedAt', new Date(NOW + REVIEW_SKEW_MS + 1).toISOString()),
    field: 'issuedAt',
  },
  {
    name: 'time after the end',
    edit: set('issuedAt', new Date(EXPIRES + 1).toISOString()),
    field: 'issuedAt',
    want: 'REVIEW_EXPIRED',
  },
  {
    name: 'patch that does not travel with it',
    edit: predicate((made) =>
      Object.assign(made, { verdict: 'patch', patch: { root: PATCH_ROOT } }),
    ),
    field: 'patch block',
    want: 'REVIEW_MALFORMED',
  },
  {
    name: 'patch under the verdict approve',
    edit: set('patch', { root: PATCH_ROOT }),
    field: 'patch',
    want: 'REVIEW_MALFORMED',
  },
]
