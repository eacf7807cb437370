import { existsSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { digestOf, fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { readBytes } from '../../host/files.ts'
import { openGit } from '../../host/git.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { PROJECT_FILE, readPolicyFiles } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { FlipReport, PolicyDiff } from '../../model/policy-diff.ts'
import { mayWeaken } from '../../model/policy-diff.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import { comparePolicies, placesOf } from '../../policy/analyse/diff.ts'
import { baselinesOf } from '../../policy/analyse/diff-baselines.ts'
import type { DiffSide } from '../../policy/analyse/diff-parts.ts'
import { NO_PLACES } from '../../policy/analyse/diff-parts.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import { BUNDLE_FILE, readBundle } from '../../policy/bundle/index.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { compile, LIBRARY_FILE, parseDocuments } from '../../policy/compile/index.ts'
import { firstError, withRegoCompiler } from './compile-policy.ts'
import { countFlips, type Recorded } from './count-flips.ts'

export type DiffRequest = {
  /**
   * Each a bundle file, a policy folder, or a Git revision, with `:FOLDER` where the policy lies elsewhere in it. Without
   * `after` the policy repository as its files are now.
   */
  readonly before: string
  readonly after: string | null
  /** Absolute: what names are relative to. */
  readonly cwd: string
  /** Absolute: the policy repository's folder, which says where the policy lies in a revision. */
  readonly folder: string
  /** Recorded actions to judge by both; null for none. */
  readonly recorded: Recorded | null
  /** Flips to keep of each rule. */
  readonly examples: number
}

/**
 * What a change of a policy does: part by part, and to recorded decisions. Nothing is written, and no work tree is
 * touched: a revision is read from the repository's objects.
 *
 * @throws {PolicyError} the first complaint about a policy that does not compile, FILE_UNREADABLE for a name that is
 *   none of the three, USAGE_INVALID for one that is both a path and a revision, BUNDLE_CORRUPT and its kin, GIT_FAILED, SESSION_INVALID, STORE_FAILED
 */
export async function diffPolicies(request: DiffRequest): Promise<PolicyDiff> {
  const name = request.after ?? (relative(request.cwd, request.folder) || '.')
  const [before, after] = await withRegoCompiler(async (rego) => {
    const old = await openNamed(request.before, request, rego)
    const isNamed = request.after !== null
    const now = await (isNamed ? openNamed : openPath)(name, request, rego)
    return [old, now] as const
  })
  const { recorded, examples } = request
  const flips: FlipReport | null =
    recorded === null
      ? null
      : await countFlips({ before: before.bundle, after: after.bundle, recorded, examples })
  return {
    before: { name: request.before, policy: before.bundle.digest },
    after: { name, policy: after.bundle.digest },
    changes: comparePolicies({ before: sideOf(before, after), after: sideOf(after, before) }),
    flips,
  }
}

/** What makes a diff fail: a change that may weaken, a recorded decision that flips, or anything at all. */
export type FailOn = 'weakened' | 'flips' | 'any'

/** Whether a diff fails at a level. A change whose direction cannot be told may weaken. */
export function diffFails({ changes, flips }: PolicyDiff, failOn: FailOn): boolean {
  const count = flips?.flips ?? 0
  switch (failOn) {
    case 'weakened':
      return changes.some(mayWeaken) || (flips?.lenient ?? 0) > 0
    case 'flips':
      return count > 0
    case 'any':
      return changes.length > 0 || count > 0
  }
}

/** One side of a comparison, with its files where it was compiled from some. */
export type Opened = { readonly bundle: Bundle; readonly files: PolicyFiles | null }

type Opener = (name: string, request: DiffRequest, rego: RegoCompiler) => Promise<Opened>

/** A change may bring a file or a folder of a branch's name: it must not stand in for the branch that it is compared with. */
const openNamed: Opener = async (name, request, rego) => {
  const { cwd, folder } = request
  const path = resolve(cwd, name)
  const kind = existsSync(path) ? statSync(path) : null
  // A folder that is no policy repository may be named as a branch is.
  const isPolicy = kind?.isDirectory() === true && existsSync(join(path, PROJECT_FILE))
  if (kind?.isFile() !== true && !isPolicy) {
    return compiled(name, await filesOfRevision(name, folder), rego)
  }
  if (!isPath(name) && (await isRevision(name, folder))) {
    const message = `${name} is a path and a Git revision; write ./${name} for the path, or the revision in full, such as refs/heads/${name}`
    throw new PolicyError('USAGE_INVALID', message)
  }
  return openPath(name, request, rego)
}

const openPath: Opener = async (name, { cwd }, rego) => {
  const path = resolve(cwd, name)
  const isFile = existsSync(path) && statSync(path).isFile()
  if (isFile) return { bundle: readBundle(await readBytes(path)), files: null }
  return compiled(name, await readPolicyFiles(path), rego)
}

/** Whether a name is written as no revision can be: `.`, `./x`, `/x`. */
function isPath(name: string): boolean {
  return isAbsolute(name) || /^\.{1,2}(?:$|[/\\])/.test(name)
}

/**
 * Compiles one side of a comparison.
 *
 * @throws {PolicyError} the first complaint about the policy, which names the side
 */
export async function compiled(
  name: string,
  files: PolicyFiles,
  rego: RegoCompiler,
): Promise<Opened> {
  const { bundle, diagnostics } = await compile(files, { rego })
  if (bundle !== null) return { bundle, files }
  const error = firstError(diagnostics)
  const { code, at, file } = error
  throw new PolicyError(code, `of ${name}: ${error.message}`, { cause: error, at, file })
}

async function isRevision(name: string, folder: string): Promise<boolean> {
  try {
    const { gitDir } = await findGitFolder(folder)
    await commitOf(openGit(gitDir), revisionOf(name))
    return true
  } catch (error) {
    if (error instanceof PolicyError) return false
    throw error
  }
}

/** The revision in `HEAD~1:folder`. */
function revisionOf(name: string): string {
  return name.split(':', 1)[0] ?? name
}

async function filesOfRevision(name: string, folder: string): Promise<PolicyFiles> {
  const colon = name.indexOf(':')
  const { gitDir, prefix } = await findGitFolder(folder).catch((cause) => {
    throw notFound(name, cause)
  })
  const git = openGit(gitDir)
  const commit = await commitOf(git, revisionOf(name)).catch((cause) => {
    throw cause instanceof PolicyError && cause.code === 'GIT_FAILED'
      ? cause
      : notFound(name, cause)
  })
  const within = colon < 0 ? prefix : name.slice(colon + 1)
  return readPolicyRevision(git, commit, within.replace(/^\.?\/+|\/+$/g, ''))
}

function notFound(name: string, cause: unknown): PolicyError {
  const message = `${name} is neither a bundle, nor a policy folder, nor a Git revision here`
  return new PolicyError('FILE_UNREADABLE', message, { cause, file: name })
}

/** One side as `comparePolicies` takes it. The library is ours: it says something of a change only where both sides have it. */
export function sideOf({ bundle, files }: Opened, other: Opened): DiffSide {
  const sources = [...bundle.files].filter(
    ([path]) => path.endsWith('.rego') && (path !== LIBRARY_FILE || other.bundle.files.has(path)),
  )
  const plan = bundle.files.get(BUNDLE_FILE.plan)
  return {
    policy: bundle.policy,
    rego: new Map(sources.map(([path, bytes]) => [path, fromUtf8(bytes)])),
    planDigest: plan === undefined ? null : digestOf(plan),
    places: files === null ? NO_PLACES : placesOf(parseDocuments(files).documents),
    baselines: baselinesOf(bundle),
  }
}
