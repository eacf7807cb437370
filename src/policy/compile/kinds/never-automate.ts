import type { RuleKind } from './kind.ts'

export const neverAutomate: RuleKind<'never_automate'> = {
  name: 'never_automate',
  check(entry, _settings, report) {
    const { then, mode } = entry.value
    if (then !== 'deny') {
      const message = `what is never automated is denied, found "then: ${then}"; write "then: deny"`
      report.error(entry.at('/then'), 'VALUE_INVALID', message)
    }
    if (mode === 'shadow') {
      const message = 'what is never automated cannot be in shadow; leave "mode" out'
      report.error(entry.at('/mode'), 'VALUE_INVALID', message)
    }
  },
  spec: (settings) => ({ ...settings }),
}
