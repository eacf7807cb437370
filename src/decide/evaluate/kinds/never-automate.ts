import { invalid, own, ownText } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** What no approval opens to an agent. The rule itself can be no weaker than a denial in force. */
export const neverAutomate: Kind = {
  name: 'never_automate',
  compile(rule) {
    if (rule.then !== 'deny' || rule.mode !== 'enforce') {
      throw invalid(rule, 'expected what is never automated to be denied, in the mode enforce')
    }
    const draft = own(rule.spec, 'draft') === undefined ? null : ownText(rule, rule.spec, 'draft')
    const instead = draft === null ? '' : ` The agent may prepare it with ${draft}.`
    const message = `No agent may do this, and no approval opens it.${instead}`
    const evidence = draft === null ? {} : { draft }
    return { ...STATELESS, judge: () => ({ found: { message, evidence }, writes: [] }) }
  },
}
