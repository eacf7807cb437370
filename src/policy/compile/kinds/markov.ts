import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const markov: RuleKind<'markov'> = {
  name: 'markov',
  spec: ({ channels, ...settings }) => ({
    burst: 1,
    ...settings,
    ...(channels === undefined ? {} : { channels: sorted(channels) }),
  }),
}
