import { compareText } from '../../base/position.ts'
import type { CompiledChanges } from '../../model/generated/types.ts'
import type { ChangedFile, Weakening, WeakerKind } from '../../model/policy-change.ts'
import type { PolicyChange, PolicyPart } from '../../model/policy-diff.ts'
import { mayWeaken } from '../../model/policy-diff.ts'
import type { CheckChange } from './diff-checks.ts'
import type { TestChange } from './diff-tests.ts'

/** What a change does, as far as it was compared. */
export type ComparedChange = {
  readonly changes: readonly PolicyChange[]
  readonly tests: readonly TestChange[]
  readonly checks: readonly CheckChange[]
  readonly files: readonly ChangedFile[]
}

/**
 * All that a change may weaken, each with the route that the base branch names for it. What cannot be told may be
 * weaker.
 */
export function weakeningsOf(
  { changes, tests, checks, files }: ComparedChange,
  { weaker }: Pick<CompiledChanges, 'weaker'>,
): Weakening[] {
  const parts = changes.flatMap((change) =>
    change.differences.filter(mayWeaken).map(({ direction, message, before, after }) => {
      const kind = kindOf(change.part)
      const place = after ?? change.after ?? before ?? change.before
      const { part, id } = change
      return { kind, part, id, direction: worse(direction), message, place }
    }),
  )
  const guards = files.filter(({ role }) => role === 'guard')
  const all: Omit<Weakening, 'route'>[] = [
    ...parts,
    ...tests.map((test) => ({ ...test, kind: 'rules' as const, part: 'test' })),
    ...checks.map((check) => ({ ...check, kind: 'project' as const, part: 'check' })),
    ...guards.map(({ path, change }) => ({
      kind: 'project' as const,
      part: 'guard',
      id: path,
      direction: 'unclear' as const,
      message: `${change}: it says who reviews, or what runs`,
      place: { file: path, line: 1, column: 1 },
    })),
  ]
  return all.map((one) => ({ ...one, route: weaker[one.kind] }))
}

/** The routes that a change needs, sorted, each once. */
export function routesNeeded(
  weakenings: readonly Weakening[],
  files: readonly ChangedFile[],
  { route }: Pick<CompiledChanges, 'route'>,
): string[] {
  const always = route === null || files.length === 0 ? [] : [route]
  return [...new Set([...always, ...weakenings.map((one) => one.route)])].sort(compareText)
}

/** A part that is not listed is one of the project's own: whoever answers for the whole looks at it. */
function kindOf(part: PolicyPart): WeakerKind {
  return Object.hasOwn(KINDS, part) ? (KINDS[part] ?? 'project') : 'project'
}

const KINDS: Readonly<Record<string, WeakerKind>> = {
  agent: 'rules',
  tool: 'rules',
  rule: 'rules',
  rego: 'rules',
  release: 'rules',
  route: 'routes',
  person: 'roster',
  team: 'roster',
  baseline: 'baselines',
  project: 'project',
} satisfies Record<PolicyPart | 'team', WeakerKind>

function worse(direction: string): Weakening['direction'] {
  return direction === 'weaker' ? 'weaker' : 'unclear'
}
