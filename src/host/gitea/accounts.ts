import { idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import { once } from '../forge/keep.ts'
import { openLogins } from '../forge/logins.ts'
import type { GiteaClient } from './client.ts'

/** Gitea's accounts by their ids. */
export type Accounts = {
  /** The id of the account that the token is of. */
  self(): Promise<string>
  /**
   * The name of a person's account. Null for what is none: Gitea finds persons alone, neither bots nor organisations,
   * and says of no account what it is; nor is a person found who hides from the token's account.
   */
  loginOf(id: string): Promise<string | null>
}

export function openAccounts(client: GiteaClient): Accounts {
  return {
    self: once(async () => String(idAt(await client.server('GET /user'), 'id'))),
    loginOf: openLogins(
      (id) => readLogin(client, id),
      (login) => (login === null ? NONE_MS : LOGIN_MS),
    ),
  }
}

/** People may change their names, and show themselves: both are asked for again after so long. */
const LOGIN_MS = 600_000
const NONE_MS = 10_000

async function readLogin(client: GiteaClient, id: string): Promise<string | null> {
  const found = await client.server('GET /users/search', { query: { uid: id } })
  const user = listAt(found, 'data').find((one) => String(valueAt(one, ['id'])) === id)
  return user === undefined ? null : textAt(user, 'login')
}
