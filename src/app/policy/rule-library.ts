import { PolicyError } from '../../base/errors.ts'
import { compareText } from '../../base/position.ts'
import { readLibraryFolder } from '../../host/library-folder.ts'
import { suggestion } from '../../policy/compile/report.ts'
import { withRegoCompiler } from './compile-policy.ts'
import { portableTests } from './rule-library-tests.ts'

/** What was taken from the library. */
export type LibraryChoice = {
  /** `category/rule`, and `profiles/name`; sorted. */
  readonly rules: readonly string[]
  /** Texts by path below the new repository. */
  readonly files: ReadonlyMap<string, string>
}

/** Where rules of the library lie in a policy repository. */
const TARGET = 'policies/library'

/**
 * Copies rules of the library for another policy repository: each with its page, its Rego tests, and those of its
 * decision tests that do without the library's own agent and tools.
 *
 * @param words - categories, rules as `category/rule`, names of profiles, or `all`: every rule, but no profile. None
 *   copies nothing
 * @throws {PolicyError} USAGE_INVALID for a word that names nothing; FILE_UNREADABLE
 */
export async function chooseRules(words: readonly string[]): Promise<LibraryChoice> {
  if (words.length === 0) return { rules: [], files: new Map() }
  const library = await readLibraryFolder()
  const rules = namesOf(library)
  const chosen = [...new Set(words.flatMap((word) => named(word, rules)))].sort(compareText)
  const files = new Map<string, string>()
  const tests = await withRegoCompiler((rego) => portableTests(library, chosen, rego))
  for (const [path, text] of library) {
    const rule = path.slice(0, path.lastIndexOf('/'))
    if (!chosen.includes(rule)) continue
    const copy = path.endsWith('/tests.yaml') ? tests.get(rule) : copied(path, text)
    if (copy !== undefined) files.set(`${TARGET}/${path}`, copy)
  }
  return { rules: chosen, files }
}

/** Every folder of the library that holds rules. */
function namesOf(library: ReadonlyMap<string, string>): readonly string[] {
  const folders = [...library.keys()].flatMap(
    (path) => /^([^/]+\/[^/]+)\/[^/]+$/.exec(path)?.[1] ?? [],
  )
  return [...new Set(folders)]
}

function named(word: string, rules: readonly string[]): readonly string[] {
  const found = rules.filter((rule) => {
    const [category, name] = rule.split('/')
    if (word === 'all') return category !== PROFILES
    return word === rule || word === category || (category === PROFILES && word === name)
  })
  if (found.length > 0) return found
  const profiles = rules.flatMap((rule) => new RegExp(`^${PROFILES}/(.*)$`).exec(rule)?.[1] ?? [])
  const known = ['all', ...rules, ...rules.flatMap((rule) => rule.split('/', 1)), ...profiles]
  throw new PolicyError(
    'USAGE_INVALID',
    `the library has no rule, category or profile ${JSON.stringify(word)}${suggestion(word, known)}`,
  )
}

const PROFILES = 'profiles'

function copied(path: string, text: string): string {
  if (!path.endsWith('/README.md')) return text
  return `${text}
---

A copy of Countersign's library: change it as you need. Decision tests that need the library's own agent and tools were left
out; they all run where the package lies, with \`countersign test --policy node_modules/countersign/policies\`.
`
}
