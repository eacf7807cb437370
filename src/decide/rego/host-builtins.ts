import { cryptoSha256, urlqueryDecode, urlqueryEncode } from './builtins/encoding.ts'
import { semverCompare, semverIsValid } from './builtins/semver.ts'
import { anyPrefixMatch, anySuffixMatch, regexReplace, sprintfBuiltin } from './builtins/strings.ts'
import {
  parseDurationNs,
  parseRfc3339Ns,
  timeAddDate,
  timeClock,
  timeDate,
  timeDiff,
  timeWeekday,
} from './builtins/time.ts'
import { unitsParse, unitsParseBytes } from './builtins/units.ts'
import type { Term } from './terms.ts'

/** Takes terms, gives a term or throws PolicyError REGO_BUILTIN_ERROR. Pure: no clock, no randomness. */
export type HostBuiltin = (...operands: Term[]) => Term

/** What a module calls where one of its own built-ins fails, with the built-in's name and `file:row:column`. */
const FAIL_BUILTIN = 'countersign.fail'

/** Prefix under which a module imports a built-in that would otherwise run unsupervised. */
const RENAMED_PREFIX = 'countersign.'

/** Built-ins of OPA that this host supplies, by OPA's names. */
const SUPPLIED: Readonly<Record<string, HostBuiltin>> = {
  'crypto.sha256': cryptoSha256,
  'regex.replace': regexReplace,
  'semver.compare': semverCompare,
  'semver.is_valid': semverIsValid,
  sprintf: sprintfBuiltin,
  'strings.any_prefix_match': anyPrefixMatch,
  'strings.any_suffix_match': anySuffixMatch,
  'time.add_date': timeAddDate,
  'time.clock': timeClock,
  'time.date': timeDate,
  'time.diff': timeDiff,
  'time.parse_duration_ns': parseDurationNs,
  'time.parse_rfc3339_ns': parseRfc3339Ns,
  'time.weekday': timeWeekday,
  'units.parse': unitsParse,
  'units.parse_bytes': unitsParseBytes,
  'urlquery.decode': urlqueryDecode,
  'urlquery.encode': urlqueryEncode,
}

/** OPA's names of the built-ins that this host supplies, sorted. */
export const HOST_BUILTIN_NAMES: readonly string[] = Object.keys(SUPPLIED)

/** Every name that a module may import: OPA's, the same behind `countersign.`, and `countersign.fail`. */
export const HOST_BUILTINS: Readonly<Record<string, HostBuiltin>> = Object.freeze({
  ...SUPPLIED,
  ...Object.fromEntries(
    Object.entries(SUPPLIED).map(([name, builtin]) => [RENAMED_PREFIX + name, builtin]),
  ),
  [FAIL_BUILTIN]: fail,
})

/** A built-in error together with its place in the policy's source. */
export class BuiltinFailure extends Error {
  override readonly name = 'BuiltinFailure'
  /** OPA's name of the built-in that failed. */
  readonly builtin: string
  /** `file:row:column`. */
  readonly site: string

  constructor(builtin: string, site: string) {
    super(`${builtin} failed`)
    this.builtin = builtin
    this.site = site
  }
}

/** OPA's name of an imported built-in. */
export function opaName(imported: string): string {
  return imported.startsWith(RENAMED_PREFIX) ? imported.slice(RENAMED_PREFIX.length) : imported
}

function fail(name?: Term, site?: Term): Term {
  // Whatever the operands are, this never returns.
  throw new BuiltinFailure(
    typeof name === 'string' ? opaName(name) : 'a built-in',
    typeof site === 'string' ? site : '',
  )
}
