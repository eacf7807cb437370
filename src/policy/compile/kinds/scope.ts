import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const scope: RuleKind<'scope'> = {
  name: 'scope',
  spec: ({ tools }) => ({ tools: sorted(tools) }),
}
