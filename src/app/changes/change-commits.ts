import { PolicyError } from '../../base/errors.ts'
import { verifyGpgCommit } from '../../host/commit-gpg.ts'
import type { Git } from '../../host/git.ts'
import { readCommits } from '../../host/git-changes.ts'
import type { CompiledChanges } from '../../model/generated/types.ts'
import type { ChangeProblem } from '../../model/policy-change.ts'
import type { ParsedCommit } from '../../trust/verify/commit.ts'
import { parseCommit } from '../../trust/verify/commit.ts'
import type {
  CommitSignatureKind,
  CommitTrust,
  SignedCommit,
} from '../../trust/verify/commit-signature.ts'
import {
  commitSignatureKind,
  ownerOfGpgSigner,
  verifySshCommit,
} from '../../trust/verify/commit-signature.ts'

export type CheckedCommits = {
  /** People whose keys signed, sorted. */
  readonly signers: readonly string[]
  readonly problems: readonly ChangeProblem[]
  /** The last commit's own time, Unix milliseconds; null when it cannot be read. */
  readonly headAt: number | null
}

/**
 * Verifies the signature of every commit of a change. Where none is asked for, signatures that stand still say who
 * worked on it, so that they do not review it; those that do not stand say nothing.
 *
 * @param commits - oldest first; the last is the head
 */
export async function checkCommits(
  { git, gitDir }: { readonly git: Git; readonly gitDir: string },
  commits: readonly string[],
  required: CompiledChanges['signed_commits'],
  trust: CommitTrust,
): Promise<CheckedCommits> {
  const bytes = await readCommits(git, commits)
  const signers = new Set<string>()
  const problems: ChangeProblem[] = []
  let headAt: number | null = null
  for (const [index, oid] of commits.entries()) {
    headAt = null
    try {
      const commit = parseCommit(oid, bytes[index] ?? new Uint8Array())
      headAt = commit.committer.at
      const signed = await signerOf({ gitDir, oid, commit }, required, trust)
      if (signed !== null) signers.add(signed.signer)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      problems.push({ code: error.code, message: error.message, about: oid })
    }
  }
  return { signers: [...signers].sort(), problems, headAt }
}

type Commit = { readonly gitDir: string; readonly oid: string; readonly commit: ParsedCommit }

async function signerOf(
  { gitDir, oid, commit }: Commit,
  required: CompiledChanges['signed_commits'],
  trust: CommitTrust,
): Promise<SignedCommit | null> {
  if (required === 'none') {
    const kind = commit.signed === null ? null : kindOrNone(oid, commit)
    // Asking GnuPG for a signature that nobody wants would let any commit start it.
    if (kind === null || kind === 'gpg') return null
    try {
      return verifySshCommit(oid, commit, trust)
    } catch (error) {
      if (error instanceof PolicyError) return null
      throw error
    }
  }
  const kind = commitSignatureKind(oid, commit, required)
  if (kind !== 'gpg') return verifySshCommit(oid, commit, trust)
  const keys = trust.people.flatMap(({ gpg_keys: pinned = [] }) =>
    pinned.map(({ public_key }) => public_key),
  )
  const fingerprint = await verifyGpgCommit({ gitDir, oid, keys })
  return ownerOfGpgSigner(oid, commit, { fingerprint }, trust)
}

function kindOrNone(oid: string, commit: ParsedCommit): CommitSignatureKind | null {
  try {
    return commitSignatureKind(oid, commit, 'signed')
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}
