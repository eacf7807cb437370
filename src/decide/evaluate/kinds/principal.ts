import { valueDigest } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { compileGlobs } from '../selector.ts'
import { findOrPass, loadError, own, ownText, ownTexts } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** An action on behalf of anybody but the principals and groups that the rule lists; of nobody too, unless it may. */
export const principal: Kind = {
  name: 'principal',
  compile(rule) {
    const allow = ownTexts(rule, rule.spec, 'allow')
    const groups = ownTexts(rule, rule.spec, 'groups')
    if (allow === undefined && groups === undefined) {
      throw loadError('KEY_MISSING', rule, 'expected allow, groups or both')
    }
    const missing = findOrPass(rule, rule.spec, 'missing')
    const isAllowed = compileGlobs(allow ?? [])
    const isGroup = compileGlobs(groups ?? [])
    const named = own(rule.spec, 'groups_in') !== undefined
    const groupsIn = compilePath(rule, named ? ownText(rule, rule.spec, 'groups_in') : GROUPS_IN)
    return {
      ...STATELESS,
      judge(facts) {
        const name = facts.action.principal
        if (name === null) {
          if (missing === 'pass') return { found: null, writes: [] }
          const message = 'The action names no principal.'
          return { found: { message, evidence: { principal: null } }, writes: [] }
        }
        if (isAllowed(name)) return { found: null, writes: [] }
        // What is no text is no group: it lets nobody in.
        const theirs = groups === undefined ? [] : readField(facts.fields, groupsIn).values.flat()
        if (theirs.some((group) => typeof group === 'string' && isGroup(group))) {
          return { found: null, writes: [] }
        }
        const evidence = {
          principal: valueDigest(facts.key, name),
          ...(groups === undefined ? {} : { groups: theirs.length, groups_in: groupsIn.text }),
        }
        const message = 'The principal is none of those that the rule allows.'
        return { found: { message, evidence }, writes: [] }
      },
    }
  },
}

const GROUPS_IN = 'context.groups'
