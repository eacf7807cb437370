import { SECRET_KINDS } from '../../../decide/detect/index.ts'
import { ENTROPY_KIND } from '../../../decide/detect/secrets.ts'
import { isChange } from '../changes.ts'
import { checkContentPath, checkPath } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const secret: RuleKind<'secret'> = {
  name: 'secret',
  detects: true,
  check(entry, settings, report) {
    settings.in?.forEach((path, index) => {
      const at = `/secret/in/${index}`
      // What the agent said beside the call cannot be changed, but it can be looked at.
      const seen = path.startsWith('context') && !isChange(entry.value.then)
      if (seen) checkPath(entry, at, path, report)
      else checkContentPath(entry, at, path, report)
    })
  },
  // All kinds by name, so that a bundle means the same to an engine that knows more of them.
  spec: ({ detect, in: paths, entropy, if_missing, min }) => ({
    detect: sorted(detect ?? SECRET_KINDS.filter((kind) => kind !== ENTROPY_KIND)),
    // Of payload and result, a judged action has the one that can still be changed.
    in: sorted(paths ?? ['payload', 'result']),
    entropy: entropy ?? true,
    min: min ?? 1,
    if_missing: if_missing ?? 'find',
  }),
}
