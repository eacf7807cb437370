import { RE2JS } from 're2js'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import type { PathSegment } from '../../src/base/path.ts'
import { parsePath } from '../../src/base/path.ts'
import type { CompiledRule } from '../../src/model/generated/types.ts'
import type { Mutation } from './mutations.ts'

/**
 * Why a rule that found something in an action may be silent about the changed one; null when nothing says so. What a
 * rule cannot decide it must find: a field that it names and that is gone, under another name or of a type that it
 * cannot compare is never an exception, unless the rule itself says `pass`.
 */
export function fieldException(
  rule: CompiledRule | { readonly engine: string },
  mutation: Mutation,
): string | null {
  if (mutation.pointer === '/priority') return PRIORITY
  const change = changeOf(mutation)
  if ('engine' in rule) return referenceGone(rule.engine, change)
  return (
    countedApart(rule, change) ??
    anotherCall(rule, change) ??
    notTaken(rule, change) ??
    otherName(rule, mutation) ??
    lessTelling(rule, change) ??
    contentGone(rule, change)
  )
}

/** The engine looks for references to secrets anywhere in a payload: one that is gone is none. */
function referenceGone(rule: string, change: Change): string | null {
  const isAbout =
    rule === 'engine/secret-reference-invalid' || rule === 'engine/secret-out-of-scope'
  const gone = isAbout && change.at[0] === 'payload' && change.kind !== 'moved'
  return gone ? 'engine: a reference to a secret is gone' : null
}

/** Which fields a tool takes data of a class in, its Tools file says: of another field it takes none. */
function notTaken({ kind }: CompiledRule, change: Change): string | null {
  if (kind !== 'residency' || change.at[0] !== 'payload') return null
  return 'residency: a field that the Tools file does not name'
}

/** A value that looks random is a credential where its name says so. */
function lessTelling({ kind }: CompiledRule, change: Change): string | null {
  const found = kind === 'secret' && change.kind === 'moved'
  return found && TELLING.test(change.at.at(-1) ?? '') ? 'secret: a name that tells less' : null
}

const TELLING = /passw|secret|token|key/i

/** A test that looks into names finds nothing in another name, where the name was what it found. */
function otherName({ kind, spec }: CompiledRule, mutation: Mutation): string | null {
  if (kind !== 'pattern' || !mutation.kind.startsWith('renamed')) return null
  const name = mutation.at.at(-1) ?? ''
  const found = textsOf(spec, 'matches').some((pattern) => RE2JS.compile(pattern).test(name))
  return found ? 'pattern: its content is gone' : null
}

/** The caller says how much is at stake, and who says nothing says `medium`; the Tools file may raise it. */
const PRIORITY = "the caller's priority"

type Change = {
  readonly at: readonly string[]
  /** Whether an element of a list was changed: the list is one without it, where it was removed. */
  readonly inList: boolean
  readonly kind: 'removed' | 'moved' | 'replaced'
  /** What stands at the place now; undefined when nothing does. */
  readonly value: JsonValue | undefined
}

function changeOf({ kind, at, inList, document }: Mutation): Change {
  const moved = kind.startsWith('renamed') || kind.startsWith('wrapped')
  const gone = kind === 'removed' || kind.startsWith('renamed')
  return {
    at,
    inList,
    kind: kind === 'removed' ? 'removed' : moved ? 'moved' : 'replaced',
    value: gone ? undefined : valueAt(document, at),
  }
}

/** How a changed place lies to a field that a rule names. */
type Lies = 'above' | 'at' | 'within' | 'apart'

function lies({ at }: Change, path: string): Lies {
  const segments = parsePath(path).segments
  const shared = Math.min(at.length, segments.length)
  for (let depth = 0; depth < shared; depth++) {
    if (!meets(segments[depth], at[depth] ?? '')) return 'apart'
  }
  if (at.length === segments.length) return 'at'
  return at.length < segments.length ? 'above' : 'within'
}

function meets(segment: PathSegment | undefined, name: string): boolean {
  if (segment === undefined) return false
  if (segment.kind === 'member') return segment.name === name
  return /^[0-9]+$/.test(name) && (segment.kind === 'each' || String(segment.index) === name)
}

/** Whether a field that a rule names is not there any more, or not as it was named. */
function isGone(change: Change, where: Lies): boolean {
  if (change.inList && change.kind === 'removed') return false
  // The boundary puts an empty object in the place of a payload or context that is left out.
  const isWhole = change.at.length === 1 && ['payload', 'context'].includes(change.at[0] ?? '')
  if (isWhole && where === 'at') return false
  return where === 'above' || (where === 'at' && change.value === undefined)
}

/**
 * A rule that counts apart by a field counts an action with another value apart. Actions that lack the field are counted
 * together, which `docs/reference/policy-semantics.md` says under `by`; a flow compares them with every other.
 */
function countedApart({ kind, spec }: CompiledRule, change: Change): string | null {
  const by = textsOf(spec, 'by')
  const named = by.map((path) => lies(change, path)).filter((where) => where !== 'apart')
  if (named.length === 0) return null
  const missing = named.some((where) => isGone(change, where)) && !isAlwaysThere(change)
  if (!missing) return `${kind}: counted apart by its value`
  return kind === 'flow' ? null : `${kind}: counted with those that lack the field`
}

