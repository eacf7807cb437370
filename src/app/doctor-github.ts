import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { readBytes } from '../host/files.ts'
import { findGitFolder } from '../host/git-folder.ts'
import type { GithubTiming } from '../host/github/client.ts'
import { GITHUB_API_URL, readGithubCredentials } from '../host/github/credentials.ts'
import { readProtections } from '../host/github/protections.ts'
import { PROJECT_FILE, policyFolders, readPolicyFiles } from '../host/policy-files.ts'
import { checkNameOn } from '../model/gate.ts'
import type { Project } from '../model/generated/types.ts'
import { parseDocuments } from '../policy/compile/index.ts'
import { assess, type Protection } from './github-protection.ts'
import { CODEOWNERS_PLACES } from './policy/init-github.ts'
import { GATE_CHECKS } from './policy/scaffold-github.ts'

export type { Protection } from './github-protection.ts'

export type GithubDoctorQuery = {
  /** Absolute: the policy repository's folder. It says where it is kept, unless `repository` does. */
  readonly folder: string
  /** `owner/name`. */
  readonly repository: string | null
  /** Default: the repository's default branch. */
  readonly branch: string | null
  /** Names of the gate's check runs: one of them must be required. */
  readonly checks: readonly string[] | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly timing?: GithubTiming
}

export type GithubReport = {
  readonly repository: string
  readonly branch: string
  readonly protections: readonly Protection[]
}

/**
 * Reads what protects a policy repository on GitHub and says what is missing. Changes nothing. What the token may not read
 * is unknown, never fine.
 *
 * @throws {PolicyError} USAGE_INVALID when nothing names the repository; FORGE_UNAUTHORIZED, FORGE_REFUSED,
 *   FORGE_UNREACHABLE
 */
export async function examineGithub(query: GithubDoctorQuery): Promise<GithubReport> {
  const { folder, environment, branch, timing } = query
  const text = await projectText(folder)
  const project = text === null ? undefined : projectIn(text)
  const forge = project?.forge?.kind === 'github' ? project.forge : undefined
  const named = forge === undefined ? undefined : (project?.changes?.repository ?? forge.repository)
  const repository = query.repository ?? named ?? environment['GITHUB_REPOSITORY'] ?? null
  if (repository === null || !/^[\w.-]{1,100}\/[\w.-]{1,100}$/.test(repository)) {
    const message = `expected --repository OWNER/NAME, found ${repository ?? 'no repository'}`
    throw new PolicyError('USAGE_INVALID', message)
  }
  const apiUrl = forge?.api_url ?? environment['GITHUB_API_URL'] ?? GITHUB_API_URL
  const protections = await readProtections({
    ...{ apiUrl, repository, branch, codeOwners: CODEOWNERS_PLACES },
    credentials: readGithubCredentials(environment, apiUrl),
    ...(timing === undefined ? {} : { timing }),
  })
  // The action names another branch than the default one in its check runs.
  const { branch: name, isDefault } = protections
  const posted = isDefault ? GATE_CHECKS : GATE_CHECKS.map((check) => checkNameOn(check, name))
  const checks = query.checks ?? posted
  const owned = await pathsToOwn(folder, text)
  return {
    repository,
    branch: name,
    protections: assess(protections, { checks, owned }),
  }
}

async function projectText(folder: string): Promise<string | null> {
  const file = join(folder, PROJECT_FILE)
  return existsSync(file) ? fromUtf8(await readBytes(file)) : null
}

/** What is wrong with it `check` says. */
function projectIn(text: string): Project | undefined {
  return parseDocuments(new Map([[PROJECT_FILE, text]])).documents.projects[0]?.value
}

/** What must have owners: what judges changes, the policy's files, and any that could be added to it. */
async function pathsToOwn(folder: string, text: string | null): Promise<readonly string[]> {
  const guard = ['.github/workflows/countersign.yml', '.github/workflows/any.yaml']
  const prefix = await findGitFolder(folder).then(
    (found) => found.prefix,
    () => '',
  )
  const at = (path: string): string => (prefix === '' || text === null ? path : `${prefix}/${path}`)
  const folders = policyFolders(text).filter(
    (name) => name === 'policies' || existsSync(join(folder, name)),
  )
  // What is wrong with its files `check` says.
  const files = text === null ? new Map() : await readPolicyFiles(folder).catch(() => new Map())
  return [
    ...[...guard, at(PROJECT_FILE), ...folders.map((name) => at(`${name}/any.yaml`))],
    ...folders.flatMap((name) => ADDED.map((file) => at(`${name}/${file}`))),
    ...[...files.keys()].map(at),
  ]
}

/** A pattern may be of one kind of file, or not reach below the folder. */
const ADDED = ['any.yml', 'any.rego', 'any.json', 'any/any.yaml', 'any/any.rego']
