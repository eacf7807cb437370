import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Removes the lock files of a Git repository, as its owner does after a power cut: a git that was killed with the
 * engine may leave one, and the forge then says FORGE_UNREACHABLE and names it. Only while no git runs.
 *
 * @returns how many there were
 */
export function removeLocks(repository: string): number {
  let files: string[]
  try {
    files = readdirSync(repository, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
  const locks = files.filter((file) => file.endsWith('.lock'))
  for (const file of locks) rmSync(join(repository, file), { force: true })
  return locks.length
}
