import { spawn } from 'node:child_process'
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PolicyError } from '../../../base/errors.ts'
import { ACTION_BYTES_MAX } from '../../../base/limits.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Lets a person edit a text in $VISUAL, else $EDITOR, else vi. The file is theirs alone, in a folder of its own, which
 * goes with everything that the editor left beside it when this ends, and when the process ends or crashes; what only
 * SIGKILL left behind goes the next time.
 *
 * @param signal - ends the editor, and with it the edit
 * @throws {PolicyError} FILE_UNREADABLE when the editor cannot run, fails, or leaves no text
 */
export async function editText(
  environment: Environment,
  name: string,
  text: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const parent = folderFor(environment)
  removeLeftOvers(parent)
  const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`)) // Mode 0700.
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.on('exit', remove)
  try {
    const file = join(folder, name)
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
    await runEditor(editorOf(environment), file, signal)
    return readBack(file)
  } finally {
    remove()
    process.removeListener('exit', remove)
  }
}

const PREFIX = 'countersign-edit-'

/** In memory where the system has such a folder: a clear payload need not reach a disk. */
function folderFor({ XDG_RUNTIME_DIR: runtime }: Environment): string {
  if (runtime === undefined || runtime === '') return tmpdir()
  try {
    const { uid, mode } = statSync(runtime)
    return uid === userInfo().uid && (mode & 0o077) === 0 ? runtime : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** Folders of ours whose process is gone. */
function removeLeftOvers(parent: string): void {
  for (const name of namesIn(parent)) {
    const pid = Number(/^countersign-edit-([0-9]{1,9})-/.exec(name)?.[1])
    if (!Number.isInteger(pid) || isRunning(pid)) continue
    try {
      const folder = join(parent, name)
      const { uid } = lstatSync(folder)
      if (uid === userInfo().uid) rmSync(folder, { recursive: true, force: true })
    } catch {
      // Somebody else has removed it.
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // A folder that one may write to and not list.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function editorOf({ VISUAL, EDITOR }: Environment): string {
  return VISUAL || EDITOR || (process.platform === 'win32' ? 'notepad' : 'vi')
}

/** The editor's name may hold arguments, as in `code --wait`: a shell takes it apart, as git does. */
function runEditor(editor: string, file: string, signal: AbortSignal): Promise<void> {
  const [program, args] =
    process.platform === 'win32'
      ? [`${editor} "${file}"`, [] as string[]]
      : ['/bin/sh', ['-c', `${editor} "$@"`, editor, file]]
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
    // It must not outlive us: it holds a file that is gone.
    const end = (): void => void child.kill()
    process.on('exit', end)
    signal.addEventListener('abort', end)
    child.once('error', (cause) => reject(failed(`the editor cannot run: ${editor}`, cause)))
    child.once('close', (code, killedBy) => {
      process.removeListener('exit', end)
      signal.removeEventListener('abort', end)
      if (code === 0) resolve()
      else reject(failed(`the editor ended with ${code ?? killedBy}; nothing was taken from it`))
    })
  })
}

function readBack(file: string): string {
  try {
    if (statSync(file).size > ACTION_BYTES_MAX) throw failed('the edited file is too large')
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause
    throw failed('the editor left no UTF-8 text', cause)
  }
}

function failed(message: string, cause?: unknown): PolicyError {
  return new PolicyError('FILE_UNREADABLE', message, { cause })
}
