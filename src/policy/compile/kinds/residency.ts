import { checkPath } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const residency: RuleKind<'residency'> = {
  name: 'residency',
  check(entry, { classes_in }, report) {
    if (classes_in !== undefined) checkPath(entry, '/residency/classes_in', classes_in, report)
  },
  spec: ({ regions, undeclared, ...settings }) => ({
    ...settings,
    regions: sorted([regions].flat()),
    undeclared: undeclared ?? 'find',
  }),
}
