import type { PullOpening } from '../../model/ports.ts'
import { idAt, textAt, valueAt } from '../forge/answer.ts'
import { askEach, openLogins } from '../forge/logins.ts'
import type { GithubClient } from './client.ts'
import type { Context } from './context.ts'
import type { Shown } from './pull.ts'

/** Whom the forge's calls are made as, and how the people of the roster are called today. */
export type People = {
  /** The id of the account that the credentials act as; null when they act as none that GitHub names. */
  self(): Promise<string | null>
  /** A person's login; null when there is no such account, or it is no person's. */
  login(id: string): Promise<string | null>
}

/** Nothing is asked yet. */
export function openPeople(client: GithubClient): People {
  let own: Promise<string | null> | null = null
  return {
    self: () => {
      own ??= readSelf(client).catch((error: unknown) => {
        own = null // The next call may meet a better day.
        throw error
      })
      return own
    },
    login: openLogins(
      (id) => readLogin(client, id),
      () => LOGIN_MS,
    ),
  }
}

/** People may change their login: it is asked for again after so long. */
const LOGIN_MS = 600_000

async function readSelf(client: GithubClient): Promise<string | null> {
  if (client.kind === 'app') {
    const app = await client.top('GET /app', {}, [])
    if (!app.done) return null
    const username = `${textAt(app.value, 'slug')}[bot]`
    const bot = await client.top('GET /users/{username}', { username }, [404])
    return bot.done ? String(idAt(bot.value, 'id')) : null
  }
  // A workflow's token acts as an account that it may not ask for.
  const user = await client.top('GET /user', {}, [403])
  return user.done ? String(idAt(user.value, 'id')) : null
}

/**
 * The login that a token acts under, also one of a workflow or of an App's installation, which may not ask REST for it;
 * null when GitHub does not say.
 *
 * @throws {PolicyError} FORGE_UNREACHABLE (retryable), FORGE_UNAUTHORIZED
 */
export async function readViewer(client: GithubClient): Promise<string | null> {
  const query = '{ viewer { login } }'
  const said = await client.top(`POST ${client.graphqlUrl}`, { query }, [400, 403, 404, 405, 422])
  const login = said.done ? valueAt(said.value, ['data', 'viewer', 'login']) : null
  return typeof login === 'string' ? login : null
}

async function readLogin(client: GithubClient, id: string): Promise<string | null> {
  const user = await client.top('GET /user/{account_id}', { account_id: Number(id) }, [403, 404])
  if (!user.done || textAt(user.value, 'type') !== 'User') return null
  // What answers for another account would ask the wrong person.
  return String(idAt(user.value, 'id')) === id ? textAt(user.value, 'login') : null
}

/**
 * Asks people for their review. Whom GitHub does not let be asked, such as who has no access to the repository, is left
 * out; they may review all the same.
 */
export async function askReviews(
  { client, people }: Context,
  shown: Shown,
  { reviewers }: Pick<PullOpening, 'reviewers'>,
): Promise<void> {
  const wanted = reviewers.filter((id) => id !== shown.author && !shown.asked.includes(id))
  const logins: string[] = []
  for (const id of wanted) {
    if (logins.length + shown.asked.length >= ASKED_MAX) break
    const login = await people.login(id)
    if (login !== null) logins.push(login)
  }
  await askEach(logins, async (names) => {
    const asking = { pull_number: shown.number, reviewers: names }
    const route = 'POST /pulls/{pull_number}/requested_reviewers'
    return (await client.ask(route, asking, [403, 404, 422])).done
  })
}

/** Reviewers that GitHub takes on one pull request. */
const ASKED_MAX = 15

/** Ids of who is asked for a review. @param value - a pull request, whole or from a list */
export function askedOf(value: unknown): string[] {
  const list = valueAt(value, ['requested_reviewers'])
  return Array.isArray(list) ? list.map((one: unknown) => String(idAt(one, 'id'))) : []
}
