import type { CompiledRoute, Person } from '../../model/generated/types.ts'
import type { Documents } from './documents.ts'

/** What decides whether people's reviews can count: the forge, and the time where it is known (Unix milliseconds). */
export type Circumstances = { readonly now: number | null; readonly forge: string }

/** The kind of forge that requests are reviewed on. */
export function forgeOf({ projects }: Documents): string {
  return projects[0]?.value.forge?.kind ?? 'local'
}

/** Whether a person has the account that a forge's reviews count by. The local forge has none. */
export function hasAccount({ accounts }: Person, forge: string): boolean {
  return forge === 'local' || (accounts !== undefined && Object.hasOwn(accounts, forge))
}

/** Whether a review of this person can count on a route. Without a signature only a forge with accounts can tell who. */
export function canReview(
  person: Person,
  { signature }: Pick<CompiledRoute, 'signature'>,
  { now, forge }: Circumstances,
): boolean {
  if (!hasAccount(person, forge)) return false
  if (signature === 'none' && forge !== 'local') return true
  return canSign(person, { signature, now })
}

/** Whether a person can sign as a route wants it. Without a clock only revocation is known. */
export function canSign(
  person: Person,
  { signature, now }: Pick<CompiledRoute, 'signature'> & Pick<Circumstances, 'now'>,
): boolean {
  const identified = (person.identities ?? []).length > 0
  if (signature === 'sigstore') return identified
  return hasKey(person, now) || (signature !== 'ssh' && identified)
}

/** Whether a person has a key that counts. */
function hasKey(person: Person, now: number | null): boolean {
  return (person.keys ?? []).some((key) => {
    const { valid_from: from, valid_until: until, revoked_at: revoked } = key
    if (now === null) return revoked === undefined
    if (from !== undefined && Date.parse(from) > now) return false
    return [until, revoked].every((end) => end === undefined || Date.parse(end) > now)
  })
}

/** What a person needs so that their reviews count, in words. */
export function needOf({ signature }: Pick<CompiledRoute, 'signature'>, forge: string): string {
  const words = {
    ssh: 'a valid key',
    sigstore: 'an identity',
    signed: 'a valid key or an identity',
    none: forge === 'local' ? 'a valid key or an identity' : '',
  } as const
  const account = forge === 'local' ? '' : `an account on ${forge}`
  return [words[signature], account].filter((word) => word !== '').join(' and ')
}
