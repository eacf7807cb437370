import { PolicyError } from '../../base/errors.ts'
import { readBytes } from '../../host/files.ts'
import { type Git, openGit } from '../../host/git.ts'
import { findGitFolder } from '../../host/git-folder.ts'
import { PROJECT_FILE } from '../../host/policy-files.ts'
import { commitOf, readPolicyRevision } from '../../host/policy-revision.ts'
import type { CompiledPolicy, CompiledRelease } from '../../model/generated/types.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import type { ReleaseProperty } from '../../model/release-gate.ts'
import { isSamePart } from '../../policy/analyse/diff-fields.ts'
import { compile } from '../../policy/compile/index.ts'
import { releaseDigest } from '../../policy/compile/release-digest.ts'
import { verifyReleaseAttestation } from '../../trust/verify/release.ts'
import { readTrust } from '../receipts/receipts.ts'
import { documentBeside } from './verify-release.ts'

/**
 * How it is proven that there is something to go back to: the base branch has it, as of a revision (default: the commit
 * that the policy's folder is checked out at), or its own attestation, with `release.json` beside it, says that it once
 * could ship. Absolute paths.
 */
export type RollbackProof =
  | { readonly base: string | null }
  | { readonly attestation: string; readonly trust: string }

type About = {
  readonly release: CompiledRelease
  readonly policy: CompiledPolicy
  readonly folder: string
  readonly rego: RegoCompiler
}

/**
 * Whether there is an earlier release to go back to, or this is the agent's first.
 *
 * @throws {PolicyError} FILE_UNREADABLE for a revision or a file that was named; TRUST_INVALID; GIT_FAILED
 */
export async function rollbackReady(about: About, proof: RollbackProof): Promise<ReleaseProperty> {
  const { release, policy } = about
  const { rollback: to, agent } = release
  if (to === null) return first(about, 'base' in proof ? proof.base : null)
  const target = (policy.releases ?? []).find((one) => one.release === to)
  if (target === undefined || target.agent !== agent || to === release.release) {
    return missing(`there is no earlier release ${to} of ${agent}`)
  }
  if ('attestation' in proof) return attested(target, proof)
  const based = await policyAt(about, proof.base)
  if ('why' in based) return missing(based.why)
  const before = based.policy?.releases?.find((one) => one.release === to)
  if (before === undefined) return missing(`the base ${based.sha} has no release ${to}`)
  if (isSamePart(before, target)) return ready(`${to}, as the base ${based.sha} has it`)
  return missing(`${to} is not what the base ${based.sha} has under this name`)
}

function ready(detail: string): ReleaseProperty {
  return { id: 'rollback', passed: true, says: 'allow', code: null, detail }
}

function missing(detail: string): ReleaseProperty {
  const code = 'RELEASE_ROLLBACK_MISSING'
  return { id: 'rollback', passed: false, says: 'deny', code, detail }
}

/** An agent that has been released before has something to go back to. */
async function first(about: About, base: string | null): Promise<ReleaseProperty> {
  const { release, policy } = about
  const based = await policyAt(about, base)
  if ('why' in based) return missing(based.why)
  const all = [...(policy.releases ?? []), ...(based.policy?.releases ?? [])]
  const other = all.find((one) => one.agent === release.agent && one.release !== release.release)
  if (other === undefined) return ready(`it is the first release of ${release.agent}`)
  return missing(`${other.release} is another release of ${release.agent}: name one to go back to`)
}

async function attested(
  target: CompiledRelease,
  proof: { readonly attestation: string; readonly trust: string },
): Promise<ReleaseProperty> {
  const trust = readTrust(proof.trust)
  const text = new TextDecoder().decode(await readBytes(proof.attestation))
  const document = await readBytes(documentBeside(proof.attestation))
  try {
    const { times } = verifyReleaseAttestation(text, trust, {
      artefacts: target.artefacts,
      isApprovedEnough: true,
      // An artefact may be that of several releases, which differ in prompt or model.
      document: { bytes: document, name: target.release, digest: releaseDigest(target) },
    })
    const at = times[0] === undefined ? '' : ` at ${new Date(times[0]).toISOString()}`
    return ready(`${target.release} was attested${at}`)
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return missing(`the attestation of ${target.release}: ${error.code} ${error.message}`)
  }
}

type Based =
  | { readonly sha: string; readonly policy: CompiledPolicy | null }
  | { readonly why: string }

/** The policy that the base branch has, from Git's objects; null where it has none yet. */
async function policyAt({ folder, rego }: About, base: string | null): Promise<Based> {
  const found = await gitAt(folder, base)
  if ('why' in found) return found
  const { git, sha, prefix } = found
  const files = await readPolicyRevision(git, sha, prefix)
  if (!files.has(PROJECT_FILE)) return { sha, policy: null }
  const { bundle, diagnostics } = await compile(files, { rego })
  if (bundle !== null) return { sha, policy: bundle.policy }
  const [error] = diagnostics.filter(({ severity }) => severity === 'error')
  return { why: `the policy of the base ${sha} does not compile: ${error?.message ?? ''}` }
}

type Commit = { readonly git: Git; readonly prefix: string; readonly sha: string }

async function gitAt(
  folder: string,
  base: string | null,
): Promise<Commit | { readonly why: string }> {
  try {
    const { gitDir, prefix } = await findGitFolder(folder)
    const git = openGit(gitDir)
    return { git, prefix, sha: await commitOf(git, base ?? 'HEAD') }
  } catch (cause) {
    // What was named must be there; what was not is only missing.
    if (base !== null || !(cause instanceof PolicyError)) throw cause
    const why = 'the policy lies in no Git commit; name what proves it: --base or --verify-rollback'
    return { why }
  }
}
