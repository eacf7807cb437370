import { invalid, ownTexts } from '../settings.ts'
import { compileTools } from '../tools.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** Least privilege: any tool that the rule does not list is a finding. */
export const scope: Kind = {
  name: 'scope',
  compile(rule) {
    const names = ownTexts(rule, rule.spec, 'tools')
    if (names === undefined) throw invalid(rule, 'expected tools to be a list of tools')
    const tools = compileTools(rule, names)
    return {
      ...STATELESS,
      judge({ action: { service, action } }) {
        if (tools.includes(service, action)) return { found: null, writes: [] }
        const near = tools.nearest(service, action)
        const evidence = {
          tool: `${service}.${action}`,
          ...(near === null ? {} : { nearest: near }),
        }
        return {
          found: { message: 'The tool is not one of those that the rule lists.', evidence },
          writes: [],
        }
      },
    }
  },
}
