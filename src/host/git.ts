import { devNull } from 'node:os'
import { join } from 'node:path'
import type { SimpleGit } from 'simple-git'
import { simpleGit } from 'simple-git'
import { PolicyError } from '../base/errors.ts'
import { GIT_OUTPUT_BYTES_MAX } from '../base/limits.ts'

/** One object of the repository. */
export type GitObject = {
  /** Hexadecimal object id. */
  readonly oid: string
  readonly type: string
  readonly content: Buffer
}

export type TreeEntry = { readonly mode: string; readonly name: string; readonly oid: string }

/** What stands at a path of a new commit: new bytes, or an object that the repository has. */
export type NewFile = string | Uint8Array | { readonly blob: string } | { readonly tree: string }

export type NewCommit = {
  /** Object ids, or `:1` for the first commit of the same call. The tree starts as the first parent's. */
  readonly parents: readonly string[]
  /** Start from an empty tree instead. Default: false. */
  readonly emptied?: boolean
  readonly message: string
  /** Unix milliseconds. */
  readonly at: number
  /** By path. */
  readonly files: Readonly<Record<string, NewFile>>
}

/** One ref of an all-or-nothing change. `from` is the value it must have; null when it must not exist. */
export type RefChange = {
  readonly ref: string
  readonly from: string | null
  /** null deletes it. */
  readonly to: string | null
}

/**
 * One bare repository through the `git` program. Nothing of the machine's or the user's configuration is read and no
 * hook runs, so that every machine writes the same commits.
 *
 * Each function throws GIT_FAILED when git is not installed, and FORGE_UNREACHABLE (retryable) when it fails.
 */
export type Git = {
  run(args: readonly string[], input?: string | Buffer): Promise<string>
  /** Objects by name, null for those that are missing. One process, whatever the number. */
  read(names: readonly string[]): Promise<(GitObject | null)[]>
  /** Writes commits with their trees and blobs; no ref points to them yet. @returns their ids. One process or two. */
  commit(commits: readonly NewCommit[]): Promise<string[]>
  /** Changes all refs or none. @returns false when one of them had another value. One process. */
  changeRefs(changes: readonly RefChange[]): Promise<boolean>
}

/**
 * Opens a repository; nothing is run yet.
 *
 * @param folder - must exist
 * @param objects - absolute; where its objects lie. Default: in the folder
 */
export function openGit(folder: string, objects?: string): Git {
  const at = { folder, ...(objects === undefined ? {} : { objects }) }
  const run = async (args: readonly string[], input?: string | Buffer): Promise<string> => {
    try {
      return await instance(at, input).raw([...args])
    } catch (cause) {
      throw failed(cause)
    }
  }
  return {
    run,
    read: async (names) => {
      // Asked for nothing, git answers nothing, and simple-git would wait for more until it gives up.
      if (names.length === 0) return []
      let output: Buffer
      try {
        const input = names.map((name) => `${checkName(name)}\n`).join('')
        output = await instance(at, input).binaryCatFile(['--batch'])
      } catch (cause) {
        throw failed(cause)
      }
      return parseObjects(output, names.length)
    },
    commit: async (commits) => {
      const output = await run(FAST_IMPORT, importStream(commits))
      const oids = output.split('\n').filter((line) => OID.test(line))
      if (oids.length !== commits.length) throw unreachable('git fast-import wrote too little')
      return oids
    },
    changeRefs: async (changes) => {
      const lines = changes.map((change) => `${refLine(change)}\n`)
      try {
        // Inside `start` and `commit` every line answers, and without an answer simple-git waits 50 ms for one.
        await run(['update-ref', '--stdin'], `start\n${lines.join('')}commit\n`)
        return true
      } catch (error) {
        if (error instanceof PolicyError && CONFLICT.test(error.message)) return false
        throw error
      }
    },
  }
}

