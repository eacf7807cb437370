import { compileGlob } from '../../../base/glob.ts'
import type { JsonObject } from '../../../base/json-value.ts'
import type { SecretReference } from '../../../base/secret-reference.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import { countAttempts } from '../attempts.ts'
import type { Facts } from '../facts.ts'
import { shortDigest } from '../facts.ts'
import { SECRETS_COUNTED_MAX, VELOCITY_LIMIT_MAX } from '../limits.ts'
import { secretDigest, secretsNamed } from '../secret-uses.ts'
import {
  invalid,
  isObject,
  loadError,
  own,
  ownDuration,
  ownInteger,
  ownTexts,
} from '../settings.ts'
import type { Moment, Write } from '../state.ts'
import { compileTools } from '../tools.ts'
import type { CompiledKind, Kind } from './kind.ts'
import { schedule } from './schedule.ts'

/**
 * Use of secrets with other tools, at other times or more often than a rule says. State, where it counts: as
 * `countAttempts` keeps it, under an HMAC of the reference. Every attempt counts.
 */
export const credential: Kind = {
  name: 'credential',
  compile(rule) {
    const { spec } = rule
    const globs = ownTexts(rule, spec, 'secrets')?.map(compileGlob) ?? null
    const tools = ownTexts(rule, spec, 'tools')
    const list = tools === undefined ? null : compileTools(rule, tools)
    const times = compileTimes(rule)
    const rate = compileRate(rule)
    if (list === null && times === null && rate === null) {
      throw loadError('KEY_MISSING', rule, 'expected tools, schedule or limit')
    }
    const namedIn = ({ action }: Facts): readonly SecretReference[] =>
      secretsNamed(action).filter(
        ({ text }) => globs === null || globs.some((matches) => matches(text)),
      )
    const countedIn = (facts: Facts) => namedIn(facts).slice(0, SECRETS_COUNTED_MAX)
    return {
      watch: null,
      stateKeys: (facts) =>
        rate === null ? [] : countedIn(facts).map((secret) => rate.key(facts, secret)),
      judge(facts, moment) {
        const secrets = namedIn(facts)
        if (secrets.length === 0) return { found: null, writes: [] }
        const { service, action } = facts.action
        const reasons: string[] = []
        if (list !== null && !list.includes(service, action))
          reasons.push('with a tool that it is not for')
        if (times?.judge(facts, moment).found != null) reasons.push('at a time that is not its own')
        // The engine refuses a call that names so many; here they would only cost.
        const isTooMany = secrets.length > SECRETS_COUNTED_MAX
        const counted =
          rate === null ? [] : countedIn(facts).map((one) => rate.count(facts, one, moment))
        if (isTooMany || counted.some(({ over }) => over)) reasons.push('more often than its limit')
        const writes = counted.map(({ write }) => write)
        if (reasons.length === 0) return { found: null, writes }
        const shown = secrets.slice(0, SECRETS_COUNTED_MAX)
        const evidence: JsonObject = {
          tool: `${service}.${action}`,
          secrets: shown.map((secret) => secretDigest(facts, secret)),
          reasons,
          ...(rate === null ? {} : { limit: rate.limit, per: rate.per }),
        }
        const message = `A secret is used ${reasons.join(' and ')}.`
        return { found: { message, evidence }, writes }
      },
    }
  },
}

/** The times as a rule of the kind `schedule` has them. */
function compileTimes(rule: CompiledRule): CompiledKind | null {
  const spec = own(rule.spec, 'schedule')
  if (spec === undefined) return null
  if (!isObject(spec)) throw invalid(rule, 'expected schedule to be an object')
  return schedule.compile({ ...rule, spec })
}

type Rate = {
  readonly limit: number
  readonly per: string
  key(facts: Facts, secret: SecretReference): string
  count(
    facts: Facts,
    secret: SecretReference,
    moment: Moment,
  ): { readonly over: boolean; readonly write: Write }
}

function compileRate(rule: CompiledRule): Rate | null {
  const { spec } = rule
  if (own(spec, 'limit') === undefined && own(spec, 'per') === undefined) return null
  const limit = ownInteger(rule, spec, 'limit', { min: 1, max: VELOCITY_LIMIT_MAX })
  const perMs = ownDuration(rule, spec, 'per')
  const key: Rate['key'] = (facts, { text }) =>
    `k/${rule.id}/${shortDigest(facts.key, `credential:${text}`, 16)}`
  return {
    limit,
    per: String(own(spec, 'per')),
    key,
    count(facts, secret, moment) {
      const { attempts, write } = countAttempts(moment, key(facts, secret), { limit, perMs })
      return { over: attempts > limit, write }
    },
  }
}
