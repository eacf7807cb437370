import type { Place } from '../../model/generated/types.ts'
import type { Documents, PolicyFiles } from '../compile/index.ts'
import { parseDocuments } from '../compile/index.ts'
import { readSuppressions } from './lint/suppress.ts'

/** Something that `check` no longer complains of. */
export type CheckChange = {
  readonly id: string
  readonly direction: 'weaker'
  readonly message: string
  readonly place: Place
}

/** What a change makes `check` pass over: warnings by the project's own setting, and where they fail, by a comment. */
export function compareChecks(before: PolicyFiles, after: PolicyFiles): CheckChange[] {
  const [old, now] = [parseDocuments(before).documents, parseDocuments(after).documents]
  if (failLevel(old) !== 'warning') return []
  const level = 'check.fail_level'
  const place = now.projects[0]?.at('/check') ?? { file: 'countersign.yaml', line: 1, column: 1 }
  const lowered: CheckChange[] =
    failLevel(now) === 'warning'
      ? []
      : [{ id: level, direction: 'weaker', message: `${level}: warning -> error`, place }]
  return [...lowered, ...newlyIgnored(before, after)]
}

function failLevel({ projects }: Documents): string {
  return projects[0]?.value.check?.fail_level ?? 'error'
}

/** A comment that moved with its line ignores no more than before. */
function newlyIgnored(before: PolicyFiles, after: PolicyFiles): CheckChange[] {
  const left = Map.groupBy(readSuppressions(before).suppressions, ({ code }) => code)
  return readSuppressions(after).suppressions.flatMap(({ code, reason, file, line, column }) => {
    if (left.get(code)?.pop() !== undefined) return []
    const message = `a comment asks to ignore it: ${reason}`
    return [{ id: code, direction: 'weaker', message, place: { file, line, column } }]
  })
}
