import { judgePolicy, type PolicyGateQuery } from '../../../src/app/gate/policy.ts'
import type { PolicyGate } from '../../../src/model/gate.ts'
import { NOW, type Repository } from '../changes/change-case.ts'

/** What the gate says of the branch `change`, onto `main`. Default: without reviews, and without recorded decisions. */
export function gate(
  { folder }: Pick<Repository, 'folder'>,
  about: Partial<PolicyGateQuery> = {},
): Promise<PolicyGate> {
  return judgePolicy({
    ...{ folder, base: 'main', head: 'change', reviewed: null, recorded: null, examples: 3 },
    ...{ minCoverage: null, clock: () => NOW, environment: {}, ...about },
  })
}
