import { gzipSync } from 'node:zlib'
import { bytesEqual, fromUtf8 } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import { gunzip } from '../../src/policy/bundle/gzip.ts'
import type { Bundle } from '../../src/policy/bundle/index.ts'
import { BUNDLE_FILE, readBundle, writeBundle } from '../../src/policy/bundle/index.ts'
import type { TarEntry } from '../../src/policy/bundle/tar.ts'
import { readTar, writeTar } from '../../src/policy/bundle/tar.ts'
import { becomes } from './data.ts'
import type { Subjects } from './subjects.ts'
import type { Became, Tally } from './tally.ts'

/** Damages every file of every bundle's archive, and the archive's own bytes: reading it must refuse. */
export function damageArchives(all: readonly Subjects[], tally: Tally): void {
  for (const { name, bundle } of all) {
    const archive = writeBundle(bundle)
    const files = new Map(readTar(gunzip(archive)).map(({ path, bytes }) => [path, bytes]))
    for (const damage of fileDamages(files, FLIPS_ARCHIVED)) {
      const read = readOrNull(packed(files, damage))
      tally.add(`archive: ${damage.kind}`, ofRead(read, bundle, `${name} ${damage.path}`))
    }
    const added = { path: 'policies/other.rego', bytes: new Uint8Array([35]) }
    tally.add('archive: a file added', ofRead(readOrNull(packed(files, added)), bundle, name))
    for (const bytes of flipped(archive, FLIPS_ARCHIVE)) {
      tally.add('archive: a bit flipped in it', ofRead(readOrNull(bytes), bundle, name))
    }
    for (let part = 0; part < CUTS; part++) {
      const cut = archive.subarray(0, Math.floor((archive.length * part) / CUTS))
      tally.add('archive: cut short', ofRead(readOrNull(cut), bundle, name))
    }
  }
}

/**
 * The same damage under a manifest that was made anew, so that every digest holds: then it is the loader's own checks that
 * must refuse. What flips in `policy.wasm` is left to the digest: a program with another instruction is another program.
 */
export function damageFiles(all: readonly Subjects[], tally: Tally): void {
  for (const subjects of all) {
    for (const { kind, path, bytes } of fileDamages(subjects.bundle.files, FLIPS_REBUILT)) {
      if (kind === FLIPPED && path === BUNDLE_FILE.wasm) continue
      const became = becomes(subjects, new Map([[path, bytes]]), {
        what: `${kind} in ${path}`,
        exception: () => otherWord(subjects.bundle.files.get(path), bytes),
      })
      tally.add(`rebuilt: ${kind}`, became)
    }
  }
}

/** Places in a file that a bit is flipped at, beside the first byte. */
const FLIPS_ARCHIVED = 8
const FLIPS_REBUILT = 24
const FLIPS_ARCHIVE = 100
const CUTS = 50
const FLIPPED = 'a bit flipped'

type FileDamage = { readonly path: string; readonly bytes: Uint8Array | null }

function fileDamages(
  files: ReadonlyMap<string, Uint8Array>,
  flips: number,
): (FileDamage & { readonly kind: string })[] {
  return [...files].flatMap(([path, bytes]) => [
    { kind: 'a file removed', path, bytes: null },
    { kind: 'a file emptied', path, bytes: new Uint8Array() },
    ...[1, 2, Math.ceil(bytes.length / 2)].map((less) => ({
      kind: 'a file truncated',
      path,
      bytes: bytes.subarray(0, bytes.length - less),
    })),
    ...flipped(bytes, flips).map((other) => ({ kind: FLIPPED, path, bytes: other })),
    ...[...files]
      .filter(([other]) => other !== path)
      .map(([, other]) => ({ kind: 'the content of another file', path, bytes: other })),
  ])
}

/** Copies, each with one bit flipped, at places all over. */
function flipped(bytes: Uint8Array, count: number): Uint8Array[] {
  return Array.from({ length: count + 1 }, (_, at) => {
    const copy = bytes.slice()
    const place = Math.floor(((bytes.length - 1) * at) / count)
    copy[place] = (copy[place] ?? 0) ^ (1 << (at % 8))
    return copy
  })
}

function packed(files: ReadonlyMap<string, Uint8Array>, { path, bytes }: FileDamage): Uint8Array {
  const kept = new Map(files)
  if (bytes === null) kept.delete(path)
  else kept.set(path, bytes)
  const entries: TarEntry[] = [...kept].map(([name, content]) => ({ path: name, bytes: content }))
  // How well it packs does not matter here, and packing well takes long.
  return gzipSync(writeTar(entries), { level: 1 })
}

function readOrNull(bytes: Uint8Array): Bundle | null {
  try {
    return readBundle(bytes)
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

/** A bundle that is read must be the intact one, byte by byte: some bits of an archive say nothing. */
function ofRead(read: Bundle | null, intact: Bundle, what: string): Became {
  if (read === null) return 'refused'
  const same =
    read.digest === intact.digest &&
    [...intact.files].every(([path, bytes]) => bytesEqual(read.files.get(path) ?? EMPTY, bytes))
  return same ? 'stood' : { fall: `${what} is read as another bundle` }
}

const EMPTY = new Uint8Array()

/** A flipped bit may make one word of a policy another one: the same members, of the same types, with another value. */
function otherWord(before: Uint8Array | undefined, after: Uint8Array | null): string | null {
  if (before === undefined || after === null || before.length !== after.length) return null
  try {
    const [a, b] = [before, after].map((bytes) => JSON.parse(fromUtf8(bytes)) as JsonValue)
    return shapeOf(a ?? null) === shapeOf(b ?? null) ? 'another word of the policy' : null
  } catch {
    return null
  }
}

function shapeOf(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return typeof value
  const parts = Object.entries(value as JsonObject).map(
    ([name, part]) => `${name}:${shapeOf(part)}`,
  )
  return `${Array.isArray(value) ? 'list' : 'object'}(${parts.join(',')})`
}
