import { expect, test } from 'vitest'
import type { CompiledPolicy } from '../../../src/model/generated/types.ts'
import { comparePolicies } from '../../../src/policy/analyse/diff.ts'
import { FILES, sideOf } from './sides.ts'

type Attest = NonNullable<CompiledPolicy['attest']>

const BASE: Attest = { every: '60s', receipts: 1000, resolutions: 'each', wait: 'none' }

test.for<{ name: string; from?: Attest; to?: Attest; says: string }>([
  { name: 'added', to: BASE, says: 'stronger attest: the log is attested now' },
  { name: 'removed', from: BASE, says: 'weaker attest: the log is no longer attested' },
  {
    name: 'less often',
    from: BASE,
    to: { ...BASE, every: '1h' },
    says: 'weaker attest.every: 60s -> 1h',
  },
  {
    name: 'after fewer receipts',
    from: BASE,
    to: { ...BASE, receipts: 5 },
    says: 'stronger attest.receipts: 1000 -> 5',
  },
  {
    name: 'no resolutions',
    from: BASE,
    to: { ...BASE, resolutions: 'none' },
    says: 'weaker attest.resolutions: each -> none',
  },
  {
    name: 'nothing waits',
    from: { ...BASE, wait: 'resolutions' },
    to: BASE,
    says: 'weaker attest.wait: resolutions -> none',
  },
])('Attest: $name -> $says', async ({ from, to, says }) => {
  const side = await sideOf(FILES)
  const withAttest = (attest: Attest | undefined): typeof side => ({
    ...side,
    policy: { ...side.policy, ...(attest === undefined ? {} : { attest }) },
  })
  const changes = comparePolicies({ before: withAttest(from), after: withAttest(to) })
  const said = changes.flatMap(({ part, differences }) =>
    part === 'project'
      ? differences.map(({ direction, message }) => `${direction} ${message}`)
      : [],
  )
  expect(said).toEqual([says])
})
