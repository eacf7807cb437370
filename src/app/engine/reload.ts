import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import type { BundleFeed, FoundPolicy } from '../../host/bundle-feed.ts'
import { writeAtomically } from '../../host/files.ts'
import type { CompiledSelfTest, Trust } from '../../model/generated/types.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { readBundle } from '../../policy/bundle/index.ts'
import { verifyBundleSignature, verifyCommitSignature } from '../../trust/verify/index.ts'
import { compileFiles } from '../policy/compile-policy.ts'
import { openJudge } from './judge.ts'
import type { Parts } from './parts.ts'
import { selfTest } from './self-test.ts'

export type ReloadOptions = {
  readonly feed: BundleFeed
  /** Its `bundle_signers` must have signed what is taken, where it names any. */
  readonly trust?: Trust
  /** Actions that every policy must refuse, beside those that the policies name. */
  readonly selfTests?: readonly CompiledSelfTest[]
  /** Remembers across restarts what was taken last: a folder. */
  readonly folder: string
}

/** What became of a look. */
export type Reloaded =
  | { readonly state: 'unchanged'; readonly policy: string }
  /** The next action is judged by it. */
  | { readonly state: 'armed'; readonly policy: string; readonly before: string }

export interface Reloader {
  /**
   * Looks for another version of the policy and takes it. What is refused changes nothing: the engine goes on with the
   * policy that it has. State, requests and receipts stay.
   *
   * @throws {PolicyError} BUNDLE_UNREACHABLE (retryable); BUNDLE_UNSIGNED, BUNDLE_UNTRUSTED, BUNDLE_OLDER,
   *   BUNDLE_EXPIRED, BUNDLE_SELF_TEST, BUNDLE_NEEDS_RESTART, PROJECT_NOT_OWNED; the policy's first error when it does
   *   not compile, BUNDLE_CORRUPT and its kin; STORE_FAILED when nobody knows what was taken last
   */
  reload(): Promise<Reloaded>
  /**
   * For an engine that has just been opened: looks at once where it was opened with another policy than the one taken
   * last, so that a restart does not open the way back.
   *
   * @throws {PolicyError} as `reload`; then the engine must not judge
   */
  resume(): Promise<void>
}

export function openReloader(
  parts: Pick<Parts, 'judge' | 'arm' | 'clock' | 'evidenceKey'>,
  options: ReloadOptions,
): Reloader {
  const memory = join(options.folder, 'armed.json')
  let known: string | null = null
  let last: Promise<unknown> = Promise.resolve()

  const look = async (): Promise<Reloaded> => {
    const before = parts.judge.bundle
    const unchanged = { state: 'unchanged' as const, policy: before.digest }
    const found = await options.feed.look(known)
    if (found === null) return unchanged
    const bundle = await bundleOf(found)
    const issuedAt = checkSigner(found, bundle, options.trust)
    const armed = readMemory(memory)
    await checkOrder(options.feed, { found, issuedAt }, armed)
    const next = { issued_at: issuedAt, commit: commitOf(found), policy: bundle.digest }
    const remember = () => writeAtomically(memory, `${JSON.stringify(laterOf(next, armed))}\n`)
    if (bundle.digest === before.digest) await remember()
    else {
      checkSame(bundle, before, parts.clock())
      await takeOver(bundle, before, remember)
    }
    known = found.version
    if (bundle.digest === before.digest) return unchanged
    return { state: 'armed', policy: bundle.digest, before: before.digest }
  }

  /** @param remember - before the new policy judges: what cannot be remembered is not taken */
  const takeOver = async (
    bundle: Bundle,
    before: Bundle,
    remember: () => Promise<void>,
  ): Promise<void> => {
    const judge = openJudge(bundle, parts.evidenceKey)
    try {
      const tests = [
        ...(options.selfTests ?? []),
        ...before.policy.self_test,
        ...bundle.policy.self_test,
      ]
      await selfTest(judge, tests, parts.clock())
      await remember()
    } catch (cause) {
      await judge.close()
      throw cause
    }
    await parts.arm(judge)
  }

  const reload = (): Promise<Reloaded> => {
    const next = last.then(look)
    last = next.catch(() => undefined)
    return next
  }
  return {
    reload,
    resume: async () => {
      const { policy } = readMemory(memory)
      if (policy !== null && policy !== parts.judge.bundle.digest) await reload()
    },
  }
}

