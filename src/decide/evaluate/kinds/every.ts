import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** A rule without a kind: a finding on every action that `on` and `when` select. */
export const every: Kind = {
  name: 'every',
  compile: ({ about }) => ({
    ...STATELESS,
    judge: () => ({
      // What the rule is about says it all.
      found: { message: about === null ? 'The rule applies to this action.' : '', evidence: {} },
      writes: [],
    }),
  }),
}
