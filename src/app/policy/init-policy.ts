import { basename, join } from 'node:path'
import { PolicyError } from '../../base/errors.ts'
import { sshFingerprint } from '../../base/ssh-encoding.ts'
import type { NewFile } from '../../host/files.ts'
import { readBytes, writeNewFiles } from '../../host/files.ts'
import { generateSshKey, readSshKey } from '../../host/ssh-key.ts'
import type { LibraryChoice } from './rule-library.ts'
import { chooseRules } from './rule-library.ts'
import { besideLibrary } from './rule-library-tests.ts'
import { SCAFFOLD_ROLES, SCAFFOLD_TESTS, scaffold } from './scaffold.ts'

export type InitRequest = {
  /** Absolute. */
  readonly folder: string
  /** Default: the folder's name. */
  readonly project?: string
  /** The reviewer's id on the roster. Default: `reviewer`. */
  readonly reviewer?: string
  /** An SSH public key file, absolute. */
  readonly reviewerKey?: string
  /** Where to look for a public key when none is named: a home folder. */
  readonly home?: string
  /** Rules of the library to copy: categories, rules, profiles, or `all`. Default: none. */
  readonly library?: readonly string[]
  /** What the README says besides. */
  readonly readme?: string
}

export type InitResult = {
  readonly project: string
  /** Paths below the folder, sorted. */
  readonly files: readonly string[]
  /** Rules copied from the library, sorted. */
  readonly library: readonly string[]
  readonly reviewer: {
    readonly id: string
    readonly fingerprint: string
    /** The file that the fingerprint is of. */
    readonly key: string
    /** Whether the key was made now, since there was none. */
    readonly made: boolean
  }
}

/**
 * Makes a policy repository that passes `check` and `test` at once. Its reviewer is the one whose public key is named;
 * else the one whose key lies in `~/.ssh`; else a key pair is made in `.countersign/`, which Git ignores. With rules of
 * the library `check` warns of the tools that they name and the repository lacks.
 *
 * @throws {PolicyError} FILE_EXISTS when a file of it is there already, and then nothing was written; USAGE_INVALID for
 *   a name that is none, or that the library lacks; FILE_UNREADABLE, KEY_UNSUPPORTED
 */
export async function initPolicy(request: InitRequest): Promise<InitResult> {
  const { folder } = request
  const project = request.project ?? nameFrom(basename(folder))
  const id = request.reviewer ?? 'reviewer'
  checkName('--project', project)
  checkName('--reviewer', id)
  const key = await reviewerKey(request, id)
  const texts = scaffold({
    project,
    reviewers: [{ id, fingerprint: key.fingerprint, roles: SCAFFOLD_ROLES }],
  })
  const library = await chooseRules(request.library ?? [])
  const all = library.rules.length === 0 ? texts : withLibrary(texts, library)
  const files = new Map<string, NewFile>([...all].map(([path, text]) => [path, { text }]))
  for (const [path, file] of key.files) files.set(path, file)
  const { readme } = request
  const words = texts.get(README)
  if (readme !== undefined && words !== undefined) files.set(README, { text: words + readme })
  await writeNewFiles(folder, files)
  return {
    project,
    files: [...files.keys()].sort(),
    library: library.rules,
    reviewer: { id, fingerprint: key.fingerprint, key: key.path, made: key.files.size > 0 },
  }
}

const README = 'README.md'

/** The library speaks about the scaffold's tools, too, so its tests say no more what the only rules are. */
function withLibrary(
  texts: ReadonlyMap<string, string>,
  { files }: LibraryChoice,
): ReadonlyMap<string, string> {
  const all = new Map([...texts, ...files])
  const tests = texts.get(SCAFFOLD_TESTS)
  if (tests !== undefined) all.set(SCAFFOLD_TESTS, besideLibrary(tests))
  return all
}

type ReviewerKey = {
  readonly fingerprint: string
  readonly path: string
  readonly files: ReadonlyMap<string, NewFile>
}

const KEY_NAMES = ['id_ed25519.pub', 'id_ecdsa.pub', 'id_rsa.pub']
const MADE_KEY = '.countersign/reviewer_key'

async function reviewerKey(request: InitRequest, id: string): Promise<ReviewerKey> {
  const { reviewerKey: named, home, folder } = request
  if (named !== undefined) {
    const { blob } = await readSshKey(named)
    return { fingerprint: sshFingerprint(blob), path: named, files: new Map() }
  }
  for (const path of home === undefined ? [] : KEY_NAMES.map((name) => join(home, '.ssh', name))) {
    const found = await readBytes(path).catch(() => null)
    if (found === null) continue
    const { blob } = await readSshKey(path)
    return { fingerprint: sshFingerprint(blob), path, files: new Map() }
  }
  const { privateKey, publicKey, fingerprint } = generateSshKey(id)
  const files = new Map([
    [MADE_KEY, { text: privateKey, mode: 0o600 }],
    [`${MADE_KEY}.pub`, { text: publicKey }],
  ])
  return { fingerprint, path: join(folder, MADE_KEY), files }
}

/** The nearest name to a folder's: names are letters, digits, `_`, `.` and `-`. */
function nameFrom(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 128)
  return name === '' ? 'project' : name
}

function checkName(flag: string, name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) return
  throw new PolicyError(
    'USAGE_INVALID',
    `expected ${flag} to be a name of letters, digits, _, . and -, at most 128 of them`,
  )
}
