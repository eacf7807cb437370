import { expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { FILES, sideOf } from './sides.ts'

type Sigstore = NonNullable<CompiledPolicy['sigstore']>

const BASE: Sigstore = {
  trusted_root: { a: 1 },
  ...{ tlog_min: 1, ctlog_min: 1, fulcio_url: 'f', rekor_url: 'r', tsa_url: 't' },
  ...{ oidc_issuer: 'i', client_id: 'sigstore' },
}

test.for<{ name: string; from?: Sigstore; to?: Sigstore; says: string }>([
  { name: 'added', to: BASE, says: 'weaker sigstore: reviews through Sigstore count now' },
  {
    name: 'removed',
    from: BASE,
    says: 'stronger sigstore: reviews through Sigstore no longer count',
  },
  {
    name: 'another root',
    from: BASE,
    to: { ...BASE, trusted_root: { a: 2 } },
    says: 'weaker sigstore: another trusted root',
  },
  {
    name: 'no log',
    from: BASE,
    to: { ...BASE, tlog_min: 0 },
    says: 'weaker sigstore.tlog_min: 1 -> 0',
  },
  {
    name: 'a log',
    from: { ...BASE, tlog_min: 0 },
    to: BASE,
    says: 'stronger sigstore.tlog_min: 0 -> 1',
  },
  {
    name: 'no certificate log',
    from: BASE,
    to: { ...BASE, ctlog_min: 0 },
    says: 'weaker sigstore.ctlog_min: 1 -> 0',
  },
  {
    name: 'another address',
    from: BASE,
    to: { ...BASE, tsa_url: 'u' },
    says: 'neutral sigstore.tsa_url: t -> u',
  },
])('Sigstore: $name -> $says', async ({ from, to, says }) => {
  const side = await sideOf(FILES)
  const withSigstore = (sigstore: Sigstore | undefined): typeof side => ({
    ...side,
    policy: { ...side.policy, ...(sigstore === undefined ? {} : { sigstore }) },
  })
  const changes = comparePolicies({ before: withSigstore(from), after: withSigstore(to) })
  const said = changes.flatMap(({ part, differences }) =>
    part === 'project'
      ? differences.map(({ direction, message }) => `${direction} ${message}`)
      : [],
  )
  expect(said).toEqual([says])
})
