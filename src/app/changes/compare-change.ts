import type { Digest } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import type { Git } from '../../host/git.ts'
import { filesBetween } from '../../host/git-changes.ts'
import { isPolicyFile, PROJECT_FILE, policyFolders } from '../../host/policy-files.ts'
import { readPolicyRevision } from '../../host/policy-revision.ts'
import type { CompiledChanges } from '../../model/generated/types.ts'
import type { ChangedFile, Weakening } from '../../model/policy-change.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import { weakeningsOf } from '../../policy/analyse/change-needs.ts'
import { comparePolicies } from '../../policy/analyse/diff.ts'
import { compareChecks } from '../../policy/analyse/diff-checks.ts'
import { compareTests } from '../../policy/analyse/diff-tests.ts'
import type { Bundle } from '../../policy/bundle/index.ts'
import type { PolicyFiles } from '../../policy/compile/index.ts'
import { parseDocuments } from '../../policy/compile/index.ts'
import { compiled, sideOf } from '../policy/diff-policy.ts'

/** A policy as some tree of the repository has it. */
export type PolicyTree = { readonly bundle: Bundle; readonly files: PolicyFiles }

/** Compiles trees of one repository, each once: a change's head is most often what merging makes of it. */
export type PolicyTrees = {
  /**
   * @param name - for messages
   * @param treeish - a commit or a tree
   * @throws {PolicyError} the first complaint about that policy, its file from the repository's top
   */
  at(name: string, treeish: string): Promise<PolicyTree>
  /** Takes one that has been compiled elsewhere. */
  put(treeish: string, made: PolicyTree): Promise<void>
}

/** @param folder - the policy's, within the repository */
export function openTrees(git: Git, folder: string, rego: RegoCompiler): PolicyTrees {
  const known = new Map<string, Promise<PolicyTree>>()
  const treeOf = async (treeish: string): Promise<string> =>
    (await git.run(['rev-parse', '--verify', `${treeish}^{tree}`])).trim()
  return {
    put: async (treeish, made) => {
      known.set(await treeOf(treeish), Promise.resolve(made))
    },
    at: async (name, treeish) => {
      const asked = known.get(treeish)
      if (asked !== undefined) return asked
      const tree = await treeOf(treeish)
      const made = known.get(tree) ?? openTree(git, folder, rego, { name, tree })
      known.set(treeish, made)
      known.set(tree, made)
      return made
    },
  }
}

async function openTree(
  git: Git,
  folder: string,
  rego: RegoCompiler,
  { name, tree }: { readonly name: string; readonly tree: string },
): Promise<PolicyTree> {
  const files = await readPolicyRevision(git, tree, folder)
  try {
    const { bundle } = await compiled(name, files, rego)
    return { bundle, files }
  } catch (error) {
    throw fromTop(error, folder)
  }
}

/** Compiling names files from the policy's folder; all else here does so from the repository's top. */
function fromTop(error: unknown, folder: string): unknown {
  if (!(error instanceof PolicyError) || error.file === undefined || error.file === '') return error
  const { code, message, at } = error
  const file = below(folder, error.file)
  return new PolicyError(code, message, { cause: error, file, ...(at === undefined ? {} : { at }) })
}

/** What merging a change does to the policy: part by part, to its tests, and to what guards the repository. */
export function compareTrees(
  before: PolicyTree,
  after: PolicyTree,
  {
    files,
    changes,
    folder,
  }: {
    readonly files: readonly ChangedFile[]
    readonly changes: CompiledChanges
    readonly folder: string
  },
): Weakening[] {
  const [old, now] = [parseDocuments(before.files), parseDocuments(after.files)]
  const compared = {
    changes: comparePolicies({ before: sideOf(before, after), after: sideOf(after, before) }),
    tests: compareTests(old.documents, now.documents),
    checks: compareChecks(before.files, after.files),
    files,
  }
  return weakeningsOf(compared, changes).map((one) => {
    if (one.place === null || one.part === 'guard') return one
    return { ...one, place: { ...one.place, file: below(folder, one.place.file) } }
  })
}

/** What reviewers are shown of weakenings, without places: moving a rule makes no other change of it. */
export function weakenWords(weakenings: readonly Weakening[]): string[] {
  const words = weakenings.map(({ part, id, direction, message, route }) =>
    [part, id, direction, message, route].join('\n'),
  )
  return [...new Set(words)].sort(compareText)
}

/** Files that a change touches, by path from the repository's top. */
export async function changedFiles(
  git: Git,
  trees: { readonly before: string; readonly after: string },
  { folder, texts }: { readonly folder: string; readonly texts: readonly PolicyFiles[] },
): Promise<ChangedFile[]> {
  const named = texts.flatMap((files) => policyFolders(files.get(PROJECT_FILE) ?? null))
  const files = await filesBetween(git, trees.before, trees.after)
  return files.map(({ path, change }) => ({ path, change, role: roleOf(path, folder, named) }))
}

function roleOf(path: string, folder: string, folders: readonly string[]): ChangedFile['role'] {
  if (GUARDS.some((guard) => guard.test(path))) return 'guard'
  const prefix = folder === '' ? '' : `${folder}/`
  const inside = path.startsWith(prefix) ? path.slice(prefix.length) : ''
  return inside !== '' && isPolicyFile(inside, folders) ? 'policy' : 'other'
}

/** What says who reviews, what runs for a pull request, or how files are merged. */
const GUARDS: readonly RegExp[] = [
  /^\.(?:github|gitea|forgejo|gitlab)(?:\/|$)/i,
  /^\.gitlab-ci\.yml$/i,
  /^Jenkinsfile$/i,
  /^(?:docs\/)?CODEOWNERS$/i,
  /(?:^|\/)\.gitattributes$/i,
]

function below(folder: string, file: string): string {
  return folder === '' ? file : `${folder}/${file}`
}

/** The digest of a tree's policy; null when it does not compile, and then why. */
export async function digestAt(
  trees: PolicyTrees,
  name: string,
  treeish: string,
): Promise<{ readonly digest: Digest | null; readonly error: PolicyError | null }> {
  try {
    return { digest: (await trees.at(name, treeish)).bundle.digest, error: null }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return { digest: null, error }
  }
}
