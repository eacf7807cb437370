import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { PolicyError } from '../base/errors.ts'

/** Where a published log is read from. */
export type LogReader = {
  /**
   * The bytes of one of its files; null when there is none.
   *
   * @param path - as `checkpoint` and `tile/0/000.p/7`
   * @throws {PolicyError} LOG_UNREACHABLE (retryable); FILE_UNREADABLE; LOG_CORRUPT when it is longer than `bytesMax`
   */
  read(path: string, bytesMax: number): Promise<Uint8Array | null>
}

/**
 * Opens a published log: an `https://` or `http://` address (what it serves is signed), else a folder.
 *
 * @param place - an address, or an absolute path
 * @throws {PolicyError} USAGE_INVALID
 */
export function openLogReader(place: string): LogReader {
  return isAddress(place) ? httpReader(place) : folderReader(place)
}

/** Whether a place is an address rather than a folder. */
export function isAddress(place: string): boolean {
  return /^https?:\/\//i.test(place)
}

function folderReader(folder: string): LogReader {
  return {
    read: async (path, bytesMax) => {
      const handle = await open(join(folder, path)).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null
        throw unreadable(path, cause)
      })
      if (handle === null) return null
      try {
        const { size } = await handle.stat()
        if (size > bytesMax) throw tooLong(path, bytesMax)
        return new Uint8Array(await handle.readFile())
      } catch (cause) {
        if (cause instanceof PolicyError) throw cause
        throw unreadable(path, cause)
      } finally {
        await handle.close()
      }
    },
  }
}

function httpReader(place: string): LogReader {
  if (!URL.canParse(place)) throw new PolicyError('USAGE_INVALID', `${place} is no address`)
  const base = new URL(place)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return {
    read: async (path, bytesMax) => {
      const url = new URL(path, base)
      url.search = base.search
      try {
        const signal = AbortSignal.timeout(ANSWER_MS_MAX)
        // A redirect would go to an address that nobody has named.
        const answer = await fetch(url, { redirect: 'error', signal, cache: 'no-store' })
        if (answer.status === 404 || answer.status === 410) {
          await answer.body?.cancel()
          return null
        }
        if (answer.status !== 200) throw unreachable(path, `answers ${answer.status}`)
        return await readBounded(answer, path, bytesMax)
      } catch (cause) {
        if (cause instanceof PolicyError) throw cause
        throw unreachable(path, 'cannot be reached', cause)
      }
    },
  }
}

/** For a file as a whole: the largest bundle has 16 MB. */
const ANSWER_MS_MAX = 60_000

async function readBounded(answer: Response, path: string, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLong(path, bytesMax)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function tooLong(path: string, bytesMax: number): PolicyError {
  const message = `${path} is longer than the ${bytesMax} bytes that such a file may have`
  return new PolicyError('LOG_CORRUPT', message, { file: path })
}

function unreachable(path: string, what: string, cause?: unknown): PolicyError {
  const message = `${path} of the published log ${what}`
  return new PolicyError('LOG_UNREACHABLE', message, { cause, file: path, retryable: true })
}

function unreadable(path: string, cause: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', `cannot read ${path}`, { cause, file: path })
}
