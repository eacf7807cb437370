import { checkBy, checkDuration } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const velocity: RuleKind<'velocity'> = {
  name: 'velocity',
  check(entry, { by, per }, report) {
    checkBy(entry, '/velocity/by', by, report)
    checkDuration(entry, '/velocity/per', per, report)
  },
  spec: (settings) => ({ by: ['agent'], ...settings }),
}
