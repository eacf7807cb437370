import { isSubmodule, pathsBelow } from '../../host/git-folder.ts'

/** The outermost submodule on the way from a check-out's folder to one below it, that one included; null for none. */
export function submoduleOnWay(top: string, folder: string): string | null {
  return pathsBelow(top, folder).find(isSubmodule) ?? null
}
