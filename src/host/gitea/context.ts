import { randomBytes } from 'node:crypto'
import { encodeHex } from '../../base/encoding.ts'
import { idAt } from '../forge/answer.ts'
import { once } from '../forge/keep.ts'
import { retryWith } from '../forge/retry.ts'
import { openTurns } from '../forge/turns.ts'
import type { Accounts } from './accounts.ts'
import { openAccounts } from './accounts.ts'
import type { ClientOptions, GiteaClient } from './client.ts'
import { openGiteaClient } from './client.ts'

/** A commit that asks for one request: nothing else may be in it, since approving merges all of it. */
export type Head = {
  readonly request: string
  readonly requestText: string
  /** Its only parent. */
  readonly parent: string
  /** Ids of the accounts that Gitea knows its author and committer by. */
  readonly accounts: readonly string[]
  readonly message: string
  /** When it was committed, in Unix milliseconds; the server's clock for the commits that it makes. */
  readonly at: number
}

/** What one forge's calls share. */
export type Context = {
  readonly client: GiteaClient
  readonly accounts: Accounts
  /** The branch that resolved requests are committed to. */
  readonly base: string
  /** The repository's numeric id, as text. */
  readonly repository: () => Promise<string>
  /** How many a page holds: servers differ. */
  readonly pageSize: () => Promise<number>
  readonly heads: Map<string, Head>
  /** Where people see a pull request. */
  readonly where: (number: number) => string
  /** Runs what has the same key one after another. */
  readonly turns: ReturnType<typeof openTurns>
  /** Stands in the commits that this object makes, so that it knows them again. */
  readonly mark: string
}

export function openContext(
  options: ClientOptions & {
    readonly base: string
    readonly where: (number: number) => string
  },
): Context {
  const client = openGiteaClient(options)
  return {
    client,
    accounts: openAccounts(client),
    base: options.base,
    where: options.where,
    // Learned once: a name that goes to another repository later must not pass for this one.
    repository: once(async () => String(idAt(await client.get('GET '), 'id'))),
    pageSize: once(async () => {
      const settings = await client.server('GET /settings/api')
      return Math.min(PAGE_MAX, idAt(settings, 'max_response_items'))
    }),
    heads: new Map(),
    turns: openTurns(),
    mark: encodeHex(randomBytes(8)),
  }
}

const PAGE_MAX = 50

/**
 * Whether a change was overtaken by another one of the same branch. Gitea has a different answer for every moment in
 * which that can happen, 500 among them.
 */
export function isOvertaken({
  status,
  message,
}: {
  readonly status: number
  readonly message: string
}): boolean {
  return status === 500 || /cannot lock ref|out of date|fast.?forward/i.test(message)
}

/** Repeats `attempt` until it gives a value; null means that somebody else changed the same refs. */
export function retry<T>({ client }: Context, attempt: () => Promise<T | null>): Promise<T> {
  const pauseMs = (tries: number) =>
    (0.1 + Math.random() * 0.2 * Math.min(tries, 5)) * client.secondMs
  return retryWith({ tries: TRIES_MAX, pauseMs }, attempt)
}

const TRIES_MAX = 25
