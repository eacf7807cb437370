import { PolicyError } from './errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json-value.ts'
import { PATH_LENGTH_MAX, PATH_SEGMENTS_MAX } from './limits.ts'
import { joinPointer } from './pointer.ts'

export { toPointer } from './pointer.ts'

/** One step of a path: a member by name, one element by index, or every element. */
export type PathSegment =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'each' }

export type Path = {
  /** As the author wrote it. */
  readonly text: string
  /** At least one. */
  readonly segments: readonly PathSegment[]
}

/** A value that a path leads to, and its place as a JSON pointer (RFC 6901). */
export type PathMatch = { readonly pointer: string; readonly value: JsonValue }

/**
 * Reads a path such as `payload.items[].id`.
 *
 *     path  = first *step
 *     first = name / quoted
 *     step  = "." name / quoted / "[]" / "[" index "]"
 *     name  = letter-or-underscore *( letter / digit / "_" / "-" )
 *     quoted = "[" JSON string "]"
 *
 * @throws {PolicyError} PATH_INVALID with what was expected and where
 */
export function parsePath(text: string): Path {
  if (text.length > PATH_LENGTH_MAX) {
    throw new PolicyError(
      'PATH_INVALID',
      `expected a path of at most ${PATH_LENGTH_MAX} characters`,
    )
  }
  const segments: PathSegment[] = []
  let at = 0
  while (at < text.length || segments.length === 0) {
    const step = readStep(text, at, segments.length === 0)
    segments.push(step.segment)
    at = step.end
  }
  if (segments.length > PATH_SEGMENTS_MAX) {
    throw new PolicyError('PATH_INVALID', `expected at most ${PATH_SEGMENTS_MAX} steps in a path`)
  }
  return { text, segments }
}

/** Every value that the path leads to, in order; none when a step is missing. Own members only. */
export function readPath(value: JsonValue, path: Path): PathMatch[] {
  const matches: PathMatch[] = []
  collect(matches, { pointer: '', value }, path.segments, 0)
  return matches
}

/**
 * A copy in which each value that the path leads to is replaced by what `replace` gives. Parts without a change
 * are shared with the original, which stays as it was; without any change it is the original itself.
 */
export function mapPath(
  value: JsonValue,
  path: Path,
  replace: (value: JsonValue, pointer: string) => JsonValue,
): JsonValue {
  return edit({ pointer: '', value }, path.segments, 0, replace) ?? value
}

/** A copy without the values that the path leads to; later elements of an array move up. Shares like mapPath. */
export function dropPath(value: JsonValue, path: Path): JsonValue {
  // A path has at least one step, so the top itself is never dropped.
  return edit({ pointer: '', value }, path.segments, 0, () => undefined) ?? value
}

type Step = { readonly segment: PathSegment; readonly end: number }

const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y
const INDEX = /\[(0|[1-9][0-9]{0,8})\]/y
const QUOTED = /\[("(?:[^"\\]|\\.)*")\]/y

function readStep(text: string, at: number, first: boolean): Step {
  if (first || text[at] === '.') {
    const start = first ? at : at + 1
    const name = matchAt(NAME, text, start)
    if (name !== undefined) return memberStep(name[0], start + name[0].length, text)
    if (!first) throw expected(text, start, 'a name after the dot')
  }
  if (!first && text.startsWith('[]', at)) return { segment: { kind: 'each' }, end: at + 2 }
  const index = first ? undefined : matchAt(INDEX, text, at)
  if (index !== undefined) {
    return { segment: { kind: 'index', index: Number(index[1]) }, end: at + index[0].length }
  }
  const quoted = matchAt(QUOTED, text, at)
  if (quoted !== undefined)
    return memberStep(unquote(text, at, quoted), at + quoted[0].length, text)
  throw expected(text, at, first ? 'a name or ["name"]' : '.name, [], [0] or ["name"]')
}

function memberStep(name: string, end: number, text: string): Step {
  // No action may hold this key, so a path through it could only be a trick.
  if (name === '__proto__') throw expected(text, end - name.length, 'another name than __proto__')
  return { segment: { kind: 'member', name }, end }
}

function unquote(text: string, at: number, match: RegExpExecArray): string {
  try {
    const name: unknown = JSON.parse(match[1] ?? '')
    if (typeof name === 'string' && name.isWellFormed()) return name
  } catch {
    // Falls through: the pattern above finds the end of a string, JSON decides whether it is one.
  }
  throw expected(text, at + 1, 'a JSON string')
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

function expected(text: string, at: number, what: string): PolicyError {
  return new PolicyError(
    'PATH_INVALID',
    `path ${JSON.stringify(text)}: expected ${what} at ${at + 1}`,
  )
}

function collect(
  matches: PathMatch[],
  match: PathMatch,
  segments: readonly PathSegment[],
  depth: number,
): void {
  const segment = segments[depth]
  if (segment === undefined) {
    matches.push(match)
    return
  }
  for (const child of childrenOf(match, segment)) collect(matches, child.match, segments, depth + 1)
}

type Child = { readonly key: string | number; readonly match: PathMatch }

function childrenOf({ pointer, value }: PathMatch, segment: PathSegment): Child[] {
  if (segment.kind === 'member') {
    if (!isJsonObject(value) || !Object.hasOwn(value, segment.name)) return []
    return childAt(pointer, segment.name, value[segment.name])
  }
  if (!isArray(value)) return []
  if (segment.kind === 'each') return value.flatMap((element, i) => childAt(pointer, i, element))
  return childAt(pointer, segment.index, value[segment.index])
}

function childAt(pointer: string, key: string | number, value: JsonValue | undefined): Child[] {
  return value === undefined ? [] : [{ key, match: { pointer: joinPointer(pointer, key), value } }]
}

/** What becomes of a value: undefined drops it. */
type Edit = (value: JsonValue, pointer: string) => JsonValue | undefined

function edit(
  match: PathMatch,
  segments: readonly PathSegment[],
  depth: number,
  replace: Edit,
): JsonValue | undefined {
  const segment = segments[depth]
  if (segment === undefined) return replace(match.value, match.pointer)
  const edits = new Map<string | number, JsonValue | undefined>()
  for (const child of childrenOf(match, segment)) {
    const after = edit(child.match, segments, depth + 1, replace)
    if (after !== child.match.value) edits.set(child.key, after)
  }
  return edits.size === 0 ? match.value : applyEdits(match.value, edits)
}

function applyEdits(
  value: JsonValue,
  edits: ReadonlyMap<string | number, JsonValue | undefined>,
): JsonValue {
  if (isArray(value)) {
    return value.flatMap((element, i) => {
      // Wrapped, because flatMap would unfold an element that is itself an array.
      const after = edits.has(i) ? edits.get(i) : element
      return after === undefined ? [] : [after]
    })
  }
  const entries = Object.entries(value as JsonObject).flatMap(([key, member]) => {
    const after = edits.has(key) ? edits.get(key) : member
    return after === undefined ? [] : [[key, after] as const]
  })
  return Object.fromEntries(entries)
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
