import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const markov: RuleKind<'markov'> = {
  name: 'markov',
  check(entry, { method = 'channels', min_score, channels }, report) {
    const at = '/markov'
    if (method === 'channels' && min_score === undefined) {
      const message = 'expected "min_score", such as 0.95: how odd a session must be'
      report.error(entry.at(at), 'KEY_MISSING', message)
    }
    const useless = method === 'edges' ? { min_score, channels } : {}
    for (const [key, value] of Object.entries(useless)) {
      if (value === undefined) continue
      const message = `"${key}" says nothing with "method: edges"; leave it out`
      report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
    }
  },
  spec: ({ method = 'channels', burst, min_score, channels }) => ({
    method,
    burst: burst ?? (method === 'channels' ? 1 : 2),
    ...(min_score === undefined ? {} : { min_score }),
    ...(channels === undefined ? {} : { channels: sorted(channels) }),
  }),
}
