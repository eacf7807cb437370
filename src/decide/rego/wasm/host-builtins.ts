import type { Builtin } from '../builtins/builtin.ts'
import { BUILTINS } from '../builtins/index.ts'
import type { Value } from '../values/value.ts'

/** What a module calls where one of its own built-ins fails, with the built-in's name and `file:row:column`. */
export const FAIL_BUILTIN = 'countersign.fail'

/**
 * Prefix under which a module imports a built-in whose refusal ends the evaluation. Lax packages use OPA's own name.
 */
const STRICT_PREFIX = 'countersign.'

/** An imported built-in: OPA's name, and whether its refusal ends the evaluation even in a module with lax packages. */
export type Imported = {
  readonly name: string
  readonly builtin: Builtin
  readonly strict: boolean
}

/** What stands behind a name that a module imports; undefined where nothing does. */
export function importedBuiltin(imported: string): Imported | undefined {
  if (imported === FAIL_BUILTIN) return { name: imported, builtin: fail, strict: true }
  const strict = imported.startsWith(STRICT_PREFIX)
  const name = opaName(imported)
  const builtin = BUILTINS.get(name)
  return builtin === undefined ? undefined : { name, builtin, strict }
}

/** A built-in error together with its place in the policy's source. */
export class BuiltinFailure extends Error {
  override readonly name = 'BuiltinFailure'
  /** OPA's name of the built-in that failed. */
  readonly builtin: string
  /** `file:row:column`. */
  readonly site: string

  constructor(builtin: string, site: string) {
    super(`${builtin} failed`)
    this.builtin = builtin
    this.site = site
  }
}

function opaName(imported: string): string {
  return imported.startsWith(STRICT_PREFIX) ? imported.slice(STRICT_PREFIX.length) : imported
}

function fail(_call: unknown, name?: Value, site?: Value): Value {
  // Whatever the operands are, this never returns.
  throw new BuiltinFailure(
    typeof name === 'string' ? opaName(name) : 'a built-in',
    typeof site === 'string' ? site : '',
  )
}
