import { checkBy, checkDuration } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const flow: RuleKind<'flow'> = {
  name: 'flow',
  check(entry, { by, within }, report) {
    checkBy(entry, '/flow/by', by, report)
    checkDuration(entry, '/flow/within', within, report)
  },
  spec: (settings) => ({ by: ['agent'], ...settings }),
}
