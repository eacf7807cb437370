import { filled } from './description.ts'
import type { Call, Handler } from './operations.ts'
import { commitOf, gitCommitOf, refOf } from './shapes.ts'
import type { State } from './state.ts'
import { invalid, notFound, Refused, touch } from './state.ts'

/** Git's own objects: refs, commits, trees, blobs, and what is made of them. */
export const GIT_OPERATIONS: Readonly<Record<string, Handler>> = {
  'git/get-ref': async (state, { path }) => {
    const ref = `refs/${path['ref']}`
    const sha = await state.repository.read(ref)
    if (sha === null) throw notFound()
    return { status: 200, body: refOf(ref, sha) }
  },
  'git/create-ref': async (state, { body }) => {
    const [ref, sha] = [String(body['ref']), String(body['sha'])]
    if ((await state.repository.type(sha)) !== 'commit')
      throw new Refused(422, 'Object does not exist')
    if (!/^refs\/heads\/[^.~^:?*[\\\s]+$/.test(ref))
      throw new Refused(422, 'Reference name is not valid')
    if (!(await state.repository.move(ref, null, sha)))
      throw new Refused(422, 'Reference already exists')
    return { status: 201, body: refOf(ref, sha) }
  },
  'git/update-ref': async (state, { path, body }) => {
    const [ref, sha] = [`refs/${path['ref']}`, String(body['sha'])]
    const from = await state.repository.read(ref)
    if (from === null) throw new Refused(422, 'Reference does not exist')
    if (state.protectedBase && ref === `refs/heads/${state.base}`) {
      throw new Refused(422, 'Changes must be made through a pull request.')
    }
    if (body['force'] !== true && !(await state.repository.isAncestor(from, sha))) {
      throw new Refused(422, 'Update is not a fast forward')
    }
    if (!(await state.repository.move(ref, from, sha))) {
      throw new Refused(409, 'Reference cannot be updated: is at another commit, but expected')
    }
    return { status: 200, body: refOf(ref, sha) }
  },
  'git/delete-ref': async (state, { path }) => {
    const ref = `refs/${path['ref']}`
    const from = await state.repository.read(ref)
    if (from === null) throw new Refused(422, 'Reference does not exist')
    await state.repository.move(ref, from, null)
    closePullsOf(state, ref)
    return { status: 204, body: undefined }
  },
  'git/get-commit': async (state, { path }) => {
    const facts = await state.repository.commit(path['commit_sha'] ?? '')
    if (facts === null) throw notFound()
    return { status: 200, body: gitCommitOf(facts) }
  },
  'git/create-commit': async (state, { body, user }) => {
    const parents = (body['parents'] ?? []) as string[]
    const who = { name: user.login, email: `${user.login}@users.test` }
    const { repository } = state
    const sha = await repository.makeCommit(
      String(body['tree']),
      parents,
      String(body['message']),
      who,
    )
    const facts = await repository.commit(sha)
    return { status: 201, body: gitCommitOf(facts as NonNullable<typeof facts>) }
  },
  'git/create-tree': async (state, { body }) => {
    const { repository } = state
    const entries = await Promise.all(
      (body['tree'] as Record<string, string>[]).map(
        async ({ path = '', mode = '', sha, content }) => {
          if (sha !== undefined && (await repository.type(sha)) === null) {
            throw invalid('Tree', `tree.sha ${sha} is not a valid blob`)
          }
          return { mode, path, oid: sha ?? (await repository.blob(content ?? '')) }
        },
      ),
    )
    const under = body['base_tree'] as string | undefined
    if (under !== undefined && (await repository.type(under)) !== 'tree') throw notFound()
    return {
      status: 201,
      body: filled('git-tree', { sha: await repository.tree(under ?? null, entries) }),
    }
  },
  'git/get-blob': async (state, { path }) => {
    const sha = path['file_sha'] ?? ''
    if ((await state.repository.type(sha)) !== 'blob') throw notFound()
    const bytes = await state.repository.readBlob(sha)
    const given = { sha, size: bytes.length, encoding: 'base64', content: brokenBase64(bytes) }
    return { status: 200, body: filled('blob', given) }
  },
  'repos/get-commit': async (state, { path }) => {
    const facts = await state.repository.commit(path['ref'] ?? '')
    if (facts === null) throw new Refused(422, `No commit found for SHA: ${path['ref']}`)
    const files = await state.repository.changes(facts.parents[0] ?? null, facts.sha)
    const shown = files.map(({ status, path: filename, blob }) =>
      filled('diff-entry', { status, filename, sha: blob }),
    )
    return { status: 200, body: commitOf(state, facts, shown) }
  },
  'repos/compare-commits-with-basehead': compare,
  'repos/get-content': async (state, { path, query }) => {
    const name = path['path'] ?? ''
    const ref = query.get('ref') ?? state.base
    const entry = await state.repository.entry(ref, name)
    if (entry?.type === 'tree') return { status: 200, body: await listing(state, ref, name) }
    if (entry === null || entry.type !== 'blob') throw notFound()
    const bytes = await state.repository.readBlob(entry.oid)
    const given = { path: name, name: name.split('/').at(-1), sha: entry.oid, type: 'file' }
    const content = { size: bytes.length, encoding: 'base64', content: brokenBase64(bytes) }
    return { status: 200, body: filled('content-file', { ...given, ...content }) }
  },
}

async function compare(state: State, { path, query }: Call) {
  const [one = '', other = ''] = (path['basehead'] ?? '').split('...')
  const { repository } = state
  const [base, head] = [await repository.commit(one), await repository.commit(other)]
  if (base === null || head === null) throw notFound()
  const merge = await repository.mergeBase(base.sha, head.sha)
  const common = merge === null ? null : await repository.commit(merge)
  if (common === null) throw notFound()
  const ahead = await repository.count(base.sha, head.sha)
  const behind = await repository.count(head.sha, base.sha)
  const [status] =
    ahead > 0 ? [behind > 0 ? 'diverged' : 'ahead'] : [behind > 0 ? 'behind' : 'identical']
  const body = filled('commit-comparison', {
    ...{ status, ahead_by: ahead, behind_by: behind, total_commits: ahead, commits: [] },
    ...{ base_commit: commitOf(state, base), merge_base_commit: commitOf(state, common) },
    // A trap: only the first page has files.
    ...(Number(query.get('page') ?? 1) === 1 ? { files: [] } : {}),
  })
  return { status: 200, body }
}

/** A pull request whose branch goes is closed, and cannot be opened again. */
function closePullsOf(state: State, ref: string): void {
  for (const pull of state.pulls) {
    if (`refs/heads/${pull.branch}` !== ref || pull.state === 'closed') continue
    pull.state = 'closed'
    touch(state, pull)
  }
}

/** What lies right below a folder. */
async function listing(state: State, ref: string, folder: string): Promise<unknown> {
  const names = await state.repository.git('ls-tree', '--name-only', `${ref}:${folder}`)
  const entries = names
    .split('\n')
    .filter(Boolean)
    .map(async (name) => {
      const path = `${folder}/${name}`
      const found = await state.repository.entry(ref, path)
      const type = found?.type === 'tree' ? 'dir' : 'file'
      const url = 'https://github.test/'
      const links = { _links: { git: url, html: url, self: url }, git_url: url, html_url: url }
      return { type, name, path, sha: found?.oid, size: 0, url, download_url: url, ...links }
    })
  return Promise.all(entries)
}

/** GitHub breaks lines after 60 characters. */
function brokenBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll(/.{1,60}/g, '$&\n')
}
