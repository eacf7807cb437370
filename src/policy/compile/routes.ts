import { parseDuration } from '../../base/duration.ts'
import type { CompiledRoute, Route, RouteSelector } from '../../model/generated/types.ts'
import { compileFieldTest } from './checks.ts'
import type { Entry } from './documents.ts'
import { compileWindow } from './kinds/schedule.ts'
import type { Roster } from './roster.ts'
import { compileGroups, namesOn, reviewersOf } from './roster.ts'
import { sorted } from './sorted.ts'

/** A route with its defaults and everybody's name; what it does not use is absent. */
export function compileRoute(entry: Entry<Route>, roster: Roster): CompiledRoute {
  const { value: route } = entry
  const { on_time_out: onTimeOut } = route
  const groups = route.groups === undefined ? undefined : compileGroups(route.groups, roster)
  const sum = groups?.reduce((total, { quorum }) => total + quorum, 0)
  return {
    id: route.id,
    reviewers: sorted(reviewersOf(route, roster).map(({ value }) => value.id)),
    quorum: sum ?? route.quorum ?? 1,
    signature: route.signature ?? 'signed',
    time_out: route.time_out,
    show: sorted(route.show),
    ...(groups === undefined ? {} : { groups }),
    ...(route.on === undefined ? {} : { on: compileSelector(route.on) }),
    ...(onTimeOut === undefined || onTimeOut === 'expire' ? {} : { on_time_out: onTimeOut }),
    ...compileTimes(route),
    ...compileLists(route, roster),
    ...(route.batch === undefined ? {} : { batch: { ...route.batch } }),
    ...(route.baselines === undefined ? {} : { baselines: route.baselines }),
    ...entry.at(),
  }
}

function compileSelector({ where, rules, ...on }: RouteSelector): RouteSelector {
  return {
    ...on,
    ...(where === undefined ? {} : { where: where.map(compileFieldTest) }),
    ...(rules === undefined ? {} : { rules: sorted(rules) }),
  }
}

function compileTimes({ hours, remind }: Route): Pick<CompiledRoute, 'hours' | 'remind'> {
  const byLength = (a: string, b: string) => parseDuration(a) - parseDuration(b)
  return {
    ...(hours === undefined
      ? {}
      : {
          hours: {
            zone: hours.zone,
            windows: hours.windows.map(compileWindow),
            except: sorted(hours.except ?? []),
          },
        }),
    ...(remind === undefined ? {} : { remind: [...remind].sort(byLength) }),
  }
}

function compileLists(
  { escalate, break_glass: glass }: Route,
  roster: Roster,
): Pick<CompiledRoute, 'escalate' | 'break_glass'> {
  return {
    ...(escalate === undefined
      ? {}
      : { escalate: { after: escalate.after, reviewers: namesOn(escalate, roster) } }),
    ...(glass === undefined
      ? {}
      : {
          break_glass: {
            quorum: glass.quorum ?? 1,
            reviewers: namesOn(glass, roster),
            review_within: glass.review_within,
          },
        }),
  }
}
