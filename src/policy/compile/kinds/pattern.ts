import { checkFieldTest, compileFieldTest } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const pattern: RuleKind<'pattern'> = {
  name: 'pattern',
  check: (entry, test, report) => checkFieldTest(entry, '/pattern', test, report),
  spec: (test) => ({ ...compileFieldTest(test) }),
}