/** Entries of a tree object. */
export function parseTree({ content, oid }: GitObject): TreeEntry[] {
  const entries: TreeEntry[] = []
  const width = oid.length / 2
  let offset = 0
  while (offset < content.length) {
    const space = content.indexOf(0x20, offset)
    const end = content.indexOf(0x00, offset)
    if (space < 0 || end < space || end + 1 + width > content.length) {
      throw unreachable('git gave a tree that ends early')
    }
    entries.push({
      mode: content.toString('utf8', offset, space),
      name: content.toString('utf8', space + 1, end),
      oid: content.toString('hex', end + 1, end + 1 + width),
    })
    offset = end + 1 + width
  }
  return entries
}

/** Parents of a commit object, in order. */
export function parentsOf({ content }: GitObject): string[] {
  const [header = ''] = content.toString('utf8').split('\n\n', 1)
  const lines = header.split('\n').filter((line) => line.startsWith('parent '))
  return lines.map((line) => line.slice('parent '.length))
}

/** Whether a text is an object id. */
export function isOid(text: string): boolean {
  return OID.test(text)
}

const OID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/
/** What simple-git says when it was told to stop. */
const ABORTED = 'Abort signal received'
const FAST_IMPORT = ['fast-import', '--quiet', '--done', '--date-format=raw']

/** What git says, under LC_ALL=C, when a ref is not as a change expects it. */
const CONFLICT =
  /reference already exists|is at [0-9a-f]+ but expected|is missing but expected|unable to resolve reference/

/** A git that says nothing for so long hangs, in milliseconds. */
export const SILENCE_MS_MAX = 30_000

const CONFIG = [
  `core.hooksPath=${devNull}`,
  'core.fsmonitor=false', // A program of the repository's choice, which `git status` would start.
  'core.commitGraph=false', // A file beside the commits may say other parents than they do.
  'gc.auto=0', // Maintenance is the owner's to start, never in the middle of a review.
  'core.fsync=committed,reference', // A review that was accepted must survive a power cut.
  'core.fsyncMethod=batch',
  'core.filesRefLockTimeout=1000', // Milliseconds: two processes may settle at once.
  'core.packedRefsTimeout=1000',
]

/** simple-git keeps one input an instance, so every call gets its own; making one takes microseconds. */
function instance(
  { folder, objects }: { readonly folder: string; readonly objects?: string },
  input?: string | Buffer,
): SimpleGit {
  const environment: Record<string, string> = {
    GIT_DIR: folder,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // A repository's own configuration can name a remote to fetch missing objects from, and so a program to run.
    GIT_ALLOW_PROTOCOL: '',
    // Nor may a ref put another object in the place of the one that was signed for, or a file another parent.
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_GRAFT_FILE: join(devNull, 'none'), // Of a file that is there, though empty, Git complains.
    ...(objects === undefined ? {} : { GIT_OBJECT_DIRECTORY: objects }),
    LC_ALL: 'C',
  }
  const passed = ['PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR']
  for (const name of passed) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  const stop = new AbortController()
  return simpleGit({
    abort: stop.signal,
    baseDir: folder,
    config: CONFIG,
    trimmed: false,
    timeout: { block: SILENCE_MS_MAX },
    // The process has ended when its output has; waiting for more would lose bytes or time.
    completion: { onClose: true, onExit: false },
    // By default an exit code other than zero passes for success when git says nothing.
    errors: (error, { exitCode, stdErr }) => {
      if (error !== undefined || exitCode === 0) return error
      return new Error(`exit code ${exitCode}: ${Buffer.concat(stdErr).toString('utf8')}`)
    },
    ...(input === undefined ? {} : { input: () => input }),
    // simple-git refuses these from outside; here they only shut the outside out.
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
    unsafe: {
      allowUnsafeConfigPaths: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeHooksPath: true,
      allowUnsafeTemplateDir: true,
    },
  })
    .env(environment)
    .outputHandler((_command, stdout) => {
      let bytes = 0
      stdout.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > GIT_OUTPUT_BYTES_MAX) stop.abort()
      })
    })
}

function checkName(name: string): string {
  // A line feed would name another object and shift every answer after it.
  if (/[\n\r\0]/.test(name)) throw unreachable('an object name with a line feed')
  return name
}