/** A session that is left out is the session `default`. */
function isAlwaysThere({ at }: Change): boolean {
  return at[0] === 'session'
}

/** A rule about equal calls, or calls that are alike, is not about one that differs. */
function anotherCall({ kind, spec }: CompiledRule, change: Change): string | null {
  if (kind !== 'loop' && kind !== 'semantic_loop') return null
  const named = kind === 'loop' ? ['payload'] : textsOf(spec, 'paths')
  const where = (named.length === 0 ? ['payload'] : named).map((path) => lies(change, path))
  const compared = where.filter((one) => one !== 'apart')
  if (compared.length === 0) return null
  const isMissing =
    named.length > 0 && kind === 'semantic_loop' && compared.some((one) => isGone(change, one))
  return isMissing ? null : `${kind}: another call`
}

/** A rule about what a field holds is not about a field that holds something else. */
function contentGone(rule: CompiledRule, change: Change): string | null {
  const fields = fieldsOf(rule)
  const reasons = fields.flatMap((field): string[] => {
    const where = lies(change, field.path)
    if (where === 'apart') return []
    if (isGone(change, where)) {
      if (field.pass) return [`${rule.kind}: a missing field passes, as the rule says`]
      return field.whole && change.kind !== 'moved' ? [`${rule.kind}: its content is gone`] : []
    }
    if (change.kind === 'moved' && field.pass && where === 'at' && !field.decides(change.value)) {
      return [`${rule.kind}: a missing field passes, as the rule says`]
    }
    if (change.kind === 'moved')
      return field.outer && where === 'at' ? [`${rule.kind}: another list`] : []
    if (where === 'at' && !field.decides(change.value)) {
      return field.pass ? [`${rule.kind}: a missing field passes, as the rule says`] : []
    }
    return [`${rule.kind}: its content is gone`]
  })
  return reasons[0] ?? null
}

type Field = {
  readonly path: string
  /** Whether the rule says by name that a field which is missing passes. */
  readonly pass: boolean
  /** Whether the rule looks for something anywhere below, and so needs no field to be there. */
  readonly whole: boolean
  /** Whether the rule measures the list or text itself, not what it holds. */
  readonly outer: boolean
  /** Whether the rule can tell a value of this type from what it looks for. */
  decides(value: JsonValue | undefined): boolean
}

/** The fields whose content a rule looks at, as its settings name them. */
function fieldsOf({ kind, spec, when }: CompiledRule): readonly Field[] {
  const pass = spec['if_missing'] === 'pass'
  const field = (path: string, decides: Field['decides'] = () => true, whole = false): Field => ({
    path,
    pass,
    whole,
    outer: false,
    decides,
  })
  const own = ((): readonly Field[] => {
    switch (kind) {
      case 'pattern':
        return testedFields(spec)
      case 'cost':
        return [...textsOf(spec, 'amount'), ...textsOf(spec, 'tokens')].map((path) =>
          field(path, isAmount),
        )
      case 'confidence':
        return [field(String(spec['field'] ?? 'context.confidence'), isShare)]
      case 'pii':
      case 'secret':
      case 'output': {
        const named = textsOf(spec, 'in')
        // Without `in` the payload is looked through, or the result, and both are always there.
        return named.length > 0
          ? named.map((path) => field(path))
          : ['payload', 'result'].map((path) => field(path, () => true, true))
      }
      case 'media':
        return [
          ...[...textsOf(spec, 'blobs'), ...textsOf(spec, 'urls')].map((path) => field(path)),
          ...textsOf(spec, 'in').map((path) => field(path, () => true, true)),
        ]
      case 'credential':
        return [field('payload', () => true, true)]
      default:
        return []
    }
  })()
  return [...own, ...when.flatMap((test) => testedFields(test as JsonObject))]
}

function testedFields(test: Readonly<Record<string, unknown>>): readonly Field[] {
  const pass = test['if_missing'] === 'pass'
  const paths = [...textsOf(test, 'path'), ...textsOf(test, 'paths')]
  return paths.map((path) => ({
    path,
    pass,
    whole: false,
    outer: Object.hasOwn(test, 'longer_than'),
    decides: decidesOf(test),
  }))
}

/** As `docs/reference/policy-semantics.md` has it: which values each operator can compare. */
function decidesOf(test: Readonly<Record<string, unknown>>): Field['decides'] {
  const has = (name: string): boolean => Object.hasOwn(test, name)
  if (has('matches')) return (value) => value !== null
  if (has('not_matches')) return isPlain
  if (has('above') || has('below')) return (value) => typeof value === 'number'
  if (has('longer_than')) return (value) => typeof value === 'string' || Array.isArray(value)
  if (has('not_equals') || has('none_of')) return () => true
  const wanted = [test['equals'], test['one_of']].flat().filter((value) => value !== undefined)
  const types = new Set(wanted.map((value) => (value === null ? 'null' : typeof value)))
  return (value) => types.has(value === null ? 'null' : typeof value)
}

function isPlain(value: JsonValue | undefined): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function isAmount(value: JsonValue | undefined): boolean {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(text)
}

function isShare(value: JsonValue | undefined): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1
}

function textsOf(settings: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  if (!Object.hasOwn(settings, name)) return []
  return [settings[name]].flat().filter((text) => typeof text === 'string')
}

function valueAt(document: JsonValue, at: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const name of at) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as JsonObject)[name]
  }
  return value
}
