import { canonicalize } from '../../src/base/canonical-json.ts'
import { fromUtf8, utf8 } from '../../src/base/digest.ts'
import { PolicyError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json-value.ts'
import type { Evaluator, LoadedPolicy } from '../../src/decide/evaluate/index.ts'
import { loadPolicy } from '../../src/decide/evaluate/index.ts'
import { SCHEMAS } from '../../src/model/generated/schemas.ts'
import type { CompiledPolicy } from '../../src/model/generated/types.ts'
import { BUNDLE_FILE, makeBundle } from '../../src/policy/bundle/index.ts'
import type { Mutation } from './mutations.ts'
import { membersOf, removed, renamed, replaced } from './mutations.ts'
import type { Subjects } from './subjects.ts'
import { judge } from './subjects.ts'
import type { Became, Tally } from './tally.ts'
import { isWeaker } from './tally.ts'

/** Which of many mutations of one kind are tried: all, or each sort once and a part of the rest, always the same. */
export type Extent = 'all' | 'sample'

/**
 * Damages the compiled policy, and the documents that Rego reads: every member of every object removed, misspelled, null
 * and of another type, and elements of lists null and of another type. The manifest is made anew, so that no digest
 * tells. A list without one of its elements is not damage but another policy, such as one without a rule: that the
 * digest alone can tell.
 */
export function damageData(all: readonly Subjects[], tally: Tally, extent: Extent): void {
  for (const subjects of all) {
    const { files, policy } = subjects.bundle
    const paths = [BUNDLE_FILE.policy, ...(policy.rego.length > 0 ? [BUNDLE_FILE.data] : [])]
    for (const path of paths) {
      const document = JSON.parse(fromUtf8(files.get(path) ?? new Uint8Array())) as JsonValue
      for (const mutation of sampled(dataMutations(document), document, extent)) {
        const became = becomes(subjects, new Map([[path, bytesOf(mutation.document)]]), {
          what: `${path}${mutation.pointer}`,
          exception: () => dataException(policy, mutation),
        })
        tally.add(`${path}: ${mutation.kind}`, became)
      }
    }
  }
}

/**
 * Whether a policy of these files says less than the intact one.
 *
 * @param changed - files in the place of the bundle's own; null leaves one out
 * @param exception - why a weaker verdict is right, if it is
 */
export function becomes(
  subjects: Subjects,
  changed: ReadonlyMap<string, Uint8Array | null>,
  about: {
    readonly what: string
    readonly evaluator?: Evaluator
    exception?(): string | null
  },
): Became {
  const loaded = loadWith(subjects, changed, about.evaluator)
  return loaded === null ? 'refused' : weakerThan(subjects, loaded, about)
}

/** Asks another policy about all subjects. */
export function weakerThan(
  { name, cases }: Subjects,
  loaded: LoadedPolicy,
  about: { readonly what: string; exception?(): string | null },
): Became {
  for (const subject of cases) {
    const after = judge(loaded, subject)
    if (!isWeaker(after, subject.intact)) continue
    const exception = about.exception?.() ?? null
    if (exception !== null) return { exception }
    const words = `${subject.intact.verdict} became ${after.verdict}`
    return { fall: `${name} ${about.what}: "${subject.name}" ${words}` }
  }
  return 'stood'
}

/** The policy of a bundle with other files, under a manifest of their own; null where loading refuses. */
function loadWith(
  { bundle }: Subjects,
  changed: ReadonlyMap<string, Uint8Array | null>,
  evaluator?: Evaluator,
): LoadedPolicy | null {
  const files = new Map(bundle.files)
  for (const [path, bytes] of changed) {
    if (bytes === null) files.delete(path)
    else files.set(path, bytes)
  }
  try {
    return loadPolicy(makeBundle(files, bundle.manifest.project), evaluator)
  } catch (error) {
    if (error instanceof PolicyError) return null
    throw error
  }
}

function dataMutations(document: JsonValue): Mutation[] {
  return membersOf(document).flatMap((member) => [
    ...(member.inList ? [] : [removed(member)]),
    ...renamed(member).filter(({ kind }) => kind === 'renamed one letter off'),
    ...replaced(member).filter(({ kind }) => DAMAGE.has(kind)),
  ])
}

const DAMAGE: ReadonlySet<string> = new Set(['null in its place', 'another type in its place'])

function sampled(
  mutations: readonly Mutation[],
  document: JsonValue,
  extent: Extent,
): readonly Mutation[] {
  if (extent === 'all') return mutations
  const seen = new Set<string>()
  return mutations.filter((mutation) => {
    const sort = sortOf(mutation, document)
    const isFirst = !seen.has(sort)
    seen.add(sort)
    const rate = 'countersign' in (document as JsonObject) ? SAMPLE_DOCUMENTS : SAMPLE_POLICY
    return isFirst || hashOf(mutation.kind + mutation.pointer) % rate === 0
  })
}

/** Of mutations that are alike, one in so many is tried. */
const SAMPLE_POLICY = 24
const SAMPLE_DOCUMENTS = 100

/** Alike are members of one name, at one depth; settings of rules those of one kind. */
function sortOf({ kind, at }: Mutation, document: JsonValue): string {
  const [top, index, part] = at
  const rules = (document as JsonObject)['rules'] as readonly JsonObject[] | undefined
  const rule = top === 'rules' && part === 'spec' ? rules?.[Number(index)]?.['kind'] : undefined
  const name = /^[0-9]+$/.test(at.at(-1) ?? '') ? '*' : at.at(-1)
  return `${kind} ${rule} ${top} ${at.length} ${name}`
}

function hashOf(text: string): number {
  let hash = 0
  for (const letter of text) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0
  return hash
}

/**
 * Why a damaged policy may say less: what a rule may leave out, and leaves out, makes another rule, and only the digest
 * tells one from the other. A setting that is misspelled, or of another type, is never an exception.
 */
function dataException(
  { rules }: CompiledPolicy,
  { kind, at: [top, index, part, name, ...below] }: Mutation,
): string | null {
  if (top === 'tools' && part === 'classes' && kind === 'removed' && name === undefined) {
    const passes = rules.some(({ spec }) => spec['undeclared'] === 'pass')
    return passes ? 'residency: what no Tools file says passes, as the rule says' : null
  }
  const rule = top === 'rules' ? rules[Number(index)] : undefined
  if (rule === undefined || name === undefined) return null
  if (part === 'spec' && rule.kind === 'output' && name === 'schema') {
    const saysLess = kind === 'removed' || kind === 'another type in its place'
    return saysLess ? 'output: a JSON Schema that says less' : null
  }
  if (kind !== 'removed' || below.length > 0) return null
  if (part === 'on') return 'a selector without one of its keys'
  const schema = SCHEMAS[`kinds/${rule.kind}.schema.json`] as { readonly required?: string[] }
  const optional = part === 'spec' && schema.required?.includes(name) !== true
  return optional ? `${rule.kind}: a setting that may be left out` : null
}

function bytesOf(document: JsonValue): Uint8Array {
  return utf8(canonicalize(document))
}
