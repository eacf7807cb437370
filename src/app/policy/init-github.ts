import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fromUtf8 } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { readBytes, writeNewFiles } from '../../host/files.ts'
import { PROJECT_FILE, policyFolders } from '../../host/policy-files.ts'
import { type InitRequest, type InitResult, initPolicy } from './init-policy.ts'
import {
  type ActionReference,
  GITHUB_CODEOWNERS,
  GITHUB_README,
  parseActionReference,
  parseOwners,
  scaffoldGithub,
} from './scaffold-github.ts'

export type GithubRequest = InitRequest & {
  /** The gate's action, `OWNER/REPO@REF`. */
  readonly action: string
  /** Who must approve changes of the policy: `@ana,@acme/security`. */
  readonly owners: string
}

export type GithubResult = {
  /** What was made of the policy; null when there was one. */
  readonly policy: InitResult | null
  readonly github: {
    /** The repository's folder, from the policy's: empty when they are the same. */
    readonly top: string
    /** What was made, from the repository's folder, sorted. */
    readonly files: readonly string[]
    /** What was there already and stays as it is. */
    readonly kept: readonly string[]
    readonly warnings: readonly string[]
  }
}

/**
 * Makes what guards a policy repository on GitHub, at the top of the Git repository that the folder lies in, and the policy
 * itself where there is none. A file that is there is never overwritten: it is listed as kept.
 *
 * @throws {PolicyError} USAGE_INVALID for an action or owners that are none, and for options of a policy when there is one;
 *   and what `initPolicy` throws
 */
export async function initGithub(request: GithubRequest): Promise<GithubResult> {
  const { action: named, owners: whose, ...policyRequest } = request
  const { folder } = policyRequest
  const action = parseActionReference(named)
  const owners = parseOwners(whose)
  const top = topOf(folder)
  const prefix = relative(top, folder).split(sep).join('/')
  if (/[^\w./-]/.test(prefix)) {
    const message = `expected the policy's folder to be named by letters, digits, _, . and -, found ${prefix}`
    throw new PolicyError('USAGE_INVALID', message)
  }
  const project = join(folder, PROJECT_FILE)
  const text = existsSync(project) ? fromUtf8(await readBytes(project)) : null
  if (text !== null) refuseOptions(policyRequest)
  const folders = policyFolders(text)
  const all = scaffoldGithub({ action, owners, prefix, folders })
  const policy =
    text === null ? await initPolicy({ ...policyRequest, readme: GITHUB_README }) : null
  const { files, kept } = split(top, all)
  await writeNewFiles(top, files)
  return {
    policy,
    github: {
      top: relative(folder, top).split(sep).join('/'),
      ...{ files: [...files.keys()].sort(), kept, warnings: warningsOf(action, kept) },
    },
  }
}

/** The nearest folder that Git has checked out; the policy's own when there is none yet. */
function topOf(folder: string): string {
  for (let path = folder; ; path = dirname(path)) {
    if (existsSync(join(path, '.git'))) return path
    if (dirname(path) === path) return folder
  }
}

/** These say what a new policy is to be; dropping them in silence would say that they were done. */
function refuseOptions({ project, reviewer, reviewerKey, library }: InitRequest): void {
  if ([project, reviewer, reviewerKey, library].every((one) => one === undefined)) return
  const message = `there is a ${PROJECT_FILE}: --project, --reviewer, --reviewer-key and --library are for a new one`
  throw new PolicyError('USAGE_INVALID', message)
}

function split(
  top: string,
  all: ReadonlyMap<string, string>,
): {
  readonly files: ReadonlyMap<string, { readonly text: string }>
  readonly kept: readonly string[]
} {
  const files = new Map<string, { readonly text: string }>()
  const kept: string[] = []
  for (const [path, text] of all) {
    // GitHub reads the first of these alone: a new one must not take the place of another.
    const places = path === GITHUB_CODEOWNERS ? CODEOWNERS_PLACES : [path]
    const found = places.find((place) => existsSync(join(top, place)))
    if (found === undefined) files.set(path, { text })
    else kept.push(found)
  }
  return { files, kept: kept.sort() }
}

/** Where GitHub looks, in its order. */
export const CODEOWNERS_PLACES: readonly string[] = [
  GITHUB_CODEOWNERS,
  'CODEOWNERS',
  'docs/CODEOWNERS',
]

function warningsOf({ name, ref, isPinned }: ActionReference, kept: readonly string[]): string[] {
  const warnings: string[] = []
  if (!isPinned) {
    warnings.push(
      `${name}@${ref} is a name that can be moved: whoever moves it runs other code with the workflow's token. Give the full digest of a commit instead`,
    )
  }
  if (kept.some((path) => CODEOWNERS_PLACES.includes(path))) {
    warnings.push(
      'see that CODEOWNERS names owners of .github/ and of all that belongs to the policy',
    )
  }
  return warnings
}
