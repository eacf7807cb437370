import type { Place } from '../../../model/generated/types.ts'
import type { Report } from '../../compile/report.ts'
import type { LintInput } from './lint.ts'

/** Dates that have passed, and rules that stay in shadow mode without one. */
export function lintDates({ documents, loaded, now }: LintInput, report: Report): void {
  const passed = (time: string | undefined): time is string =>
    time !== undefined && now !== null && Date.parse(time) <= now
  const warn = (place: Place, message: string): void => {
    report.warn(place, 'DATE_EXPIRED', message)
  }
  for (const entry of documents.projects) {
    const { valid_until: until } = entry.value
    if (!passed(until)) continue
    const message = `the policy has been out of date since ${until}, so it denies everything; set a later "valid_until"`
    report.error(entry.at('/valid_until'), 'DATE_EXPIRED', message)
  }
  for (const entry of documents.people) {
    entry.value.keys?.forEach(({ valid_until: until, revoked_at: revoked }, index) => {
      // A revoked key stays, so that it cannot come back.
      if (!passed(until) || revoked !== undefined) return
      const message = `the key has not counted since ${until}; remove it, or pin a new one`
      warn(entry.at(`/keys/${index}/valid_until`), message)
    })
  }
  for (const entry of documents.agents) {
    entry.value.credentials?.forEach(({ secret, rotate_by: by }, index) => {
      // A day counts until it is over.
      if (by === undefined || !passed(`${by}T23:59:59.999Z`)) return
      const message = `${secret} was to be replaced by ${by}; replace it where it is kept, then set the next date`
      warn(entry.at(`/credentials/${index}/rotate_by`), message)
    })
  }
  for (const entry of documents.rules) {
    const { id, mode, shadow_until: until } = entry.value
    if (mode !== 'shadow') continue
    if (until === undefined) {
      report.warn(entry.at('/mode'), 'RULE_IN_SHADOW', forEver(`rule ${JSON.stringify(id)}`))
    } else if (passed(until)) {
      warn(entry.at('/shadow_until'), ended(`rule ${JSON.stringify(id)}`, until))
    }
  }
  for (const { package: name, mode, shadow_until: until, file, line, column } of loaded.policy
    .rego) {
    if (mode !== 'shadow') continue
    const place = { file, line, column }
    if (until === undefined) report.warn(place, 'RULE_IN_SHADOW', forEver(`package ${name}`))
    else if (passed(until)) warn(place, ended(`package ${name}`, until))
  }
}

function forEver(what: string): string {
  return `${what} is in shadow mode without an end; say when to look again with "shadow_until", or enforce it`
}

function ended(what: string, until: string): string {
  return `${what} was to be in shadow mode until ${until}; enforce it, remove it, or set a later "shadow_until"`
}
