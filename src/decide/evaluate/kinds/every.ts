import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** A rule without a kind: a finding on every action that `on` and `when` select. */
export const every: Kind = {
  name: 'every',
  compile: () => ({
    ...STATELESS,
    judge: () => ({
      found: { message: 'The rule applies to this action.', evidence: {} },
      writes: [],
    }),
  }),
}
