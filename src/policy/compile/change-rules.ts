import type { CompiledChanges, CompiledPolicy, Project } from '../../model/generated/types.ts'
import { checkDuration } from './checks.ts'
import type { Documents, Entry } from './documents.ts'
import { type Report, suggestion } from './report.ts'

/** What a change may weaken, as `changes.weaker` has it. */
export const WEAKER_KINDS = ['rules', 'routes', 'roster', 'baselines', 'project'] as const

/** Reports routes that changes of the policy need and that are not there, and a time-out that cannot be. */
export function checkChanges(documents: Documents, report: Report): void {
  if (documents.broken.has('Routes')) return
  const known = new Set(documents.routes.map(({ value }) => value.id))
  for (const entry of documents.projects) {
    if (entry.value.changes === undefined) continue
    checkRepository(entry, report)
    checkDuration(entry, '/changes/time_out', entry.value.changes.time_out ?? TIME_OUT, report)
    for (const { at, route } of namedRoutes(entry)) {
      if (known.has(route)) continue
      const missing = `no route ${JSON.stringify(route)}${suggestion(route, known)}`
      report.error(entry.at(at), 'REFERENCE_UNKNOWN', missing)
    }
    // Else nobody could ever approve what weakens the rest.
    if (known.has('default') || !weakerOf(entry.value).includes('default')) continue
    const message =
      'expected a route "default" for what `weaker` does not name; add it, or name a route for each kind'
    report.error(entry.at('/changes'), 'ROUTE_MISSING', message)
  }
}

function checkRepository(entry: Entry<Project>, report: Report): void {
  const { changes, forge } = entry.value
  if (changes?.repository === undefined || (forge?.kind ?? 'local') !== 'local') return
  const message = '"repository" is not for the kind local: changes are reviewed in this very one'
  report.error(entry.keyAt('/changes/repository'), 'VALUE_INVALID', message)
}

function namedRoutes(entry: Entry<Project>): { readonly at: string; readonly route: string }[] {
  const { route, weaker } = entry.value.changes ?? {}
  const at = '/changes'
  const all =
    typeof weaker === 'string'
      ? [{ at: `${at}/weaker`, route: weaker }]
      : WEAKER_KINDS.flatMap((kind) => {
          const named = weaker?.[kind]
          return named === undefined ? [] : [{ at: `${at}/weaker/${kind}`, route: named }]
        })
  return route === undefined ? all : [{ at: `${at}/route`, route }, ...all]
}

function weakerOf({ changes }: Project): readonly string[] {
  return Object.values(routesOf(changes?.weaker))
}

/** Who reviews changes of the policy, with every default; nothing where the project does not say it. */
export function compileChanges({ changes }: Project): Pick<CompiledPolicy, 'changes'> {
  if (changes === undefined) return {}
  const { route, weaker, signed_commits, repository, time_out } = changes
  return {
    changes: {
      route: route ?? null,
      weaker: routesOf(weaker),
      signed_commits: signed_commits ?? 'none',
      ...(repository === undefined ? {} : { repository }),
      time_out: time_out ?? TIME_OUT,
    },
  }
}

/** What counts where a project says nothing of changes: what may weaken the policy needs the route `default`. */
export const CHANGES_DEFAULT: CompiledChanges = {
  route: null,
  weaker: routesOf(undefined),
  signed_commits: 'none',
  time_out: '14d',
}

const TIME_OUT = '14d'

function routesOf(weaker: NonNullable<Project['changes']>['weaker']): CompiledChanges['weaker'] {
  const of = (kind: (typeof WEAKER_KINDS)[number]): string =>
    (typeof weaker === 'string' ? weaker : weaker?.[kind]) ?? 'default'
  return {
    rules: of('rules'),
    routes: of('routes'),
    roster: of('roster'),
    baselines: of('baselines'),
    project: of('project'),
  }
}
