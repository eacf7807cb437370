import { PolicyError } from '../base/errors.ts'
import type { Request } from '../model/generated/types.ts'
import type { Clock, Forge, ForgeReview, Pull, PullText } from '../model/ports.ts'
import { folderOf, headDiffers, prettyJson } from './forge/names.ts'
import type { LocalRepository } from './forge-repository.ts'
import { openRepository } from './forge-repository.ts'
import type { Git, GitObject, RefChange } from './git.ts'
import { isOid, parentsOf, parseTree } from './git.ts'
import { openPullList } from './local/list.ts'
import type { Meta } from './local/meta.ts'
import {
  baseMissing,
  branchRef,
  checkRequestId,
  headRef,
  indexRef,
  metaRef,
  NAME,
  parseMeta,
  parseObject,
  pullUnknown,
  tampered,
} from './local/meta.ts'
import { giveNotice } from './local/notice.ts'
import { retry } from './local/retry.ts'
import { settle } from './local/settle.ts'
import { toolOf } from './local/words.ts'

export type LocalForgeOptions = {
  /** The bare repository; made on first use. */
  readonly folder: string
  /** The branch that resolved requests are committed to. */
  readonly base: string
  /** The name that reviews are bound to, beside the repository's own id. Default: `localhost`. */
  readonly host?: string
  readonly now: Clock
}

/**
 * A forge in a bare Git repository, without a server.
 *
 * | ref | holds |
 * | --- | --- |
 * | `refs/heads/requests/<id>` | the request's branch, while it waits |
 * | `refs/pull/<n>/head` | the same commit; never moves |
 * | `refs/pull/<n>/meta` | `pull.json`, `description.md`, `reviews/` and `notices/`, one commit a change |
 * | `refs/countersign/requests/<id>` | the first commit of `meta`: finds the number |
 * | `refs/countersign/latest` | the newest pull's first `meta`: finds the next number |
 * | the base branch | `requests/<id>/`: request, reviews and decision of what is settled |
 *
 * Every change of refs names the values that it expects, all of them or none: two processes cannot lose each other's
 * work. The repository's writers are trusted to keep it available, not to approve: that takes a signature.
 */
export function openLocalForge(options: LocalForgeOptions): Forge {
  const repository = openRepository(options)
  const context: Context = { ...options, repository }
  const list = openPullList()
  return {
    identity: async () => {
      const { id } = await repository.ready()
      return { kind: 'local', host: options.host ?? 'localhost', repository: id }
    },
    open: (request, text) => repository.exclusively((git) => open(context, git, request, text)),
    self: async () => null,
    openPulls: async (which) => list(await gitOf(context), which),
    notify: (number, notice) =>
      repository.exclusively((git) => giveNotice(context, git, number, notice)),
    setStatus: async () => undefined,
    pull: async (number) => pull(await gitOf(context), number),
    reviews: async (number) => reviews(await gitOf(context), number),
    postReview: (number, review) =>
      repository.exclusively((git) => postReview(context, git, number, review)),
    onBase: async (ancestor) => onBase(await gitOf(context), options.base, ancestor),
    settle: (number, headSha, closing) =>
      repository.exclusively((git) => settle(context, git, { number, headSha, closing })),
    where: (number) => `${options.folder} ${headRef(number)}`,
  }
}

type Context = LocalForgeOptions & { readonly repository: LocalRepository }

async function gitOf({ repository }: Context): Promise<Git> {
  return (await repository.ready()).git
}

/** Reviews of one pull request: their file names have four digits. */
const REVIEWS_MAX = 9_999

const AUTHOR = 'countersign'
const LATEST_REF = 'refs/countersign/latest'

