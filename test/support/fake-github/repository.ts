import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'

export type CommitFacts = {
  readonly sha: string
  readonly tree: string
  readonly parents: readonly string[]
  readonly name: string
  readonly email: string
  readonly date: string
  readonly message: string
}

export type ChangedFile = { readonly status: string; readonly path: string; readonly blob: string }

export type Repository = ReturnType<typeof openRepository>

/** A real bare repository behind the fake's answers. */
export function openRepository(folder: string) {
  const git = (...args: readonly string[]): Promise<string> => run(folder, args)
  const quiet = async (...args: readonly string[]): Promise<string | null> => {
    try {
      return (await git(...args)).trim()
    } catch {
      return null
    }
  }
  // Every object is loose here, since nothing packs them: reading and writing them needs no process.
  const fileOf = (oid: string) => join(folder, 'objects', oid.slice(0, 2), oid.slice(2))
  const object = (oid: string): { type: string; content: Buffer } | null => {
    if (!/^[0-9a-f]{40}$/.test(oid)) return null
    try {
      const bytes = inflateSync(readFileSync(fileOf(oid)))
      const end = bytes.indexOf(0)
      const type = bytes.subarray(0, end).toString().split(' ')[0] ?? ''
      return { type, content: bytes.subarray(end + 1) }
    } catch {
      return null
    }
  }
  const write = (type: string, content: Buffer): string => {
    const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content])
    const oid = createHash('sha1').update(bytes).digest('hex')
    mkdirSync(dirname(fileOf(oid)), { recursive: true })
    if (!existsSync(fileOf(oid))) writeFileSync(fileOf(oid), deflateSync(bytes))
    return oid
  }
  const changed = new Map<string, ChangedFile[]>()
  const commit = async (name: string): Promise<CommitFacts | null> => {
    // A trap: as in Git, a tag goes before a branch of the same name.
    const named = async () => (await read(`refs/tags/${name}`)) ?? read(`refs/heads/${name}`)
    const sha = /^[0-9a-f]{40}$/.test(name) ? name : await named()
    const found = sha === null ? null : object(sha)
    if (sha === null || found?.type !== 'commit') return null
    const [head = '', ...rest] = found.content.toString('utf8').split('\n\n')
    const all = (key: string) =>
      head
        .split('\n')
        .flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []))
    const [, who = '', email = '', at = ''] =
      /^(.*) <(.*)> (\d+) /.exec(all('committer')[0] ?? '') ?? []
    const date = new Date(Number(at) * 1000).toISOString().replace('.000', '')
    const about = { name: who, email, date, message: rest.join('\n\n') }
    return { sha, tree: all('tree')[0] ?? '', parents: all('parent'), ...about }
  }
  const read = async (ref: string): Promise<string | null> => {
    try {
      return trim(readFileSync(join(folder, ref), 'utf8'))
    } catch {
      return null
    }
  }
  return {
    folder,
    git,
    commit,
    init: async (base: string): Promise<void> => {
      mkdirSync(folder, { recursive: true })
      await git('init', '--quiet', '--bare', `--initial-branch=${base}`)
    },
    /** A ref's commit. */
    read,
    /** @returns false when the ref had another value */
    move: async (ref: string, from: string | null, to: string | null): Promise<boolean> => {
      const old = from ?? '0'.repeat(40)
      const args = to === null ? ['-d', ref, old] : [ref, to, old]
      return (await quiet('update-ref', ...args)) !== null
    },
    blob: async (bytes: string | Buffer) => write('blob', Buffer.from(bytes as string)),
    readBlob: async (oid: string) => object(oid)?.content ?? Buffer.alloc(0),
    type: async (oid: string) => object(oid)?.type ?? null,
    /** A tree on top of another, as GitHub's `base_tree`. */
    tree: async (
      under: string | null,
      entries: readonly { mode: string; path: string; oid: string }[],
    ): Promise<string> => {
      const index = `${folder}/index-${process.pid}-${++trees}`
      const environment = { GIT_INDEX_FILE: index }
      if (under !== null) await run(folder, ['read-tree', under], undefined, environment)
      const lines = entries.map(({ mode, path, oid }) => `${mode} ${oid}\t${path}\n`).join('')
      await run(folder, ['update-index', '--add', '--index-info'], lines, environment)
      return trim(await run(folder, ['write-tree'], undefined, environment))
    },
    makeCommit: async (
      tree: string,
      parents: readonly string[],
      message: string,
      who: { readonly name: string; readonly email: string },
    ): Promise<string> => {
      const at = `${who.name} <${who.email}> ${Math.floor(Date.now() / 1000)} +0000`
      const lines = [
        `tree ${tree}`,
        ...parents.map((parent) => `parent ${parent}`),
        ...[`author ${at}`, `committer ${at}`, '', message],
      ]
      return write('commit', Buffer.from(lines.join('\n')))
    },
    /** @returns the merged tree; null when there are conflicts */
    merge: (one: string, other: string) => quiet('merge-tree', '--write-tree', one, other),
    mergeBase: (one: string, other: string) => quiet('merge-base', one, other),
    isAncestor: async (one: string, other: string): Promise<boolean> =>
      (await quiet('merge-base', '--is-ancestor', one, other)) !== null,
    count: async (from: string, to: string): Promise<number> =>
      Number(trim(await git('rev-list', '--count', to, `^${from}`))),
    /** @param from - the commit's first parent */
    changes: async (from: string | null, to: string): Promise<ChangedFile[]> => {
      const known = changed.get(to)
      if (known !== undefined) return known
      const sides = from === null ? ['--root', to] : [from, to]
      const text = await git('diff-tree', '-r', '-z', '--no-commit-id', '--raw', ...sides)
      const parts = text.split('\0').filter(Boolean)
      const files: ChangedFile[] = []
      for (let i = 0; i + 1 < parts.length; i += 2) {
        const [, , , blob = '', letter = ''] = (parts[i] ?? '').split(' ')
        const status = { A: 'added', D: 'removed' }[letter] ?? 'modified'
        files.push({ status, path: parts[i + 1] ?? '', blob })
      }
      changed.set(to, files)
      return files
    },
    entry: async (ref: string, path: string): Promise<{ type: string; oid: string } | null> => {
      const line = await quiet('ls-tree', ref, '--', path)
      const [, type = '', oid = ''] = /^\d+ (\w+) ([0-9a-f]+)\t/.exec(line ?? '') ?? []
      return type === '' ? null : { type, oid }
    },
  }
}

let trees = 0

function trim(text: string): string {
  return text.trim()
}

function run(
  folder: string,
  args: readonly string[],
  input = '',
  environment: Record<string, string> = {},
): Promise<string> {
  const inherited = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_NOSYSTEM: '1', HOME: folder }
  const child = spawn('git', ['-C', folder, ...args], { env: { ...inherited, ...environment } })
  const out: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  child.stdin.on('error', () => undefined) // Git may end before it has read all.
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
      else reject(new Error(`git ${args[0]}: ${Buffer.concat(errors).toString('utf8')}`))
    })
  })
}
