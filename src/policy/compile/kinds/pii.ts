import { joinPointer } from '../../../base/pointer.ts'
import { PERSONAL_KINDS } from '../../../decide/detect/index.ts'
import { isChange } from '../changes.ts'
import { checkContentPath, checkPath } from '../checks.ts'
import { suggestion } from '../report.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const pii: RuleKind<'pii'> = {
  name: 'pii',
  detects: true,
  check(entry, { detect, in: paths, names }, report) {
    detect.forEach((kind, index) => {
      if (PERSONAL_KINDS.has(kind)) return
      const message = `no kind of personal data ${JSON.stringify(kind)}${suggestion(kind, PERSONAL_KINDS)}`
      report.error(entry.at(`/pii/detect/${index}`), 'REFERENCE_UNKNOWN', message)
    })
    paths?.forEach((path, index) => {
      const at = joinPointer('/pii/in', index)
      // What the agent said beside the call cannot be changed, but it can be looked at.
      const seen = path.startsWith('context') && !isChange(entry.value.then)
      if (seen) checkPath(entry, at, path, report)
      else checkContentPath(entry, at, path, report)
    })
    if (names !== undefined && !detect.includes('person_name')) {
      const message = '"names" are looked for by the kind "person_name"; add it to "detect"'
      report.error(entry.keyAt('/pii/names'), 'VALUE_INVALID', message)
    }
  },
  // Of payload and result, a judged action has the one that can still be changed.
  spec: ({ detect, in: paths, names, min, if_missing }) => ({
    detect: sorted(detect),
    in: sorted(paths ?? ['payload', 'result']),
    min: min ?? 1,
    if_missing: if_missing ?? 'find',
    ...(names === undefined ? {} : { names: sorted(names) }),
  }),
}
