import { checkBy } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const loop: RuleKind<'loop'> = {
  name: 'loop',
  check: (entry, { by }, report) => checkBy(entry, '/loop/by', by, report),
  spec: (settings) => ({ compare: 'arguments', period_max: 1, by: ['agent'], ...settings }),
}
