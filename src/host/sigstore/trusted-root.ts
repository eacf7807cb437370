import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { unreachable } from './http.ts'

export type TufRepository = {
  /** Default: that of the public Sigstore. */
  readonly mirrorUrl?: string
  /** The `root.json` that the repository is trusted by; known for the public one. Absolute. */
  readonly rootFile?: string
  readonly timeoutMs?: number
}

/**
 * Fetches the `trusted_root.json` of a Sigstore from its TUF repository, whose signatures lead to a root that is known
 * or named. Nothing is kept: what people review and commit is the file itself.
 *
 * @throws {PolicyError} USAGE_INVALID when a mirror is named that no root is known for; SIGSTORE_UNREACHABLE (retryable);
 *   SIGSTORE_UNTRUSTED when the repository's metadata does not verify; SIGSTORE_ROOT_INVALID; FILE_UNREADABLE
 */
export async function fetchTrustedRoot(repository: TufRepository = {}): Promise<string> {
  const { mirrorUrl, rootFile, timeoutMs: timeout = TIMEOUT_MS } = repository
  const { createVerifier, TUFError } = await import('sigstore')
  const cache = await mkdtemp(join(tmpdir(), 'countersign-tuf-'))
  try {
    await createVerifier({
      tufCachePath: cache,
      ...(mirrorUrl === undefined ? {} : { tufMirrorURL: mirrorUrl.replace(/\/+$/, '') }),
      ...(rootFile === undefined ? {} : { tufRootPath: rootFile }),
      timeout,
      retry: 1,
    })
    const [name = ''] = await readdir(cache)
    return await readFile(join(cache, name, 'targets', 'trusted_root.json'), 'utf8')
  } catch (error) {
    throw error instanceof TUFError ? tufFailure(error) : otherFailure(error, rootFile)
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}

const TIMEOUT_MS = 20_000

function tufFailure({ code, cause }: Error & { readonly code: string }): PolicyError {
  if (code === 'TUF_INIT_CACHE_ERROR') {
    return new PolicyError(
      'USAGE_INVALID',
      'expected the root.json of that repository: --tuf-root FILE',
    )
  }
  if (code === 'TUF_FIND_TARGET_ERROR') {
    const message = 'the TUF repository has no trusted_root.json'
    return new PolicyError('SIGSTORE_ROOT_INVALID', message)
  }
  if (isNetwork(cause)) return unreachable('the TUF repository', cause)
  const message =
    'expected a TUF repository whose signatures lead to the root that it is trusted by'
  return new PolicyError('SIGSTORE_UNTRUSTED', message, { cause })
}

/** Whether an error of tuf-js is about downloading, and not about what was downloaded. */
function isNetwork(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  return 'statusCode' in cause || typeof (cause as NodeJS.ErrnoException).code === 'string'
}

function otherFailure(error: unknown, rootFile: string | undefined): PolicyError {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' && rootFile !== undefined) {
    const message = `${rootFile} cannot be read (${code})`
    return new PolicyError('FILE_UNREADABLE', message, { cause: error, file: rootFile })
  }
  const message = 'expected a trusted root that can be read'
  return new PolicyError('SIGSTORE_ROOT_INVALID', message, { cause: error })
}
