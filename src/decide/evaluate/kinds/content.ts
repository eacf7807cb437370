import type { JsonObject } from '../../../base/json-value.ts'
import type { Path } from '../../../base/path.ts'
import { readPath } from '../../../base/path.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import type { FoundPlace } from '../../detect/contents.ts'
import { findInValues } from '../../detect/contents.ts'
import type { Detector, Span } from '../../detect/index.ts'
import type { Facts } from '../facts.ts'
import { valueDigest } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { CONTENT_MIN_MAX, EVIDENCE_PLACES_MAX, EVIDENCE_POINTER_LENGTH_MAX } from '../limits.ts'
import { parseObligationPath } from '../obligations.ts'
import { findOrPass, invalid, ownInteger, ownTexts } from '../settings.ts'
import type { Kind } from './kind.ts'
import { STATELESS } from './kind.ts'

/**
 * A kind that looks through the action's fields with detectors, and asks to change what they find. What there is too much
 * of to be looked through is a finding as well.
 */
export function contentKind(about: {
  readonly name: string
  /** What is found, in words: `credentials`. */
  readonly what: string
  /** @throws {PolicyError} VALUE_INVALID when the rule names none, or one of another kind */
  detectors(rule: CompiledRule): readonly Detector[]
  /** Names of people that the rule lists. */
  names(rule: CompiledRule): readonly string[]
}): Kind {
  return {
    name: about.name,
    detects: true,
    compile(rule) {
      const detectors = about.detectors(rule)
      const names = about.names(rule)
      const named = pathsOf(rule)
      const min = ownInteger(rule, rule.spec, 'min', { min: 1, max: CONTENT_MIN_MAX })
      const strict = findOrPass(rule, rule.spec, 'if_missing') === 'find'
      const detect = detectors.map(({ kind }) => kind)
      return {
        ...STATELESS,
        judge(facts) {
          const paths = named.filter((path) => hasPart(facts, path))
          const missing = paths.filter((path) => strict && readField(facts.fields, path).missing)
          const values = paths.flatMap((path) => readPath(facts.fields, path))
          const { places, unscanned } = findInValues(values, detectors, names)
          const found = places.flatMap(piecesOf)
          if (found.length < min && missing.length === 0 && unscanned === 0) return NOTHING
          const lacking = missing.map(({ text }) => text)
          const evidence = {
            ...evidenceOf(facts, found),
            ...(missing.length > 0 ? { missing: lacking } : {}),
            ...(unscanned > 0 ? { unscanned } : {}),
          }
          const { change } = rule
          const texts = paths.map(({ text }) => text)
          const obligations = change === null ? [] : [{ kind: change, paths: texts, detect }]
          const message = describe(about.what, found, missing.length, unscanned)
          return { found: { message, evidence, obligations, missing: lacking }, writes: [] }
        },
      }
    },
  }
}

const NOTHING = { found: null, writes: [] }

function pathsOf(rule: CompiledRule): readonly Path[] {
  const texts = ownTexts(rule, rule.spec, 'in')
  if (texts === undefined) throw invalid(rule, 'expected in to name fields')
  return texts.map((text) => {
    const path = compilePath(rule, text)
    if (rule.change === null) return path
    try {
      return parseObligationPath(text, { within: true })
    } catch {
      throw invalid(rule, 'expected fields of the payload or result, which alone can be changed')
    }
  })
}

/** A call has no result yet, and what a call was made with is past changing when its result is judged. */
function hasPart({ action }: Facts, { segments }: Path): boolean {
  const [first] = segments
  const root = first?.kind === 'member' ? first.name : ''
  return root !== (action.phase === 'result' ? 'payload' : 'result')
}

type Piece = { readonly kind: string; readonly pointer: string; readonly text: string }

/** Each piece of a text once: of spans that overlap the longest, and of equal ones the first. */
function piecesOf({ pointer, text, spans }: FoundPlace): Piece[] {
  const chosen: Span[] = []
  let end = 0
  for (const span of spans) {
    const before = chosen.at(-1)
    if (before === undefined || span.start >= end) chosen.push(span)
    else if (span.end - span.start > before.end - before.start) chosen[chosen.length - 1] = span
    end = Math.max(end, span.end)
  }
  return chosen.map(({ kind, start, end: to }) => ({ kind, pointer, text: text.slice(start, to) }))
}

function evidenceOf({ key }: Facts, found: readonly Piece[]): JsonObject {
  const counts = new Map<string, number>()
  for (const { kind } of found) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const places = found.slice(0, EVIDENCE_PLACES_MAX).map(({ kind, pointer, text }) => ({
    kind,
    // A cut may split a surrogate pair, which canonical JSON cannot carry.
    pointer: pointer.slice(0, EVIDENCE_POINTER_LENGTH_MAX).toWellFormed(),
    hmac: valueDigest(key, text.toWellFormed()),
  }))
  return {
    count: found.length,
    kinds: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    found: places,
    ...(found.length > places.length ? { more: found.length - places.length } : {}),
  }
}

function describe(
  what: string,
  found: readonly Piece[],
  missing: number,
  unscanned: number,
): string {
  const kinds = [...new Set(found.map(({ kind }) => kind))].sort()
  const parts: string[] = []
  if (kinds.length > 0) parts.push(`${what}: ${kinds.join(', ')}`)
  if (missing > 0) parts.push('a field to look through is missing')
  if (unscanned > 0) parts.push('there is more text than is looked through')
  return `The action holds what it must not, or what could not be seen; ${parts.join('; ')}.`
}
