import type { Pattern } from '../regex/pattern.ts'
import { patternBytes } from '../regex/pattern.ts'
import type { Meter } from '../regex/syntax.ts'
import { RegexError } from '../regex/syntax.ts'
import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'

/**
 * A pattern, compiled where no evaluation has lately. The first use in an evaluation is charged what compiling takes,
 * even if an earlier one has paid for it already: what an evaluation may do must not hang on what was done before.
 *
 * @param kind - tells apart what is compiled in different ways
 * @throws {BuiltinError} where it is no pattern
 */
export function patternOf(
  call: Call,
  { kind, source }: { readonly kind: string; readonly source: string },
  compile: (meter: Meter) => Pattern,
): Pattern {
  const mine = call.own(kind, newPatterns)
  const known = mine.get(source)
  if (known !== undefined) return known
  const store = call.cached('regex:patterns', newStore)
  const key = `${kind}:${source}`
  const kept = store.patterns.get(key)
  if (kept !== undefined) {
    call.work(kept.work)
    mine.set(source, kept.pattern)
    return kept.pattern
  }
  const made = measured(call, compile)
  keep(store, key, made)
  mine.set(source, made.pattern)
  return made.pattern
}

/** Refuses what a compiler of patterns refuses. */
export function refusingRegexError<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!(cause instanceof RegexError)) throw cause
    throw new BuiltinError(cause.message, undefined, { cause })
  }
}

type Compiled = { readonly pattern: Pattern; readonly work: number }

/** What was compiled for this evaluation and earlier ones. */
type Store = { readonly patterns: Map<string, Compiled>; bytes: number }

/** Patterns of one evaluation. Each was charged, so the evaluation's budget bounds them. */
function newPatterns(): Map<string, Pattern> {
  return new Map()
}

/** What all patterns that are kept may take. */
const STORE_BYTES_MAX = 24 * 1024 * 1024

function newStore(): Store {
  return { patterns: new Map(), bytes: 0 }
}

function keep(store: Store, key: string, made: Compiled): void {
  const bytes = patternBytes(made.pattern) + 2 * key.length
  if (store.bytes + bytes > STORE_BYTES_MAX) {
    store.patterns.clear()
    store.bytes = 0
  }
  if (bytes > STORE_BYTES_MAX) return
  store.patterns.set(key, made)
  store.bytes += bytes
}

function measured(call: Call, compile: (meter: Meter) => Pattern): Compiled {
  let work = 0
  const pattern = refusingRegexError(() =>
    compile({
      work(units) {
        work += units
        call.work(units)
      },
    }),
  )
  return { pattern, work }
}
