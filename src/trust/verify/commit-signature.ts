import { PolicyError } from '../../base/errors.ts'
import type { CompiledChanges, CompiledPerson } from '../../model/generated/types.ts'
import type { ParsedCommit } from './commit.ts'
import { verifySshsig } from './sshsig.ts'

/** The SSHSIG namespace of Git's commits and tags. */
export const GIT_NAMESPACE = 'git'

/** How a commit is signed, by how its signature begins. */
export type CommitSignatureKind = 'ssh' | 'gpg'

/** A key of OpenPGP that signed, as GnuPG says. Only the host can ask it. */
export type GpgSigner = {
  /** Of the primary key, upper-case hexadecimal. */
  readonly fingerprint: string
}

export type SignedCommit = {
  /** The roster entry whose key signed. */
  readonly signer: string
  readonly kind: CommitSignatureKind
}

export type CommitTrust = {
  /** The base branch's roster. */
  readonly people: readonly CompiledPerson[]
  /** Unix milliseconds. */
  readonly now: number
}

/**
 * How a commit is signed, where that is one of the ways that are asked for.
 *
 * @throws {PolicyError} COMMIT_UNSIGNED; COMMIT_SIGNATURE_UNSUPPORTED
 */
export function commitSignatureKind(
  oid: string,
  { signed }: ParsedCommit,
  required: Exclude<CompiledChanges['signed_commits'], 'none'>,
): CommitSignatureKind {
  if (signed === null) {
    throw new PolicyError('COMMIT_UNSIGNED', `commit ${oid} is not signed; sign it and push again`)
  }
  const kind = KINDS.find(({ opening }) => signed.signature.startsWith(opening))?.kind
  if (kind === undefined) {
    const found = signed.signature.startsWith(CMS)
      ? 'one of X.509, such as gitsign makes'
      : 'another'
    const message = `commit ${oid}: expected a signature of SSH or OpenPGP, found ${found}`
    throw new PolicyError('COMMIT_SIGNATURE_UNSUPPORTED', message)
  }
  if (required !== 'signed' && required !== kind) {
    const message = `commit ${oid} is signed by ${kind}, and the base branch asks for ${required}`
    throw new PolicyError('COMMIT_SIGNATURE_UNSUPPORTED', message)
  }
  return kind
}

const KINDS = [
  { kind: 'ssh', opening: '-----BEGIN SSH SIGNATURE-----' },
  { kind: 'gpg', opening: '-----BEGIN PGP SIGNATURE-----' },
] as const

/** Its certificate lives for minutes, and what shows when it signed lies elsewhere. */
const CMS = '-----BEGIN SIGNED MESSAGE-----'

/**
 * Verifies the signature of a commit that SSH made, over exactly the bytes that git signs, and says whose it
 * is. The key must stand in one roster entry of the base branch, and have been valid at the commit's time.
 *
 * @throws {PolicyError} SIGNATURE_MALFORMED, SIGNATURE_WRONG, SIGNATURE_NAMESPACE, SIGNATURE_NO_PRESENCE,
 *   KEY_UNSUPPORTED, KEY_NOT_PINNED, KEY_NOT_VALID_THEN
 */
export function verifySshCommit(
  oid: string,
  commit: ParsedCommit,
  trust: CommitTrust,
): SignedCommit {
  const { signature = '', payload = new Uint8Array() } = commit.signed ?? {}
  const { fingerprint } = verifySshsig(signature, payload, GIT_NAMESPACE)
  const { person, found } = ownerOf(oid, fingerprint, trust.people, ({ keys }) =>
    keys.filter((key) => key.fingerprint === fingerprint),
  )
  const at = commit.committer.at
  for (const { valid_from, valid_until, revoked_at } of found) {
    const early = valid_from !== null && !(at >= Date.parse(valid_from))
    const late = valid_until !== null && !(at < Date.parse(valid_until))
    if (!early && !late && !isRevoked(revoked_at, at, trust.now)) continue
    throw notValid(oid, fingerprint, person.id)
  }
  return { signer: person.id, kind: 'ssh' }
}

/**
 * Whose OpenPGP key signed a commit, by the fingerprint that GnuPG says made a good signature.
 *
 * @throws {PolicyError} KEY_NOT_PINNED, KEY_NOT_VALID_THEN
 */
export function ownerOfGpgSigner(
  oid: string,
  commit: ParsedCommit,
  { fingerprint }: GpgSigner,
  { people, now }: CommitTrust,
): SignedCommit {
  const { person, found } = ownerOf(oid, fingerprint, people, ({ gpg_keys: keys = [] }) =>
    keys.filter((key) => key.fingerprint === fingerprint),
  )
  if (found.some(({ revoked_at }) => isRevoked(revoked_at, commit.committer.at, now))) {
    throw notValid(oid, fingerprint, person.id)
  }
  return { signer: person.id, kind: 'gpg' }
}

/** The one person in whose entry it stands. */
function ownerOf<T>(
  oid: string,
  what: string,
  people: readonly CompiledPerson[],
  pinnedIn: (person: CompiledPerson) => readonly T[],
): { readonly person: CompiledPerson; readonly found: readonly T[] } {
  const owners = people.filter((person) => pinnedIn(person).length > 0)
  const [person] = owners
  if (person !== undefined && owners.length === 1) return { person, found: pinnedIn(person) }
  const message = `commit ${oid}: ${what} must stand in one roster entry of the base branch`
  throw new PolicyError('KEY_NOT_PINNED', message)
}

/** A thief chooses the commit's time, so what counts is also that the key is not revoked by now. */
function isRevoked(revokedAt: string | null, at: number, now: number): boolean {
  return revokedAt !== null && !(Math.max(at, now) < Date.parse(revokedAt))
}

function notValid(oid: string, key: string, person: string): PolicyError {
  const message = `commit ${oid}: ${key} of '${person}' was not valid then, or is revoked`
  return new PolicyError('KEY_NOT_VALID_THEN', message)
}
