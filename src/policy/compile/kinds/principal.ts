import { checkPath } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const principal: RuleKind<'principal'> = {
  name: 'principal',
  check(entry, { allow, groups, groups_in }, report) {
    if (allow === undefined && groups === undefined) {
      const message = 'expected the key "allow", "groups" or both'
      report.error(entry.at('/principal'), 'KEY_MISSING', message)
    }
    if (groups_in === undefined) return
    checkPath(entry, '/principal/groups_in', groups_in, report)
    if (groups === undefined) {
      const message = '"groups_in" says where groups stand; it needs the key "groups"'
      report.error(entry.keyAt('/principal/groups_in'), 'VALUE_INVALID', message)
    }
  },
  spec: ({ allow, groups, groups_in, missing }) => ({
    ...(allow === undefined ? {} : { allow: sorted([allow].flat()) }),
    ...(groups === undefined
      ? {}
      : { groups: sorted([groups].flat()), groups_in: groups_in ?? 'context.groups' }),
    missing: missing ?? 'find',
  }),
}