function parseObjects(output: Buffer, count: number): (GitObject | null)[] {
  const objects: (GitObject | null)[] = []
  let offset = 0
  while (objects.length < count) {
    const end = output.indexOf(0x0a, offset)
    if (end < 0) throw unreachable('git cat-file answered too little')
    const line = output.toString('utf8', offset, end)
    offset = end + 1
    const [, oid = '', type = '', size = ''] = /^([0-9a-f]+) (\w+) (\d+)$/.exec(line) ?? []
    if (OID.test(oid)) {
      const content = output.subarray(offset, offset + Number(size))
      if (content.length !== Number(size)) throw unreachable('git cat-file answered too little')
      objects.push({ oid, type, content })
      offset += Number(size) + 1
    } else if (line.endsWith(' missing')) {
      objects.push(null)
    } else {
      throw unreachable(`git cat-file answered '${line.slice(0, 80)}'`)
    }
  }
  return objects
}

/**
 * The stream that git fast-import reads (git-fast-import(1)). The branch is a name that the stream needs; it is reset
 * to nothing at the end, so that no ref is written.
 */
function importStream(commits: readonly NewCommit[]): Buffer {
  const parts: (string | Uint8Array)[] = []
  commits.forEach(({ parents, emptied, message, at, files }, index) => {
    const [from, ...merged] = parents
    parts.push(`reset ${SCRATCH_REF}\n\ncommit ${SCRATCH_REF}\nmark :${index + 1}\n`)
    parts.push(`committer ${IDENTITY} ${Math.floor(at / 1000)} +0000\n`)
    pushData(parts, message)
    if (from !== undefined) parts.push(`from ${from}\n`)
    for (const parent of merged) parts.push(`merge ${parent}\n`)
    if (emptied === true) parts.push('deleteall\n')
    for (const [path, file] of Object.entries(files)) pushFile(parts, path, file)
  })
  commits.forEach((_, index) => {
    parts.push(`get-mark :${index + 1}\n`)
  })
  parts.push(`reset ${SCRATCH_REF}\n\ndone\n`)
  return Buffer.concat(parts.map((part) => Buffer.from(part)))
}

const SCRATCH_REF = 'refs/countersign/scratch'
/** Whose commits these are. */
export const IDENTITY = 'Countersign <countersign@localhost>'

function pushFile(parts: (string | Uint8Array)[], path: string, file: NewFile): void {
  // These need no quoting, and no part of a path can be `.git` or `..`.
  if (!/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(path)) {
    throw unreachable('a path that cannot be committed')
  }
  if (typeof file === 'object' && 'blob' in file) parts.push(`M 100644 ${file.blob} ${path}\n`)
  else if (typeof file === 'object' && 'tree' in file) parts.push(`M 040000 ${file.tree} ${path}\n`)
  else {
    parts.push(`M 100644 inline ${path}\n`)
    pushData(parts, file)
  }
}

function pushData(parts: (string | Uint8Array)[], data: string | Uint8Array): void {
  const bytes = Buffer.from(data)
  parts.push(`data ${bytes.length}\n`, bytes, '\n')
}

function refLine({ ref, from, to }: RefChange): string {
  if (to === null) return `delete ${ref} ${from ?? ''}`.trim()
  return from === null ? `create ${ref} ${to}` : `update ${ref} ${to} ${from}`
}

function failed(cause: unknown): PolicyError {
  if (cause instanceof PolicyError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/\bENOENT\b/.test(message) && /\bspawn\b/.test(message)) {
    const text = 'cannot run git; install Git 2.38 or later and put it on the PATH'
    return new PolicyError('GIT_FAILED', text, { cause })
  }
  if (message === ABORTED) {
    const text = `expected at most ${GIT_OUTPUT_BYTES_MAX} bytes from git; the repository is too large`
    return new PolicyError('GIT_FAILED', text, { cause })
  }
  return unreachable(`git failed: ${message.trim().slice(0, 500)}`, cause)
}

function unreachable(message: string, cause?: unknown): PolicyError {
  return new PolicyError('FORGE_UNREACHABLE', message, { cause, retryable: true })
}