async function open(
  { base, now }: Context,
  git: Git,
  request: Request,
  text: PullText,
): Promise<number> {
  const { id } = request
  checkRequestId(id)
  let taken = 0
  return retry(async () => {
    const [known, indexed, latestJson, latest, tip] = await git.read([
      `${indexRef(id)}:pull.json`,
      `${indexRef(id)}^{commit}`,
      `${LATEST_REF}:pull.json`,
      `${LATEST_REF}^{commit}`,
      `refs/heads/${base}^{commit}`,
    ])
    if (tip == null) throw baseMissing(base)
    if (known != null && indexed != null) {
      const meta = parseMeta(known)
      if (await complete(git, meta, indexed)) return meta.number
    }
    const number = Math.max(latestJson == null ? 0 : parseMeta(latestJson).number, taken) + 1
    const at = now()
    const meta: Meta = {
      ...{ number, request: id, state: 'open', title: text.title, author: AUTHOR },
      ...{ base, base_sha: tip.oid, opened_at: new Date(at).toISOString() },
    }
    const [head = '', first = ''] = await git.commit([
      {
        parents: [tip.oid],
        message: `Ask for ${toolOf(request)}\n\nRequest: ${id}\n`,
        at,
        files: { [`${folderOf(id)}/request.json`]: prettyJson(request) },
      },
      {
        // The head as parent keeps it from being collected, and says which one it was.
        ...{ parents: [':1'], emptied: true, at },
        message: `Open pull request ${number}\n\nRequest: ${id}\n`,
        files: { 'pull.json': prettyJson(meta), 'description.md': text.body },
      },
    ])
    const changed = await git.changeRefs([
      // First, so that a crash half-way leaves the one ref from which the rest is completed.
      { ref: indexRef(id), from: indexed?.oid ?? null, to: first },
      { ref: headRef(number), from: null, to: head },
      { ref: metaRef(number), from: null, to: first },
      { ref: branchRef(id), from: null, to: head },
      { ref: LATEST_REF, from: latest?.oid ?? null, to: first },
    ])
    if (changed) return number
    const [holder] = await git.read([`${headRef(number)}^{commit}`])
    if (holder != null) taken = Math.max(taken, number)
    return null
  })
}

/**
 * Completes a pull request whose opening a crash has cut short.
 *
 * @returns false when its number has gone to another request meanwhile
 */
async function complete(git: Git, meta: Meta, first: GitObject): Promise<boolean> {
  const [head] = parentsOf(first)
  const { number, request } = meta
  const [headNow, metaJson, branch] = await git.read([
    `${headRef(number)}^{commit}`,
    `${metaRef(number)}:pull.json`,
    `${branchRef(request)}^{commit}`,
  ])
  if (head === undefined) throw tampered(`${indexRef(request)} has no parent`)
  if (headNow != null && headNow.oid !== head) return false
  const waiting = metaJson == null || parseMeta(metaJson).state === 'open'
  const changes: RefChange[] = []
  if (headNow == null) changes.push({ ref: headRef(number), from: null, to: head })
  if (metaJson == null) changes.push({ ref: metaRef(number), from: null, to: first.oid })
  if (branch == null && waiting) changes.push({ ref: branchRef(request), from: null, to: head })
  if (changes.length === 0) return true
  // When another process was quicker, the next try finds out what it has done.
  return (await git.changeRefs(changes)) || complete(git, meta, first)
}

async function pull(git: Git, number: number): Promise<Pull> {
  const [head, metaJson] = await git.read([
    `${headRef(number)}^{commit}`,
    `${metaRef(number)}:pull.json`,
  ])
  if (head == null || metaJson == null) throw pullUnknown(number)
  const meta = parseMeta(metaJson, number)
  const [request] = await git.read([`${head.oid}:${folderOf(meta.request)}/request.json`])
  if (request == null) throw tampered(`${headRef(number)} has no request.json`)
  return {
    number,
    state: meta.state,
    baseRef: meta.base,
    baseSha: meta.base_sha,
    headSha: head.oid,
    author: meta.author,
    requestText: request.content.toString('utf8'),
  }
}

