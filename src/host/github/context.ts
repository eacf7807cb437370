import { idAt } from '../forge/answer.ts'
import { once } from '../forge/keep.ts'
import type { ClientOptions, GithubClient } from './client.ts'
import { openGithubClient } from './client.ts'
import type { People } from './people.ts'
import { openPeople } from './people.ts'

/** A commit that asks for one request: nothing else may be in it, since approving merges all of it. */
export type Head = {
  readonly request: string
  readonly requestText: string
  /** The blob of `request.json`. */
  readonly blob: string
  /** Its only parent. */
  readonly parent: string
  /** Ids of the accounts that GitHub knows its author and committer by. */
  readonly accounts: readonly string[]
}

/** What one forge's calls share. */
export type Context = {
  readonly client: GithubClient
  /** The branch that resolved requests are committed to. */
  readonly base: string
  /** The repository's numeric id, as text. */
  readonly repository: () => Promise<string>
  readonly heads: Map<string, Head>
  readonly people: People
}

export function openContext(options: ClientOptions & { readonly base: string }): Context {
  const client = openGithubClient(options)
  return {
    client,
    base: options.base,
    // Learned once: a name that goes to another repository later must not pass for this one.
    repository: once(async () => String(idAt(await client.get('GET '), 'id'))),
    heads: new Map(),
    people: openPeople(client),
  }
}
