import { readFile } from 'node:fs/promises'
import { fromUtf8, sha256Hex } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { BUNDLE_BYTES_MAX } from '../base/limits.ts'
import { commitOf, openRepository, readPolicyRevision } from './policy-revision.ts'

/** Where newer versions of a policy come from. */
export type BundleSource =
  /** A bundle file; its signature lies beside it, as `FILE.sig`. */
  | { readonly file: string }
  /** A bundle over HTTPS, or HTTP on this machine; its signature is at the address with `.sig` after the path. */
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  /** A revision of a Git repository on this machine that holds a policy repository, at its top or in `folder`. */
  | { readonly git: string; readonly revision: string; readonly folder?: string }

/** A version of a policy. */
export type FoundPolicy = {
  /** Names the version to the feed: a digest, an entity tag, a commit. */
  readonly version: string
} & (
  | { readonly bundle: Uint8Array; readonly signature: string | null }
  | {
      readonly files: ReadonlyMap<string, string>
      /** The commit's id and its object's content. */
      readonly commit: { readonly id: string; readonly text: string }
    }
)

export interface BundleFeed {
  /** What is there now; null when that is still the version named. @throws {PolicyError} BUNDLE_UNREACHABLE (retryable) */
  look(known: string | null): Promise<FoundPolicy | null>
  /** Whether a version comes after another, where the source itself can tell; null where it cannot. */
  follows(version: string, earlier: string): Promise<boolean | null>
}

/** @throws {PolicyError} USAGE_INVALID for an address that is not safe to read a policy from */
export function openBundleFeed(source: BundleSource): BundleFeed {
  if ('file' in source) return fileFeed(source.file)
  return 'git' in source ? gitFeed(source) : urlFeed(source)
}

const untold = async (): Promise<null> => null

function fileFeed(file: string): BundleFeed {
  return {
    follows: untold,
    look: async (known) => {
      const [bundle, signature] = await Promise.all([readFile(file), readSignature(`${file}.sig`)])
        // One of the two may be written a moment later: the next look finds both.
        .catch((cause) => unreachable(`${file} cannot be read`, cause))
      const version = sha256Hex(`${sha256Hex(bundle)}${signature ?? ''}`)
      return version === known ? null : { version, bundle, signature }
    },
  }
}

async function readSignature(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw cause
  }
}

function gitFeed(source: Extract<BundleSource, { git: string }>): BundleFeed {
  const git = openRepository(source.git)
  return {
    look: async (known) => {
      const id = await commitOf(git, source.revision).catch((cause) =>
        unreachable(`${source.git} has no ${source.revision}`, cause),
      )
      if (id === known) return null
      const files = await readPolicyRevision(git, id, source.folder)
      const [commit] = await git.read([id])
      if (commit === undefined || commit === null) return unreachable(`${id} is missing`)
      return { version: id, files, commit: { id, text: fromUtf8(commit.content) } }
    },
    follows: async (version, earlier) => {
      const base = await git.run(['merge-base', version, earlier]).catch(() => '')
      return base.trim() === earlier
    },
  }
}

function urlFeed({ url, headers }: Extract<BundleSource, { url: string }>): BundleFeed {
  const address = new URL(url)
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(address.hostname)
  if (address.protocol !== 'https:' && !(address.protocol === 'http:' && isLocal)) {
    throw new PolicyError('USAGE_INVALID', `expected an https address, found ${url}`)
  }
  const beside = new URL(address)
  beside.pathname += '.sig'
  return {
    follows: untold,
    look: async (known) => {
      const condition = known === null ? {} : { 'if-none-match': known }
      const response = await get(address, { ...headers, ...condition })
      if (response.status === 304 && known !== null) return null
      if (response.status !== 200) return unreachable(`${url} answers ${response.status}`)
      const bundle = await bodyOf(response, BUNDLE_BYTES_MAX)
      const version = response.headers.get('etag') ?? `"${sha256Hex(bundle)}"`
      if (version === known) return null
      const signed = await get(beside, { ...headers })
      if (signed.status === 404) return { version, bundle, signature: null }
      if (signed.status !== 200) return unreachable(`${beside.href} answers ${signed.status}`)
      const signature = new TextDecoder().decode(await bodyOf(signed, SIGNATURE_BYTES_MAX))
      return { version, bundle, signature }
    },
  }
}

const SIGNATURE_BYTES_MAX = 64 * 1024
const SILENCE_MS_MAX = 30_000

async function get(address: URL, headers: Record<string, string>): Promise<Response> {
  try {
    // A redirect would go to an address that nobody has named.
    const signal = AbortSignal.timeout(SILENCE_MS_MAX)
    return await fetch(address, { headers, redirect: 'error', signal })
  } catch (cause) {
    return unreachable(`${address.href} cannot be reached`, cause)
  }
}

async function bodyOf(response: Response, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > bytesMax) return unreachable(`${response.url} is longer than ${bytesMax} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    return unreachable(`${response.url} ended early`, cause)
  }
  return Buffer.concat(chunks)
}

function unreachable(message: string, cause?: unknown): never {
  throw new PolicyError('BUNDLE_UNREACHABLE', message, { cause, retryable: true })
}
