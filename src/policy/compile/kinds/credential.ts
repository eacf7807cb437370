import { checkDuration } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'
import { checkSchedule, compileSchedule } from './schedule.ts'

export const credential: RuleKind<'credential'> = {
  name: 'credential',
  check(entry, { tools, schedule, limit, per }, report) {
    const at = '/credential'
    if (tools === undefined && schedule === undefined && limit === undefined && per === undefined) {
      const message = 'expected at least one of "tools", "schedule" and "limit"'
      report.error(entry.at(at), 'KEY_MISSING', message)
    }
    if ((limit === undefined) !== (per === undefined)) {
      const [given, lacking] = limit === undefined ? ['per', 'limit'] : ['limit', 'per']
      const message = `"${given}" needs the key "${lacking}"`
      report.error(entry.keyAt(`${at}/${given}`), 'KEY_MISSING', message)
    }
    checkDuration(entry, `${at}/per`, per, report)
    if (schedule !== undefined) checkSchedule(entry, `${at}/schedule`, schedule, report)
  },
  spec: ({ secrets, tools, schedule, limit, per }) => ({
    ...(secrets === undefined ? {} : { secrets: sorted(secrets) }),
    ...(tools === undefined ? {} : { tools: sorted(tools) }),
    ...(schedule === undefined ? {} : { schedule: compileSchedule(schedule) }),
    ...(limit === undefined ? {} : { limit }),
    ...(per === undefined ? {} : { per }),
  }),
}
