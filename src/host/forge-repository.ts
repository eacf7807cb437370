import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { encodeHex } from '../base/encoding.ts'
import { PolicyError } from '../base/errors.ts'
import type { Clock } from '../model/ports.ts'
import type { Git } from './git.ts'
import { openGit, SILENCE_MS_MAX } from './git.ts'

export type LocalRepository = {
  /** Makes the repository when it is not there. */
  ready(): Promise<{ readonly git: Git; readonly id: string }>
  /** Runs writers of this process one after another; other processes are met by comparing refs. */
  exclusively<T>(work: (git: Git) => Promise<T>): Promise<T>
}

/**
 * The bare repository of a local forge. Its id, drawn when it is made, stands in its configuration: reviews are bound
 * to it, so that a copy under another id gets none of them.
 *
 * @throws {PolicyError} GIT_FAILED when the folder holds something else, or the branch cannot be one
 */
export function openRepository(options: {
  readonly folder: string
  readonly base: string
  readonly now: Clock
}): LocalRepository {
  const folder = resolve(options.folder)
  let opened: Promise<{ git: Git; id: string }> | undefined
  let last: Promise<unknown> = Promise.resolve()
  const ready = (): Promise<{ git: Git; id: string }> => {
    opened ??= openOrMake({ ...options, folder }).catch((error: unknown) => {
      opened = undefined // The next call may find git, or the disk, in a better state.
      throw error
    })
    return opened
  }
  return {
    ready,
    exclusively: (work) => {
      const run = last.then(async () => work((await ready()).git))
      // A lock that a killed git left must not keep the forge away for good.
      last = run.catch(() => removeStaleLocks(folder))
      return run
    },
  }
}

type Making = { readonly folder: string; readonly base: string; readonly now: Clock }

async function openOrMake(making: Making): Promise<{ git: Git; id: string }> {
  const { folder, base } = making
  // Of what git-check-ref-format(1) allows, the names that need no thought.
  const plain = /^[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*$/.test(base)
  if (!plain || base.endsWith('.lock') || base.startsWith('requests/') || base === 'requests') {
    throw new PolicyError(
      'GIT_FAILED',
      'expected a plain branch name outside requests/ as forge.base',
    )
  }
  if (!(await exists(join(folder, 'HEAD')))) await make(making)
  await removeStaleLocks(folder)
  const git = openGit(folder)
  return { git, id: await readId(git, folder) }
}

/** Locks of refs that are older than any git of ours lives. A younger one may be somebody's who is at work. */
async function removeStaleLocks(folder: string): Promise<void> {
  const oldest = Date.now() - 2 * SILENCE_MS_MAX
  const refs = await readdir(join(folder, 'refs'), { recursive: true }).catch(() => [])
  const locks = refs.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name))
  for (const name of [...locks, 'packed-refs.lock', 'HEAD.lock']) {
    const file = join(folder, name)
    const found = await stat(file).catch(() => null)
    if (found !== null && found.mtimeMs < oldest) await rm(file, { force: true })
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}

async function readId(git: Git, folder: string): Promise<string> {
  const text = await git.run(['config', '--local', '--null', '--list'])
  const settings = new Map(
    text.split('\0').map((entry) => {
      const end = entry.indexOf('\n')
      return [entry.slice(0, end), entry.slice(end + 1)]
    }),
  )
  const id = settings.get('countersign.id')
  if (id === undefined || !/^[0-9a-f]{32}$/.test(id)) {
    throw new PolicyError(
      'GIT_FAILED',
      `${folder} is no repository of the local forge; name an empty folder as forge.path`,
    )
  }
  if (settings.get('countersign.format') !== FORMAT) {
    throw new PolicyError('GIT_FAILED', `${folder} is of a newer format; upgrade countersign`)
  }
  return id
}

const FORMAT = '1'

/** Makes the repository beside its place and moves it there, so that nobody meets half of one. */
async function make({ folder, base, now }: Making): Promise<void> {
  const parent = dirname(folder)
  const draft = join(parent, `.${basename(folder)}-${encodeHex(randomBytes(8))}`)
  try {
    await mkdir(draft, { recursive: true })
    const git = openGit(draft)
    await git.run(['init', '--bare', '--template=', `--initial-branch=${base}`])
    await appendFile(join(draft, 'config'), config(encodeHex(randomBytes(16))))
    const [commit = ''] = await git.commit([
      { parents: [], message: 'Start the record\n', at: now(), files: { 'README.md': README } },
    ])
    await git.changeRefs([{ ref: `refs/heads/${base}`, from: null, to: commit }])
    await rename(draft, folder)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    if (await exists(join(folder, 'HEAD'))) return // Another process was quicker.
    if (cause instanceof PolicyError) throw cause
    throw new PolicyError('GIT_FAILED', `cannot make a repository at ${folder}`, { cause })
  }
}

/** A push may add to the record and never take from it. */
function config(id: string): string {
  return `[countersign]
\tid = ${id}
\tformat = ${FORMAT}
[receive]
\tdenyNonFastForwards = true
\tdenyDeletes = true
\tfsckObjects = true
`
}

const README = `# Requests and decisions

Actions of agents that waited for people, and how they ended. Each folder of \`requests/\` holds the request, the
signed reviews and the receipt of the decision; \`git log\` tells them in order. What still waits is on a branch
\`requests/<id>\`.

Written by \`countersign\`. Editing here decides nothing: only signed reviews count.
`
