import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { readBytes } from '../../host/files.ts'
import { type Bundle, readBundle } from '../../policy/bundle/index.ts'
import { type Judge, openJudge } from '../engine/judge.ts'

/** Bundles by their digest, opened as they are needed. */
export interface Shelf {
  /** Null when no bundle has that digest. */
  judge(digest: string): Promise<Judge | null>
  close(): Promise<void>
}

/** Where bundles lie. Paths are absolute. */
export type ShelfSource = {
  /** @throws {PolicyError} when one of them is no bundle */
  readonly files: readonly string[]
  /** Files in these folders that are no bundles are passed over. */
  readonly folders: readonly string[]
  /** A bundle that stands for every digest: what would it have said? */
  readonly instead?: string
}

/**
 * Reads each bundle once for its digest and keeps only that; at most JUDGES_MAX are open at a time.
 *
 * @param key - 32 bytes; HMACs of values in state and evidence are made with it
 * @throws {PolicyError} BUNDLE_CORRUPT and its kin, FILE_UNREADABLE
 */
export async function openShelf(source: ShelfSource, key: Uint8Array): Promise<Shelf> {
  const paths = new Map<string, string>()
  for (const file of source.files) paths.set((await bundleIn(file)).digest, file)
  for (const folder of source.folders) {
    for (const name of await filesIn(folder)) {
      const found = await bundleIn(join(folder, name)).catch(passOver)
      if (found !== null) paths.set(found.digest, join(folder, name))
    }
  }
  const instead = source.instead === undefined ? null : await bundleIn(source.instead)
  // In the order of use, the longest unused first.
  const open = new Map<string, Judge>()
  const judge = async (digest: string): Promise<Judge | null> => {
    const known = open.get(digest)
    if (known !== undefined) {
      open.delete(digest)
      open.set(digest, known)
      return known
    }
    const path = paths.get(digest)
    if (path === undefined) return null
    const bundle = await bundleIn(path)
    if (bundle.digest !== digest) return null // Somebody has replaced the file.
    const opened = openJudge(bundle, key)
    open.set(digest, opened)
    const [oldest] = open
    if (open.size > JUDGES_MAX && oldest !== undefined) {
      open.delete(oldest[0])
      await oldest[1].close()
    }
    return opened
  }
  const only = instead === null ? null : openJudge(instead, key)
  return {
    judge: (digest) => (only === null ? judge(digest) : Promise.resolve(only)),
    close: async () => {
      for (const one of only === null ? open.values() : [only, ...open.values()]) await one.close()
    },
  }
}

const JUDGES_MAX = 4

async function bundleIn(file: string): Promise<Bundle> {
  return readBundle(await readBytes(file))
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.flatMap((entry) => (entry.isFile() ? entry.name : [])).sort()
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', `cannot read the folder ${folder}`, {
      cause,
      file: folder,
    })
  }
}

/** A folder may hold signatures and notes beside its bundles; what is missing is said of each receipt. */
function passOver(error: unknown): null {
  if (error instanceof PolicyError) return null
  throw error
}