/** What was taken last. Unix milliseconds; null where nobody signed, where it was no commit, before the first. */
type Armed = {
  readonly issued_at: number | null
  readonly commit: string | null
  readonly policy: string | null
}

async function bundleOf(found: FoundPolicy): Promise<Bundle> {
  return 'bundle' in found ? readBundle(found.bundle) : compileFiles(found.files)
}

/** @returns when a signed bundle was signed; null for one that nobody need sign */
function checkSigner(found: FoundPolicy, bundle: Bundle, trust: Trust | undefined): number | null {
  const signers = trust?.bundle_signers
  if (signers === undefined) return null
  if ('commit' in found) {
    verifyCommitSignature(found.commit.text, signers)
    return null
  }
  if (found.signature === null) {
    throw new PolicyError('BUNDLE_UNSIGNED', 'the bundle came without a signature beside it')
  }
  const { digest, policy } = bundle
  return verifyBundleSignature(found.signature, { project: policy.project, digest }, signers)
    .issuedAt
}

async function checkOrder(
  feed: BundleFeed,
  { found, issuedAt }: { readonly found: FoundPolicy; readonly issuedAt: number | null },
  armed: Armed,
): Promise<void> {
  if (issuedAt !== null && armed.issued_at !== null && issuedAt < armed.issued_at) {
    const [signed, taken] = [issuedAt, armed.issued_at].map((ms) => new Date(ms).toISOString())
    throw new PolicyError('BUNDLE_OLDER', `signed at ${signed}; the one taken last at ${taken}`)
  }
  if (!('commit' in found) || armed.commit === null) return
  if ((await feed.follows(found.commit.id, armed.commit)) !== false) return
  const message = `${found.commit.id} does not follow from ${armed.commit}, which was taken last`
  throw new PolicyError('BUNDLE_OLDER', message)
}

function checkSame({ policy }: Bundle, before: Bundle, now: number): void {
  if (policy.project !== before.policy.project) {
    const message = `the bundle is of the project ${policy.project}, the engine's of ${before.policy.project}`
    throw new PolicyError('PROJECT_NOT_OWNED', message)
  }
  const fixed = (one: Bundle) => JSON.stringify([one.policy.log_origin, one.policy.forge])
  if (fixed({ ...before, policy }) !== fixed(before)) {
    const message = 'the bundle changes the log origin or the forge; start the engine with it'
    throw new PolicyError('BUNDLE_NEEDS_RESTART', message)
  }
  if (policy.valid_until !== null && now >= Date.parse(policy.valid_until)) {
    throw new PolicyError('BUNDLE_EXPIRED', `the bundle was valid until ${policy.valid_until}`)
  }
}

/** @throws {PolicyError} STORE_FAILED for a file of another shape: then nobody knows what was taken last */
function readMemory(file: string): Armed {
  if (!existsSync(file)) return { issued_at: null, commit: null, policy: null }
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    const { issued_at, commit, policy } = value
    const isTime = issued_at === null || Number.isSafeInteger(issued_at)
    const isCommit = commit === null || typeof commit === 'string'
    if (isTime && isCommit && typeof policy === 'string')
      return { issued_at, commit, policy } as Armed
  } catch {
    // Falls through: not the file that was written here.
  }
  const message = `${file} does not say what was taken last; remove it to take what comes next`
  throw new PolicyError('STORE_FAILED', message)
}

/** A version without a signature or commit does not make an earlier one be forgotten. */
function laterOf(next: Armed, armed: Armed): Armed {
  return {
    issued_at: next.issued_at ?? armed.issued_at,
    commit: next.commit ?? armed.commit,
    policy: next.policy,
  }
}

function commitOf(found: FoundPolicy): string | null {
  return 'commit' in found ? found.commit.id : null
}
