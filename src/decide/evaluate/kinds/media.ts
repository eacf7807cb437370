import { PolicyError } from '../../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../../base/json-value.ts'
import type { Path, PathMatch } from '../../../base/path.ts'
import { readPath } from '../../../base/path.ts'
import { joinPointer } from '../../../base/pointer.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import type { Address, BitBudget, Media } from '../../detect/media.ts'
import {
  canonicalType,
  decodeBlob,
  decodeText,
  examineMedia,
  findAddresses,
  findDataUris,
  isSameType,
  mayHoldAddress,
  readAddress,
} from '../../detect/media.ts'
import type { Facts } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import type { FoundObligation } from '../fold.ts'
import {
  EVIDENCE_PLACES_MAX,
  EVIDENCE_POINTER_LENGTH_MAX,
  MEDIA_MAX,
  MEDIA_PACKED_BITS_MAX,
  REDACT_PATHS_MAX,
} from '../limits.ts'
import { pointerPath } from '../pointer-path.ts'
import { compileGlobs } from '../selector.ts'
import { findOrPass, invalid, own, ownInteger, ownText, ownTexts } from '../settings.ts'
import type { Found, Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/** Media that is not what it claims, or not what is allowed. Its findings name the fields that hold it. */
export const media: Kind = {
  name: 'media',
  detects: true,
  compile(rule) {
    const settings = readSettings(rule)
    return {
      ...STATELESS,
      judge(facts) {
        const look = lookAt(facts, settings)
        const faults = look.faults
        if (look.count > settings.countMax) {
          for (const pointer of look.pointers) faults.push({ fault: 'too_many', pointer })
        }
        const missing = missingIn(facts, settings)
        if (faults.length + missing.length === 0) return { found: null, writes: [] }
        const words = [...new Set(faults.map(({ fault }) => fault))].sort()
        if (missing.length > 0) words.push('a field is missing')
        const found: Found = {
          message: `Media is not as the rule wants it: ${words.join(', ')}.`,
          evidence: {
            ...evidenceOf(faults, look.count),
            ...(missing.length > 0 ? { missing } : {}),
          },
          obligations: [
            ...obligationsOf(rule, facts.fields, faults),
            ...(rule.change === null || missing.length === 0
              ? []
              : [{ kind: rule.change, paths: [...missing] }]),
          ],
          missing,
        }
        return { found, writes: [] }
      },
    }
  },
}

type Settings = {
  readonly roots: readonly Path[]
  readonly blobs: readonly Path[]
  readonly urls: readonly Path[]
  readonly declaredIn: string | null
  /** Null when every one is allowed. */
  readonly isType: ((type: string) => boolean) | null
  readonly isHost: ((host: string) => boolean) | null
  readonly bytesMax: number
  readonly countMax: number
  readonly pixelsMax: number
  readonly unpackedMax: number
  readonly ratioMax: number
  readonly untold: 'find' | 'pass'
  readonly ifMissing: 'find' | 'pass'
}

/** @throws {PolicyError} VALUE_INVALID, PATH_INVALID */
function readSettings(rule: CompiledRule): Settings {
  const { spec } = rule
  const paths = (name: string) =>
    (ownTexts(rule, spec, name) ?? []).map((text) => compilePath(rule, text))
  const globs = (name: string) => {
    const list = ownTexts(rule, spec, name)
    return list === undefined ? null : compileGlobs(list)
  }
  const bound = (name: string, fallback: number, max: number) =>
    own(spec, name) === undefined ? fallback : ownInteger(rule, spec, name, { min: 0, max })
  const roots = paths('in')
  if (roots.length === 0) throw invalid(rule, 'expected in to be a list of fields')
  const declared =
    own(spec, 'declared_in') === undefined ? null : ownText(rule, spec, 'declared_in')
  return {
    roots,
    blobs: paths('blobs'),
    urls: paths('urls'),
    declaredIn: declared,
    isType: globs('types'),
    isHost: globs('hosts'),
    bytesMax: bound('bytes_max', Infinity, 4_194_304),
    countMax: bound('count_max', MEDIA_MAX, MEDIA_MAX),
    pixelsMax: bound('pixels_max', 50_000_000, 10_000_000_000),
    unpackedMax: bound('unpacked_bytes_max', 67_108_864, 10_000_000_000),
    ratioMax: bound('ratio_max', 100, 2_000),
    untold: findOrPass(rule, spec, 'untold'),
    ifMissing: findOrPass(rule, spec, 'if_missing'),
  }
}

type Fault = { readonly fault: string; readonly pointer: string }

type Look = {
  readonly settings: Settings
  readonly budget: BitBudget
  readonly faults: Fault[]
  /** Fields that hold media, each once for every piece. */
  readonly pointers: Set<string>
  /** Fields that were looked at: two paths may lead to one. */
  readonly seen: Set<string>
  count: number
  /** How many files the text that is looked at lies in. */
  depth: number
}

/**
 * Fields that must hold media and are not there: under another name they would not be looked at. A call has no result
 * yet, and a result is not judged by what the call was made with.
 */
function missingIn({ action, fields }: Facts, settings: Settings): readonly string[] {
  if (settings.ifMissing === 'pass') return []
  const other = action.phase === 'result' ? 'payload' : 'result'
  const lacking = [...settings.blobs, ...settings.urls].filter((path) => {
    const [first] = path.segments
    const isOther = first?.kind === 'member' && first.name === other
    return !isOther && readField(fields, path).missing
  })
  return lacking.map(({ text }) => text)
}

function lookAt(facts: Facts, settings: Settings): Look {
  const budget = { bits: MEDIA_PACKED_BITS_MAX }
  const look: Look = {
    settings,
    budget,
    faults: [],
    pointers: new Set(),
    seen: new Set(),
    count: 0,
    depth: 0,
  }
  for (const path of settings.blobs) lookAtBlobs(look, facts.fields, path)
  for (const path of settings.urls) {
    for (const match of readPath(facts.fields, path)) lookAtAddress(look, match)
  }
  for (const path of settings.roots) {
    for (const { value, pointer } of readPath(facts.fields, path)) walk(look, value, pointer)
  }
  return look
}

/** A blob's type is declared beside it, in the object that holds it. */
function lookAtBlobs(look: Look, fields: JsonObject, path: Path): void {
  const last = path.segments.at(-1)
  const holders = readPath(fields, { ...path, segments: path.segments.slice(0, -1) })
  for (const holder of holders) {
    const own = readPath(holder.value, { ...path, segments: last === undefined ? [] : [last] })
    for (const { value, pointer } of own) {
      const place = holder.pointer + pointer
      if (!isNew(look, place)) continue
      const text = typeof value === 'string' ? value : ''
      const [uri] = /^\s*data:/i.test(text) ? findDataUris(text, 1) : []
      const declared = uri === undefined ? declaredBeside(look, holder.value, place) : uri.type
      const bytes = uri === undefined ? decodeBlob(text) : uri.bytes
      lookAtFile(look, place, { bytes: text === '' ? null : bytes, declared })
    }
  }
}

function declaredBeside(look: Look, holder: JsonValue, place: string): string | null {
  const name = look.settings.declaredIn
  if (name === null || typeof holder !== 'object' || holder === null) return null
  const type = Array.isArray(holder) ? undefined : own(holder, name)
  if (typeof type === 'string') return type
  look.faults.push({ fault: 'type_undeclared', pointer: place })
  return null
}

function lookAtAddress(look: Look, { value, pointer }: PathMatch): void {
  if (!isNew(look, pointer)) return
  if (typeof value === 'string' && /^\s*data:/i.test(value)) walkText(look, value, pointer)
  else judgeAddress(look, pointer, readAddress(typeof value === 'string' ? value : ''))
}

function walk(look: Look, value: JsonValue, pointer: string): void {
  if (look.count > MEDIA_MAX) return
  if (typeof value === 'string') {
    if (isNew(look, pointer)) walkText(look, value, pointer)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    // A name holds text too. What it holds is the object's, since a name cannot be changed.
    if (name.length >= NAME_LENGTH_MIN) walkText(look, name, pointer)
    walk(look, member, joinPointer(pointer, name))
  }
}

/** Shorter names hold neither a data URI nor an address. */
const NAME_LENGTH_MIN = 6

function walkText(look: Look, text: string, pointer: string): void {
  const room = MEDIA_MAX + 1 - look.count
  if (/data:/i.test(text)) {
    for (const { bytes, type } of findDataUris(text, room)) {
      // Without a word about it, a data URI is plain text.
      lookAtFile(look, pointer, { bytes, declared: type ?? 'text/plain' })
    }
  }
  if (!mayHoldAddress(text)) return
  for (const address of findAddresses(text, room)) judgeAddress(look, pointer, address)
}

function isNew({ seen }: Look, pointer: string): boolean {
  if (seen.has(pointer)) return false
  seen.add(pointer)
  return true
}

type File = { readonly bytes: Uint8Array | null; readonly declared: string | null }

function lookAtFile(look: Look, pointer: string, { bytes, declared }: File): void {
  const { settings, budget } = look
  look.count += 1
  look.pointers.add(pointer)
  if (look.count > MEDIA_MAX) return
  if (bytes === null) {
    look.faults.push({ fault: 'undecodable', pointer })
    return
  }
  const file = examineMedia(bytes, { lengthMax: settings.unpackedMax, budget })
  for (const fault of judgeFile(file, declared, settings)) look.faults.push({ fault, pointer })
  if (file.type !== null && HOLDS_TEXT.test(file.type)) walkWithin(look, decodeText(bytes), pointer)
}

/** Pages, drawings and plain texts show media as well. */
const HOLDS_TEXT = /^text\/|[/+]xml$/
const DEPTH_MAX = 4

function walkWithin(look: Look, text: string | null, pointer: string): void {
  if (look.depth === DEPTH_MAX) look.faults.push({ fault: 'too_deep', pointer })
  if (text === null || look.depth === DEPTH_MAX) return
  look.depth += 1
  walkText(look, text, pointer)
  look.depth -= 1
}

const RATIO_BYTES_MIN = 1_048_576 // Smaller things harm nobody, however well they pack.

function judgeFile(file: Media, declared: string | null, settings: Settings): readonly string[] {
  const { type, also, bytes, pixels, unpacked, active } = file
  const { isType, bytesMax, pixelsMax, unpackedMax, ratioMax, untold } = settings
  const faults: string[] = []
  const allows = (one: string) => isType === null || isType(canonicalType(one))
  // Content of no known type is fine where any type is; what it is declared as cannot be confirmed then.
  if (type === null && (isType !== null || (declared !== null && !isOpaque(declared)))) {
    faults.push('type_unknown')
  }
  if (type !== null && declared !== null && !isSameType(declared, type))
    faults.push('type_mismatch')
  if (type !== null && !allowsContent(type, declared, allows)) faults.push('type_not_allowed')
  else if (declared !== null && !isOpaque(declared) && !allows(declared))
    faults.push('type_not_allowed')
  if (also.length > 0) faults.push('polyglot')
  if (active) faults.push('active_content')
  if (bytes > bytesMax) faults.push('too_large')
  if (pixels !== null && pixels > pixelsMax) faults.push('too_many_pixels')
  if (unpacked === null && untold === 'find') faults.push('size_untold')
  if (unpacked !== null && unpacked > unpackedMax) faults.push('bomb')
  else if (unpacked !== null && unpacked > Math.max(bytes * ratioMax, RATIO_BYTES_MIN))
    faults.push('bomb')
  return faults
}

/** A declaration that says nothing. */
function isOpaque(declared: string): boolean {
  return canonicalType(declared) === 'application/octet-stream'
}

/** Text and archives are known by what they are declared as, where that fits what they are. */
function allowsContent(
  type: string,
  declared: string | null,
  allows: (type: string) => boolean,
): boolean {
  if (allows(type)) return true
  return declared !== null && !isOpaque(declared) && isSameType(declared, type) && allows(declared)
}

function judgeAddress(look: Look, pointer: string, { host, web, type }: Address): void {
  const { isHost, isType } = look.settings
  look.count += 1
  look.pointers.add(pointer)
  const add = (fault: string) => look.faults.push({ fault, pointer })
  if (host === null) add('address_unreadable')
  else if (isHost !== null && !isHost(host)) add('host_not_allowed')
  if (!web) add('scheme_not_allowed')
  if (isType !== null && type !== null && !isType(type)) add('type_not_allowed')
}

function evidenceOf(faults: readonly Fault[], count: number): JsonObject {
  const shown = faults.slice(0, EVIDENCE_PLACES_MAX).map(({ fault, pointer }) => ({
    fault,
    at: pointer.slice(0, EVIDENCE_POINTER_LENGTH_MAX).toWellFormed(),
  }))
  const more = faults.length - shown.length
  return { count, faults: shown, ...(more > 0 ? { more } : {}) }
}

/**
 * What to do to the fields, where the rule changes any.
 *
 * @throws {PolicyError} RULE_FAILED, which denies, when what was found cannot be named as fields to change
 */
function obligationsOf(
  { change }: CompiledRule,
  fields: JsonObject,
  faults: readonly Fault[],
): readonly FoundObligation[] {
  if (change === null || faults.length === 0) return []
  const pathsOf = (each: boolean) => [
    ...new Set(faults.map(({ pointer }) => pointerPath(fields, pointer, { each }))),
  ]
  const exact = pathsOf(false)
  const paths = exact.length > REDACT_PATHS_MAX ? pathsOf(true) : exact
  const named = paths.filter((path) => path !== null)
  if (named.length === paths.length && named.length <= REDACT_PATHS_MAX) {
    return [{ kind: change, paths: named }]
  }
  throw new PolicyError('RULE_FAILED', 'the media stands where nothing can be changed')
}
