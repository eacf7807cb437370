import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import type { Entry } from './documents.ts'
import type { Report } from './report.ts'
import { isSafeAddress } from './secrets.ts'

/** Reports a forge that lacks what its kind needs, or has what belongs to another kind. */
export function checkForge(entry: Entry<Project>, report: Report): void {
  const forge = entry.value.forge
  if (forge === undefined) return
  const at = '/forge'
  if (forge.kind === 'github' && forge.repository === undefined) {
    report.error(entry.at(at), 'KEY_MISSING', 'expected the key "repository"')
  }
  const foreign =
    forge.kind === 'github' ? (['path'] as const) : (['repository', 'api_url'] as const)
  for (const key of foreign) {
    if (forge[key] === undefined) continue
    const message = `"${key}" is not for the kind ${forge.kind}; remove it`
    report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
  }
  if (forge.api_url !== undefined && !isSafeAddress(forge.api_url)) {
    const message = 'expected an https address; http is for the loopback address only'
    report.error(entry.at(`${at}/api_url`), 'VALUE_INVALID', message)
  }
}

/** Where requests are reviewed. */
export function compileForge({ forge }: Project): CompiledPolicy['forge'] {
  const { kind = 'local', path = 'forge.git', base = 'main', repository, api_url } = forge ?? {}
  return {
    ...{ kind, path, base },
    ...(repository === undefined ? {} : { repository }),
    ...(api_url === undefined ? {} : { api_url: api_url.replace(/\/+$/, '') }),
  }
}
