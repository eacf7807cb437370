import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openGiteaForge } from '../../../src/host/forge-gitea.ts'
import type { GiteaTiming } from '../../../src/host/gitea/client.ts'
import type { Forge } from '../../../src/model/ports.ts'
import { PEOPLE, type People } from '../../fakes/review-case.ts'
import type { GiteaServer, GiteaUser } from './gitea.ts'
import { startGitea } from './gitea.ts'

/** A server with an engine's account and three people. */
export type GiteaTeam = {
  readonly gitea: GiteaServer
  readonly engine: GiteaUser
  readonly people: Readonly<Record<'ana' | 'bo' | 'cy', GiteaUser>>
  /** Who reviews, with their accounts. */
  readonly roster: People
}

/** One approvals repository: ana may read, the others write. */
export type GiteaWorld = {
  /** `owner/name`. */
  readonly repository: string
  /** A forge object of its own: the engine's, with each person's reviews posted from their own account. */
  readonly open: (about?: OpenAbout) => Forge
  /** Runs git on the server's bare repository. */
  readonly git: (...args: string[]) => Promise<string>
  /** Asks the API, below the repository. */
  readonly ask: (user: GiteaUser, route: string, body?: object) => Promise<unknown>
}

type OpenAbout = { readonly token?: string; readonly timing?: GiteaTiming }

/** Outages are waited for a tenth of the time; a busy server longer. */
export const FAST: GiteaTiming = { secondMs: 100, timeoutMs: 20_000, retries: 2, mergeMs: 60_000 }

export async function openTeam(): Promise<GiteaTeam> {
  const gitea = await startGitea()
  try {
    return await gather(gitea)
  } catch (error) {
    await gitea.close()
    throw error
  }
}

async function gather(gitea: GiteaServer): Promise<GiteaTeam> {
  const engine = await gitea.user('engine')
  const people = {
    ana: await gitea.user('ana'),
    bo: await gitea.user('bo'),
    cy: await gitea.user('cy'),
  }
  const roster = PEOPLE.map((person) => {
    const account = people[person.id as keyof typeof people] as GiteaUser | undefined
    return account === undefined ? person : { ...person, accounts: { gitea: String(account.id) } }
  })
  return { gitea, engine, people, roster }
}

let made = 0

export async function openWorld(team: GiteaTeam, settings: object = {}): Promise<GiteaWorld> {
  const { gitea, engine, people } = team
  made += 1
  const name = `approvals-${made}`
  const repository = `${gitea.admin.login}/${name}`
  const about = { name, auto_init: true, default_branch: 'main', private: true }
  await gitea.ask(gitea.admin, 'POST /user/repos', about)
  const members = [engine, ...Object.values(people)]
  for (const { login } of members) {
    const permission = login === 'ana' ? 'read' : 'write'
    const route = `PUT /repos/${repository}/collaborators/${login}`
    await gitea.ask(gitea.admin, route, { permission })
  }
  if (Object.keys(settings).length > 0) {
    await gitea.ask(gitea.admin, `PATCH /repos/${repository}`, settings)
  }
  const forgeOf = (token: string, timing: GiteaTiming): Forge =>
    openGiteaForge({
      ...{ repository, base: 'main', apiUrl: gitea.url, timing },
      credentials: () => ({ token }),
    })
  return {
    repository,
    open: ({ token = engine.token, timing = FAST } = {}) => ({
      ...forgeOf(token, timing),
      postReview: (number, review) => {
        const { reviewer } = review.statement.predicate
        const account = people[reviewer as keyof typeof people]
        return forgeOf(account.token, timing).postReview(number, review)
      },
    }),
    git: async (...args) => {
      const folder = join(gitea.repositories, `${repository}.git`)
      return (await promisify(execFile)('git', ['-C', folder, ...args])).stdout
    },
    ask: (user, route, body) => gitea.ask(user, route.replace(' ', ` /repos/${repository}`), body),
  }
}
