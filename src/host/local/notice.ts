import type { PullNotice } from '../../model/ports.ts'
import { checkNoticeKey } from '../forge/notice.ts'
import type { LocalForgeOptions } from '../forge-local.ts'
import type { Git } from '../git.ts'
import { metaRef, parseMeta, pullUnknown } from './meta.ts'
import { retry } from './retry.ts'

/** Commits a notice to the pull request's own history, unless one of its key is there. */
export async function giveNotice(
  { now }: Pick<LocalForgeOptions, 'now'>,
  git: Git,
  number: number,
  { key, text }: PullNotice,
): Promise<void> {
  const path = `notices/${checkNoticeKey(key)}.md`
  await retry(async () => {
    const [commit, meta, there] = await git.read([
      `${metaRef(number)}^{commit}`,
      `${metaRef(number)}:pull.json`,
      `${metaRef(number)}:${path}`,
    ])
    if (commit == null || meta == null) throw pullUnknown(number)
    if (there != null) return true
    const { request } = parseMeta(meta, number)
    const message = `Say ${key}\n\nRequest: ${request}\n`
    const files = { [path]: `${text.trimEnd()}\n` }
    const [to = ''] = await git.commit([{ parents: [commit.oid], message, at: now(), files }])
    return (await git.changeRefs([{ ref: metaRef(number), from: commit.oid, to }])) || null
  })
}
