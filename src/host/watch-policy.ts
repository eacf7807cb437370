import type { FSWatcher } from 'node:fs'
import { readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { PolicyError } from '../base/errors.ts'
import { PROJECT_FILE, policyFolders } from './policy-files.ts'

/** Tells of changes in a policy repository. */
export type PolicyWatch = {
  /** Waits for the next change since the last call, until nothing more comes. @returns false when it is over */
  changed(): Promise<boolean>
}

/**
 * Watches the files that `readPolicyFiles` reads, and folders of theirs that come later. Ends with the signal.
 *
 * @throws {PolicyError} FILE_UNREADABLE when the folder cannot be watched
 */
export function watchPolicyFiles(root: string, signal: AbortSignal): PolicyWatch {
  const pending = newPending()
  const folders = watchedFolders(root, signal, pending.set)
  try {
    const top = watch(root, { signal }, (_, name) => {
      const named = foldersOf(root)
      if (name === null || name === PROJECT_FILE || named.includes(name)) pending.set()
      if (name === null || name === PROJECT_FILE) folders.follow(named)
      else if (named.includes(name)) folders.open(name)
    })
    top.on('error', pending.set)
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `${root}: cannot be watched`, { cause })
  }
  folders.follow(foldersOf(root))
  signal.addEventListener('abort', pending.set, { once: true })
  return {
    async changed() {
      await pending.wait()
      while (!signal.aborted && pending.take()) await settle(signal)
      return !signal.aborted
    },
  }
}

function foldersOf(root: string): readonly string[] {
  try {
    return policyFolders(readFileSync(join(root, PROJECT_FILE), 'utf8'))
  } catch {
    // What is wrong with the project file is for the compiler to say.
    return policyFolders(null)
  }
}

type WatchedFolders = {
  /** Watches a folder from now on, also one that was there before and is another now. */
  open(name: string): void
  /** Watches these folders and no others. */
  follow(names: readonly string[]): void
}

function watchedFolders(root: string, signal: AbortSignal, set: () => void): WatchedFolders {
  const watched = new Map<string, FSWatcher>()
  const open = (name: string): void => {
    watched.get(name)?.close()
    watched.delete(name)
    try {
      const watcher = watch(join(root, name), { recursive: true, signal }, set)
      // A folder that goes away ends its watch; the root tells when it is there again.
      watcher.on('error', () => watched.delete(name))
      watched.set(name, watcher)
    } catch {
      // It is not there, or no folder: reading the policy says what is wrong with it.
    }
  }
  return {
    open,
    follow(names) {
      for (const [name, watcher] of watched) {
        if (names.includes(name)) continue
        watcher.close()
        watched.delete(name)
      }
      for (const name of names) if (!watched.has(name)) open(name)
    },
  }
}

/** Editors write a file in several steps, and a check-out many files. In milliseconds. */
const SETTLE_MS = 100

function settle(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, SETTLE_MS)
    function done(): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}

type Pending = {
  set(): void
  /** Whether it was set; it no longer is. */
  take(): boolean
  wait(): Promise<void>
}

function newPending(): Pending {
  let isSet = false
  let wake = (): void => undefined
  return {
    set() {
      isSet = true
      wake()
    },
    take() {
      const was = isSet
      isSet = false
      return was
    },
    wait: () =>
      new Promise((resolve) => {
        wake = resolve
        if (isSet) resolve()
      }),
  }
}