async function reviews(git: Git, number: number): Promise<ForgeReview[]> {
  const [meta, folder] = await git.read([
    `${metaRef(number)}:pull.json`,
    `${metaRef(number)}:reviews`,
  ])
  if (meta == null) throw pullUnknown(number)
  if (folder == null) return []
  const oids = new Map(parseTree(folder).map(({ name, oid }) => [name, oid]))
  const ids = reviewIds(oids.keys())
  const objects = await git.read(
    ids.flatMap((id) => [oids.get(`${id}.json`) ?? '', oids.get(`${id}.md`) ?? '']),
  )
  return ids.map((id, index) => {
    const [facts, body] = objects.slice(2 * index, 2 * index + 2)
    if (facts == null || body == null) throw tampered(`review ${id} of pull request ${number}`)
    return parseReview(id, facts, body)
  })
}

async function postReview(
  { now }: Context,
  git: Git,
  number: number,
  { statement, body, submittedAt }: Parameters<Forge['postReview']>[1],
): Promise<void> {
  const { reviewer, verdict, pull: signed } = statement.predicate
  if (!NAME.test(reviewer)) throw tampered('the reviewer is no name')
  await retry(async () => {
    const [head, commit, metaJson, folder] = await git.read([
      `${headRef(number)}^{commit}`,
      `${metaRef(number)}^{commit}`,
      `${metaRef(number)}:pull.json`,
      `${metaRef(number)}:reviews`,
    ])
    if (head == null || commit == null || metaJson == null) throw pullUnknown(number)
    const meta = parseMeta(metaJson, number)
    if (meta.state !== 'open') {
      throw new PolicyError('REQUEST_RESOLVED', `pull request ${number} is ${meta.state}`)
    }
    if (signed.headSha !== head.oid) throw headDiffers(number)
    const last = folder == null ? [] : reviewIds(parseTree(folder).map(({ name }) => name))
    const next = Number(last.at(-1)?.slice(0, 4) ?? 0) + 1
    if (next > REVIEWS_MAX) {
      throw new PolicyError('FORGE_CONFLICT', `pull request ${number} has too many reviews`)
    }
    const facts = {
      ...{ commit: head.oid, poster: null, state: verdict === 'reject' ? 'rejected' : 'approved' },
      submitted_at: new Date(submittedAt).toISOString(),
    }
    const name = `reviews/${String(next).padStart(4, '0')}-${reviewer}`
    const [to = ''] = await git.commit([
      {
        parents: [commit.oid],
        message: `Review by ${reviewer}: ${verdict}\n\nRequest: ${meta.request}\n`,
        at: now(),
        files: { [`${name}.json`]: prettyJson(facts), [`${name}.md`]: body },
      },
    ])
    return (await git.changeRefs([{ ref: metaRef(number), from: commit.oid, to }])) || null
  })
}

async function onBase(git: Git, base: string, ancestor: string): Promise<boolean> {
  if (!isOid(ancestor)) return false
  const [commit] = await git.read([`${ancestor}^{commit}`])
  if (commit == null) return false
  // Always prints a number; an exit code alone would be easy to misread.
  const beyond = await git.run(['rev-list', '--count', ancestor, `^refs/heads/${base}`])
  return beyond.trim() === '0'
}

function reviewIds(names: Iterable<string>): string[] {
  const ids = new Set<string>()
  for (const name of names) {
    const id = name.replace(/\.(?:json|md)$/, '')
    if (!/^[0-9]{4}-/.test(id) || !NAME.test(id.slice(5))) throw tampered('a file in reviews/')
    ids.add(id)
  }
  return [...ids].sort()
}

function parseReview(id: string, facts: GitObject, body: GitObject): ForgeReview {
  const object = parseObject(facts)
  const { commit, poster, state, submitted_at } = object
  const submittedAt = typeof submitted_at === 'string' ? Date.parse(submitted_at) : Number.NaN
  if (typeof commit !== 'string' || !isState(state) || Number.isNaN(submittedAt)) {
    throw tampered(`reviews/${id}.json`)
  }
  if (poster !== null && typeof poster !== 'string') throw tampered(`reviews/${id}.json`)
  const text = body.content.toString('utf8')
  return { id, commit, poster, posterKind: 'none', state, body: text, submittedAt }
}

function isState(value: unknown): value is ForgeReview['state'] {
  return ['approved', 'rejected', 'commented', 'dismissed'].some((state) => state === value)
}
