import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll } from 'vitest'

/** The working tree that is tested. */
export const REPOSITORY = resolve(import.meta.dirname, '..', '..', '..')

/** Recorded sessions that lie beside the repository; a suite that needs them fails without them. */
export const RECORDED = resolve(REPOSITORY, '..', 'shared', 'behaviour', 'data')

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type Place = { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }

/** Runs a program as a person at a shell would; `env` is added to the host's. */
export function run(command: string, args: readonly string[], { cwd, env = {} }: Place): Ended {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...hostEnvironment(), ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined) throw error
  if (status === null) throw new Error(`${command} was ended by ${signal}: ${stderr}`)
  return { code: status, stdout, stderr }
}

/** The same, and what it printed; an exit code but 0 is an error with all that it said. */
export function succeed(command: string, args: readonly string[], place: Place): string {
  const { code, stdout, stderr } = run(command, args, place)
  if (code === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
}

/**
 * The environment of a shell outside this run: no program out of `node_modules`, nothing that npm or vitest set for
 * its own children. So `node` is the host's.
 */
export function hostEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !OURS.test(name))
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !/node_modules|node-gyp-bin/.test(folder))
  return { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path.join(delimiter) }
}

const OURS =
  /^(npm_(package|lifecycle|command|execpath|node_execpath|config_loglevel)|VITEST|COUNTERSIGN_)|^(NODE|NODE_ENV|INIT_CWD|TEST|DEV|PROD|MODE|SSR|BASE_URL|FORCE_COLOR)$/

/** The host's `node`, whatever its version. */
export function hostNode(): string {
  return succeed('sh', ['-c', 'command -v node'], { cwd: REPOSITORY }).trim()
}

/** A temporary folder that goes when the file's tests have ended. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`))
  temporary.push(folder)
  return folder
}

const temporary: string[] = []
afterAll(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true })
})

/** Where the files of one integration run share what is dear to make; without it each file makes its own. */
function scratch(): string {
  return process.env['COUNTERSIGN_SCRATCH'] ?? temporaryFolder('scratch')
}

/**
 * A fresh clone after `npm ci`, as the host's npm and Node leave it: every file of the working tree that Git does not
 * ignore, in a folder of its own.
 */
export function freshClone(): string {
  clone ??= join(scratch(), 'clone')
  const done = join(clone, 'node_modules', '.package-lock.json')
  if (existsSync(done) && existsSync(join(clone, 'dist'))) return clone
  copyTree(clone)
  succeed('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone })
  return clone
}

let clone: string | undefined

function copyTree(to: string): void {
  const listed = succeed('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: REPOSITORY,
  })
  for (const file of listed.split('\0')) {
    // Git still lists what has been removed and not yet committed.
    if (file === '' || !existsSync(join(REPOSITORY, file))) continue
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(REPOSITORY, file), join(to, file))
  }
}
