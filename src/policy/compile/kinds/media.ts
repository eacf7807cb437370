import { parsePath } from '../../../base/path.ts'
import { checkContentPath } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const media: RuleKind<'media'> = {
  name: 'media',
  detects: true,
  check(entry, settings, report) {
    for (const name of ['in', 'blobs', 'urls'] as const) {
      settings[name]?.forEach((path, index) => {
        checkContentPath(entry, `/media/${name}/${index}`, path, report)
      })
    }
    settings.blobs?.forEach((path, index) => {
      if (isNamed(path)) return
      const message = 'a blob is a named field, such as payload.files[].data'
      report.error(entry.at(`/media/blobs/${index}`), 'PATH_INVALID', message)
    })
    if (settings.declared_in !== undefined && settings.blobs === undefined) {
      const message = '"declared_in" stands beside blobs; it needs the key "blobs"'
      report.error(entry.keyAt('/media/declared_in'), 'VALUE_INVALID', message)
    }
  },
  spec: ({ types, hosts, ...settings }) => ({
    pixels_max: 50_000_000,
    unpacked_bytes_max: 67_108_864,
    ratio_max: 100,
    count_max: 256,
    untold: 'find',
    if_missing: 'find',
    ...settings,
    ...(types === undefined ? {} : { types: sorted([types].flat()) }),
    ...(hosts === undefined ? {} : { hosts: sorted([hosts].flat()) }),
  }),
}

/** Whether a path, if it is one, ends in a member below payload or result: the object around it can say the type. */
function isNamed(path: string): boolean {
  try {
    const { segments } = parsePath(path)
    return segments.length > 1 && segments.at(-1)?.kind === 'member'
  } catch {
    return true // What is no path is told as such.
  }
}
