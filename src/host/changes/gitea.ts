import { PolicyError } from '../../base/errors.ts'
import type { Change, ChangeForge, ProposedPull } from '../../model/ports.ts'
import { authorsOf, idAt, listAt, textAt, valueAt } from '../forge/answer.ts'
import {
  BODY_LENGTH_MAX,
  checkNumber,
  cut,
  headDiffers,
  oidAt,
  TITLE_LENGTH_MAX,
} from '../forge/names.ts'
import { checkPosting, isPosted } from '../forge/posting.ts'
import type { GiteaForgeOptions } from '../forge-gitea.ts'
import type { Context } from '../gitea/context.ts'
import { openContext } from '../gitea/context.ts'
import { foundOf } from '../gitea/pull.ts'
import { readReviews } from '../gitea/reviews.ts'

/**
 * Changes of a policy repository on Gitea: its pull requests, from forks too, since nothing of a head is run. The same
 * options as the forge's; `base` does not count, since each pull request has its own.
 */
export function openGiteaChanges(options: Omit<GiteaForgeOptions, 'base'>): ChangeForge {
  const { repository, timing } = options
  const apiUrl = options.apiUrl.replace(/\/+$/, '')
  let opened: Context | null = null
  const context = (): Context => {
    opened ??= openContext({
      ...{ apiUrl, repository, base: '', credentials: options.credentials() },
      where: (number) => `${apiUrl.replace(/\/api\/v1$/, '')}/${repository}/pulls/${number}`,
      ...(timing === undefined ? {} : { timing }),
    })
    return opened
  }
  return {
    identity: async () => {
      const { host } = new URL(apiUrl)
      return { kind: 'gitea', host, repository: await context().repository() }
    },
    change: async (number) => readChange(context(), number),
    pushers: async (commits) => accountsOf(context(), commits),
    reviews: async ({ number }) => readReviews(context(), number),
    postReview: async (change, review) => postReview(context(), change, review),
    propose: async (branch, text) => propose(context(), branch, text),
  }
}

async function readChange(context: Context, number: number): Promise<Change> {
  checkNumber(number)
  const { client } = context
  const answer = await client.ask(`GET /pulls/${number}`, { statuses: [404] })
  const value = await foundOf(context, number, answer)
  // A name can go to another repository. The head may lie in a fork: it is data.
  const base = String(valueAt(value, ['base', 'repo_id']))
  if (base !== (await context.repository()) || idAt(value, 'number') !== number) {
    const message = `the base of pull request ${number} is in another repository`
    throw new PolicyError('REQUEST_TAMPERED', message)
  }
  const baseRef = textAt(value, 'base', 'ref')
  const state = textAt(value, 'state') === 'open' ? 'open' : 'closed'
  const author = valueAt(value, ['user', 'id'])
  return {
    number,
    state: valueAt(value, ['merged']) === true ? 'merged' : state,
    baseRef,
    tip: await tipOf(context, `heads/${baseRef}`),
    headSha: oidAt(value, 'head', 'sha'),
    author: typeof author === 'number' && author > 0 ? String(author) : '',
  }
}

/** Gitea answers with every ref whose name begins so. */
async function tipOf({ client }: Context, name: string): Promise<string> {
  const path = name.split('/').map(encodeURIComponent).join('/')
  const refs = listAt(await client.get(`GET /git/refs/${path}`))
  const found = refs.find((one) => valueAt(one, ['ref']) === `refs/${name}`)
  return oidAt(found, 'object', 'sha')
}

/** By id. Commits that Gitea knows nobody for add nobody: their signatures say more. */
async function accountsOf({ client }: Context, commits: readonly string[]): Promise<string[]> {
  const accounts = new Set<string>()
  const query = { stat: 'false', verification: 'false', files: 'false' }
  for (const sha of commits) {
    const commit = await client.get(`GET /git/commits/${sha}`, { query })
    if (textAt(commit, 'sha') !== sha) throw new PolicyError('FORGE_CONFLICT', `no commit ${sha}`)
    for (const id of authorsOf(commit)) if (id > 0) accounts.add(String(id))
  }
  return [...accounts].sort()
}

async function postReview(
  context: Context,
  change: Change,
  { verdict, body, account }: Parameters<ChangeForge['postReview']>[1],
): Promise<void> {
  const { client } = context
  const { number, headSha } = change
  const self = await context.accounts.self()
  checkPosting({ self, account, remedy: 'use' })
  const posted = await readReviews(context, number)
  if (isPosted(posted, { self, commit: headSha, body })) return
  if ((await readChange(context, number)).headSha !== headSha) throw headDiffers(number)
  // Gitea takes an event that it does not know for a draft, and says nothing.
  const event = verdict === 'reject' ? 'REQUEST_CHANGES' : 'APPROVED'
  const posting = { body: { event, commit_id: headSha, body }, statuses: [422] }
  const answer = await client.ask(`POST /pulls/${number}/reviews`, posting)
  if (answer.done) return
  if (/your own pull/i.test(answer.message)) {
    const message = `this account opened pull request ${number}; somebody else must review it`
    throw new PolicyError('REVIEW_SELF', message)
  }
  throw new PolicyError('FORGE_REFUSED', `Gitea does not take the review (422: ${answer.message})`)
}

async function propose(
  { client }: Context,
  { name, baseRef }: Parameters<ChangeForge['propose']>[0],
  { title, body }: Parameters<ChangeForge['propose']>[1],
): Promise<ProposedPull> {
  const words = { title: cut(title, TITLE_LENGTH_MAX), body: cut(body, BODY_LENGTH_MAX) }
  const route = `GET /pulls/${encodeURIComponent(baseRef)}/${encodeURIComponent(name)}`
  const answer = await client.ask(route, { statuses: [404] })
  const known = answer.done && textAt(answer.value, 'state') === 'open' ? answer.value : null
  const made =
    known === null
      ? await client.ask('POST /pulls', { body: { ...words, head: name, base: baseRef } })
      : await client.ask(`PATCH /pulls/${idAt(known, 'number')}`, { body: words })
  const pull = made.done ? made.value : undefined
  return { number: idAt(pull, 'number'), where: textAt(pull, 'html_url') }
}
