import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { readPolicyFiles } from '../../host/policy-files.ts'
import { watchPolicyFiles } from '../../host/watch-policy.ts'

/**
 * Does some work on a policy repository now and after each change of its files, until the signal says that it is over.
 * A change that leaves every file as it was is none.
 *
 * @param work - must not throw
 * @throws {PolicyError} FILE_UNREADABLE when the folder cannot be watched
 */
export async function watchPolicy(
  folder: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  const watched = watchPolicyFiles(folder, signal)
  let before = await contentOf(folder)
  await work()
  while (await watched.changed()) {
    const now = await contentOf(folder)
    if (now === before) continue
    before = now
    await work()
  }
}

/** What the files come to; the complaint about them where they cannot be read. */
async function contentOf(folder: string): Promise<string> {
  try {
    return sha256Hex(JSON.stringify([...(await readPolicyFiles(folder))]))
  } catch (error) {
    if (error instanceof PolicyError) return error.message
    throw error
  }
}
