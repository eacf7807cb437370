import { pathProblem, TREES } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const confidence: RuleKind<'confidence'> = {
  name: 'confidence',
  check(entry, { field }, report) {
    const problem = field === undefined ? null : pathProblem(field, TREES, true)
    if (problem !== null) report.error(entry.at('/confidence/field'), 'PATH_INVALID', problem)
  },
  spec: ({ below, field }) => ({
    below:
      typeof below === 'number'
        ? { low: below, medium: below, high: below, critical: below }
        : below,
    field: field ?? 'context.confidence',
  }),
}
