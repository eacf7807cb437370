import { PolicyError } from '../../base/errors.ts'
import type { Request } from '../../model/generated/types.ts'
import type { RequestRecord } from '../../model/ports.ts'
import { renderPull } from '../../trust/approve/render.ts'
import { accountOf, hasAccounts } from '../../trust/verify/poster.ts'
import type { Parts } from '../engine/parts.ts'
import { mayShare } from './batches.ts'

export type OpenedRequest = RequestRecord & { readonly pull: number }

/**
 * Opens the request's pull request unless it is open, and asks the routes' people for their reviews. The forge gives the
 * same number for the same request, so that one which a crash or an outage cut short is finished.
 *
 * @throws {PolicyError} FORGE_CONFLICT (retryable) when the request was put into a batch meanwhile; REQUEST_UNOPENED
 *   (retryable) where it is for another process to open it; as `Forge.open`
 */
export async function openPull(parts: Parts, found: RequestRecord): Promise<OpenedRequest> {
  if (found.pull !== null) return { ...found, pull: found.pull }
  const { request } = found
  if (!(await mayOpen(parts))) {
    const message = `${request.id} has no pull request yet; the engine that asked opens it, since whoever does cannot review it`
    throw new PolicyError('REQUEST_UNOPENED', message, { retryable: true })
  }
  if (mayShare(parts, request)) await claim(parts, request)
  // Of one that has ended, nobody is asked anything.
  const people = found.resolution === null ? peopleOf(request) : []
  const reviewers = await accountsOf(parts, request, people)
  const { tools } = parts.judge.bundle.policy
  const tool = tools.find((one) => one.service === request.service && one.action === request.action)
  const text = renderPull(request, { effect: tool?.effect })
  const pull = await parts.forge.open(request, { ...text, reviewers })
  await parts.store.transact((tx) => tx.setPull(request.id, pull))
  return { ...found, pull }
}

/** Whether this process opens pull requests: where the forge has accounts, one with a reviewer's credentials does not. */
export async function mayOpen({ opensPulls, forge }: Pick<Parts, 'opensPulls' | 'forge'>) {
  return opensPulls || !hasAccounts(await forge.identity())
}

/** Nobody puts a request into a batch from now on: what is opened next is its own pull request. */
async function claim(parts: Parts, { id }: Request): Promise<void> {
  if (await parts.store.transact((tx) => tx.setAlone(id))) return
  throw new PolicyError('FORGE_CONFLICT', `${id} was put into a batch; look at it again`, {
    retryable: true,
  })
}

/** Everybody who may count from the beginning, sorted. */
export function peopleOf({ routes }: Request): string[] {
  return [...new Set(routes.flatMap(({ reviewers }) => reviewers))].sort()
}

/** Accounts of these people on the forge of this moment, sorted; the agent's owner cannot review and is not asked. */
export async function accountsOf(
  parts: Parts,
  request: Request,
  people: readonly string[],
): Promise<string[]> {
  const forge = await parts.forge.identity()
  if (!hasAccounts(forge)) return []
  const owner = ownerOf(parts, request)
  const accounts = parts.judge.bundle.policy.people
    .filter(({ id }) => people.includes(id) && id !== owner)
    .flatMap((person) => accountOf(person, forge) ?? [])
  return [...new Set(accounts)].sort()
}

/** Who owns the agent that asks, by the policy of this moment. */
export function ownerOf({ judge }: Pick<Parts, 'judge'>, { agent }: Request): string | null {
  return judge.bundle.policy.agents.find((entry) => entry.agent === agent)?.owner ?? null
}
