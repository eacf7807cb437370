import type { RuleKind } from './kind.ts'

export const sequenceEntropy: RuleKind<'sequence_entropy'> = {
  name: 'sequence_entropy',
  check(entry, { above_bits, below_bits, min_markov_anomaly_score }, report) {
    if (
      above_bits === undefined &&
      below_bits === undefined &&
      min_markov_anomaly_score === undefined
    ) {
      const message =
        'expected at least one of "above_bits", "below_bits" and "min_markov_anomaly_score"'
      report.error(entry.at('/sequence_entropy'), 'KEY_MISSING', message)
    }
    if (above_bits !== undefined && below_bits !== undefined && above_bits >= below_bits) {
      const message = `nothing lies above ${above_bits} and below ${below_bits} bits; make two rules of it`
      report.error(entry.at('/sequence_entropy/below_bits'), 'VALUE_INVALID', message)
    }
  },
  spec: (settings) => ({ ...settings }),
}
