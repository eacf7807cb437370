import { canonicalize } from '../../../base/canonical-json.ts'
import { decodeBase64, encodeBase64 } from '../../../base/encoding.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import type { Path } from '../../../base/path.ts'
import type { CompiledRule } from '../../../model/generated/types.ts'
import {
  cosineOf,
  similarityOf,
  sketchValues,
  sketchVector,
  VECTOR_LENGTH_MAX,
} from '../../detect/near-duplicate.ts'
import type { Facts } from '../facts.ts'
import { compileBy, countingBucket, shortDigest } from '../facts.ts'
import { compilePath, readField } from '../fields.ts'
import { SIMILAR_ATTEMPTS_MAX } from '../limits.ts'
import {
  loadError,
  own,
  ownDuration,
  ownInteger,
  ownNumber,
  ownText,
  ownTexts,
} from '../settings.ts'
import { isTime, readState, withoutLeftOut } from '../state.ts'
import type { Found, Kind } from './kind.ts'

/**
 * Nearly the same call again and again. Every attempt counts, a denied one too; each is compared with the newest ones of
 * the same tool. State: keyed sketches of the newest attempts and their times, one more than are compared, so that one
 * can be left out. A clock that goes back stands still here.
 */
export const semanticLoop: Kind = {
  name: 'semantic_loop',
  compile(rule) {
    const repeats = ownInteger(rule, rule.spec, 'repeats', { min: 2, max: 16 })
    const within = ownText(rule, rule.spec, 'within')
    const withinMs = ownDuration(rule, rule.spec, 'within')
    const similarity = ownNumber(rule, rule.spec, 'similarity', { min: 0, max: 1 })
    const by = compileBy(rule, own(rule.spec, 'by'))
    const sketch = compileSketch(rule)
    const keyOf = (facts: Facts): string => {
      const { service, action } = facts.action
      // Sketches of other fields compare with nothing, so a rule that is changed starts anew.
      const tool = shortDigest(facts.key, `tool:${canonicalize([service, action, sketch.id])}`, 16)
      return `s/${rule.id}/${countingBucket(facts, by)}/${tool}`
    }
    return {
      watch: null,
      stateKeys: (facts) => [keyOf(facts)],
      judge(facts, moment) {
        const key = keyOf(facts)
        const before = readState(moment, key, isAttempts) ?? []
        const made = sketch.make(facts)
        if ('message' in made) return { found: made, writes: [] }
        const at = Math.max(moment.now, before.at(-1)?.[0] ?? 0)
        const recent = withoutLeftOut(before, moment, ([time]) => time)
          // By the clock of this moment: a time from the future makes no other one old.
          .filter(([time]) => moment.now - time < withinMs)
          .slice(-SIMILAR_ATTEMPTS_MAX)
        const alike = recent.filter((attempt) => sketch.compare(made, attempt) >= similarity)
        const attempt: Attempt = [at, made.length, encodeBase64(made.sketch)]
        const value = [...recent, attempt]
        const writes = [{ key, entry: { value, until: at + withinMs } }]
        if (alike.length + 1 < repeats) return { found: null, writes }
        const message = `Nearly the same call, ${repeats} times within ${within}.`
        const evidence = { repeats, within, similarity, alike: alike.length + 1, by: by.texts }
        return { found: { message, evidence: { ...evidence, compared: sketch.texts } }, writes }
      },
    }
  },
}

/** When, the length of the vector (0 for text), the sketch in Base64. */
type Attempt = readonly [at: number, length: number, sketch: string]

/** A sketch of an action. `length` is that of the vector, 0 for text: vectors of two lengths cannot be compared. */
type Made = { readonly sketch: Uint8Array; readonly length: number }

type Sketch = {
  /** One text for equal settings. */
  readonly id: string
  /** What is compared, for evidence. */
  readonly texts: readonly string[]
  /** The sketch of an action, or what is wrong with its fields. */
  make(facts: Facts): Made | Found
  compare(made: Made, attempt: Attempt): number
}

function compileSketch(rule: CompiledRule): Sketch {
  const texts = ownTexts(rule, rule.spec, 'paths')
  if (own(rule.spec, 'embedding') === undefined) {
    const paths = texts?.map((text) => compilePath(rule, text)) ?? null
    return {
      id: `text ${JSON.stringify(texts ?? [])}`,
      texts: texts ?? ['payload'],
      make: (facts) => sketchText(facts, paths),
      compare: ({ sketch }, [, , earlier]) => similarityOf(sketch, decodeBase64(earlier)),
    }
  }
  if (texts !== undefined) throw loadError('VALUE_INVALID', rule, 'expected paths or embedding')
  const path = compilePath(rule, ownText(rule, rule.spec, 'embedding'))
  return {
    id: `vector ${path.text}`,
    texts: [path.text],
    make: (facts) => sketchEmbedding(facts, path),
    // What cannot be compared counts as alike: another embedder lets nothing through.
    compare: ({ sketch, length }, [, earlierLength, earlier]) =>
      length === earlierLength ? cosineOf(sketch, decodeBase64(earlier)) : 1,
  }
}

function sketchText({ action, fields, key }: Facts, paths: readonly Path[] | null): Made | Found {
  const reads = paths?.map((path) => ({ path, ...readField(fields, path) })) ?? []
  const missing = reads.filter((read) => read.missing).map(({ path }) => path.text)
  if (missing.length > 0) {
    return { message: 'A field to compare is missing.', evidence: { missing } }
  }
  const values =
    paths === null
      ? [{ name: 'payload', value: argumentsOf(action) }]
      : reads.flatMap(({ path, values }) => values.map((value) => ({ name: path.text, value })))
  const sketch = sketchValues(values, key)
  if (sketch !== null) return { sketch, length: 0 }
  return { message: 'The call is too long to compare with others.', evidence: {} }
}

function argumentsOf(action: Facts['action']): JsonValue {
  const recorded = Object.hasOwn(action, 'args_digest') ? action.args_digest : undefined
  const empty = Object.keys(action.payload).length === 0
  return recorded !== undefined && empty ? [recorded] : action.payload
}

function sketchEmbedding({ fields, key }: Facts, path: Path): Made | Found {
  const { values, missing } = readField(fields, path)
  const evidence = { embedding: path.text }
  if (missing) return { message: 'The embedding is missing.', evidence }
  const [vector = null, ...more] = values
  if (more.length === 0 && isVector(vector)) {
    return { sketch: sketchVector(vector, key), length: vector.length }
  }
  const message = `The embedding is no list of 2 to ${VECTOR_LENGTH_MAX} numbers, or all are 0.`
  return { message, evidence }
}

function isVector(value: JsonValue): value is readonly number[] {
  if (!Array.isArray(value) || value.length < 2 || value.length > VECTOR_LENGTH_MAX) return false
  return value.every(Number.isFinite) && value.some((number) => number !== 0)
}

function isAttempts(value: JsonValue): value is readonly Attempt[] {
  if (!Array.isArray(value) || value.length > SIMILAR_ATTEMPTS_MAX + 1) return false
  let last = 0
  for (const attempt of value as readonly unknown[]) {
    if (!Array.isArray(attempt) || attempt.length !== 3) return false
    const [at, length, sketch] = attempt as readonly unknown[]
    if (!isTime(at) || at < last) return false
    if (!Number.isSafeInteger(length) || typeof sketch !== 'string' || !SKETCH.test(sketch)) {
      return false
    }
    last = at
  }
  return true
}

/** 256 bytes in Base64, the last bits 0. */
const SKETCH = /^[A-Za-z0-9+/]{341}[AQgw]==$/
