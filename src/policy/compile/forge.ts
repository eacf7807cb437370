import { formatDuration, parseDuration } from '../../base/duration.ts'
import { FORGE_LOOK_MS_MAX, FORGE_POLL_MS_MAX, FORGE_POLL_MS_MIN } from '../../base/limits.ts'
import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import { durationProblem } from './checks.ts'
import type { Entry } from './documents.ts'
import type { Report } from './report.ts'
import { isSafeAddress } from './secrets.ts'

/** Reports a forge that lacks what its kind needs, or has what belongs to another kind. */
export function checkForge(entry: Entry<Project>, report: Report): void {
  const forge = entry.value.forge
  if (forge === undefined) return
  const at = '/forge'
  const needed = { local: [], github: ['repository'], gitea: ['repository', 'api_url'] } as const
  for (const key of needed[forge.kind]) {
    if (forge[key] !== undefined) continue
    report.error(entry.at(at), 'KEY_MISSING', `expected the key "${key}"`)
  }
  const foreign =
    forge.kind === 'local' ? (['repository', 'api_url'] as const) : (['path'] as const)
  for (const key of foreign) {
    if (forge[key] === undefined) continue
    const message = `"${key}" is not for the kind ${forge.kind}; remove it`
    report.error(entry.keyAt(`${at}/${key}`), 'VALUE_INVALID', message)
  }
  if (forge.api_url !== undefined && !isSafeAddress(forge.api_url)) {
    const message = 'expected an https address; http is for the loopback address only'
    report.error(entry.at(`${at}/api_url`), 'VALUE_INVALID', message)
  }
  checkPace(entry, forge, report)
}

/** Reports how often the forge is to be asked where no engine could, or would hardly ever. */
function checkPace(
  entry: Entry<Project>,
  forge: NonNullable<Project['forge']>,
  report: Report,
): void {
  const bounds = { poll: FORGE_POLL_MS_MAX, look: FORGE_LOOK_MS_MAX } as const
  for (const key of ['poll', 'look'] as const) {
    const text = forge[key]
    if (text === undefined) continue
    const problem = durationProblem(text)
    const ms = problem === null ? parseDuration(text) : 0
    if (problem === null && ms >= FORGE_POLL_MS_MIN && ms <= bounds[key]) continue
    const [from, to] = [formatDuration(FORGE_POLL_MS_MIN), formatDuration(bounds[key])]
    const message = problem ?? `expected from ${from} to ${to}, found ${text}`
    report.error(entry.at(`/forge/${key}`), 'DURATION_INVALID', message)
  }
}

/** Where requests are reviewed. */
export function compileForge({ forge }: Project): CompiledPolicy['forge'] {
  const { kind = 'local', path = 'forge.git', base = 'main', repository, api_url } = forge ?? {}
  const { poll, look } = forge ?? {}
  return {
    ...{ kind, path, base },
    ...(repository === undefined ? {} : { repository }),
    ...(api_url === undefined ? {} : { api_url: api_url.replace(/\/+$/, '') }),
    ...(poll === undefined ? {} : { poll }),
    ...(look === undefined ? {} : { look }),
  }
}
