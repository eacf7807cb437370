import { randomBytes } from 'node:crypto'
import { link, open, rename, rm, stat } from 'node:fs/promises'
import { PolicyError } from '../../base/errors.ts'

/**
 * Writes a long file piece by piece beside its place and moves it in when it is whole.
 *
 * @param force - take the place of a file that is there
 * @throws {PolicyError} FILE_EXISTS; FILE_UNREADABLE when the folder cannot be written to; what `pieces` throws
 */
export async function writeInPieces(
  file: string,
  pieces: AsyncIterable<string>,
  { force }: { readonly force: boolean },
): Promise<void> {
  if (!force) await refuseExisting(file)
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(draft, 'wx', 0o600).catch((cause) => {
      throw unwritable(file, cause)
    })
    try {
      for await (const block of blocksOf(pieces)) {
        await handle.writeFile(block).catch((cause) => {
          throw unwritable(file, cause)
        })
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await moveIn(draft, file, force)
  } catch (cause) {
    await rm(draft, { force: true })
    throw cause instanceof PolicyError ? cause : unwritable(file, cause)
  }
}

/** @throws {PolicyError} FILE_EXISTS */
export async function refuseExisting(file: string): Promise<void> {
  const found = await stat(file).catch(() => null)
  if (found !== null) throw exists(file)
}

/** A hard link takes nobody's place, unlike a move; where there are none, the move must do. */
async function moveIn(draft: string, file: string, force: boolean): Promise<void> {
  if (!force) {
    const cause = await link(draft, file).then(
      () => null,
      (error: NodeJS.ErrnoException) => error,
    )
    if (cause === null) return rm(draft)
    if (cause.code === 'EEXIST') throw exists(file)
    await refuseExisting(file)
  }
  await rename(draft, file).catch((cause) => {
    throw unwritable(file, cause)
  })
}

async function* blocksOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let block = ''
  for await (const piece of pieces) {
    block += piece
    if (block.length < BLOCK_LENGTH) continue
    yield block
    block = ''
  }
  if (block !== '') yield block
}

const BLOCK_LENGTH = 1024 * 1024

function exists(file: string): PolicyError {
  const message = `${file} exists; choose another name, or give --force`
  return new PolicyError('FILE_EXISTS', message, { file })
}

function unwritable(file: string, cause: unknown): PolicyError {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  const message = `cannot write ${file}${code === undefined ? '' : ` (${code})`}`
  return new PolicyError('FILE_UNREADABLE', message, { cause, file })
}
