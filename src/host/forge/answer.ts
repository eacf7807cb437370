import { PolicyError } from '../../base/errors.ts'

/**
 * Reads what a forge answered. A proxy's page instead of JSON, or a field that is missing, is as if nobody had answered:
 * FORGE_UNREACHABLE (retryable).
 */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = valueAt(value, path)
  if (typeof found === 'string') return found
  throw malformed(path)
}

/** A whole number of at least 1: an id or the number of a pull request. */
export function idAt(value: unknown, ...path: readonly string[]): number {
  const found = valueAt(value, path)
  if (typeof found === 'number' && Number.isSafeInteger(found) && found >= 1) return found
  throw malformed(path)
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, path)
  if (Array.isArray(found)) return found
  throw malformed(path)
}

/** @returns undefined for what is missing, or lies below something that is no object */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const name of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined
    here = Reflect.get(here, name)
  }
  return here
}

/** Numbers of the accounts that a forge knows a commit's author and committer by, each once. */
export function authorsOf(commit: unknown): number[] {
  const ids = ['author', 'committer'].map((role) => valueAt(commit, [role, 'id']))
  return [...new Set(ids.filter((id) => typeof id === 'number'))]
}

function malformed(path: readonly string[]): PolicyError {
  const what = path.length === 0 ? 'expected a list' : `it has no ${path.join('.')}`
  return new PolicyError('FORGE_UNREACHABLE', `not an answer of the forge's API: ${what}`, {
    retryable: true,
  })
}
