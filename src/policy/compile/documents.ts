import type { ErrorCode } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import { DOCUMENTS_MAX } from '../../base/limits.ts'
import { nearest } from '../../base/nearest.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { Diagnostic, Position } from '../../base/position.ts'
import { compareText, sortDiagnostics } from '../../base/position.ts'
import type { BaselineDocument } from '../../decide/behaviour/text.ts'
import type {
  Agent,
  BaselineFile,
  DecisionTest,
  Person,
  Place,
  Project,
  Release,
  Route,
  Rule,
  Team,
  Tools,
} from '../../model/generated/types.ts'
import type { Problem, SchemaName } from '../../model/validate.ts'
import { validate } from '../../model/validate.ts'
import { readBaseline } from './baselines.ts'
import type { YamlDocument } from './yaml.ts'
import { parseYaml } from './yaml.ts'

/** Files of a policy repository: path relative to its root, with forward slashes, to text. */
export type PolicyFiles = ReadonlyMap<string, string>

/** A checked part of a document, which knows where each of its own parts is written. */
export type Entry<T> = {
  readonly value: T
  /** Where the value at a JSON pointer below this entry stands; without one, the entry itself. */
  readonly at: (pointer?: string) => Place
  /** Where the key of that value stands; the value itself where a list holds it. */
  readonly keyAt: (pointer: string) => Place
}

export type Kind = keyof typeof KINDS

/** Everything that a policy repository holds, checked by schema, in order of file and place. */
export type Documents = {
  readonly projects: readonly Entry<Project>[]
  readonly agents: readonly Entry<Agent>[]
  readonly tools: readonly Entry<Tools>[]
  readonly rules: readonly Entry<Rule>[]
  readonly routes: readonly Entry<Route>[]
  readonly people: readonly Entry<Person>[]
  readonly teams: readonly Entry<Team>[]
  readonly tests: readonly Entry<DecisionTest>[]
  readonly baselines: readonly Entry<BaselineDocument>[]
  readonly releases: readonly Entry<Release>[]
  /** Rego sources by path, tests included, with `\n` line ends. */
  readonly rego: ReadonlyMap<string, string>
  /** Kinds of which something was refused: what seems to be missing may stand there. */
  readonly broken: ReadonlySet<Kind>
}

/**
 * Reads every YAML and Rego file. `kind` decides what a document is; its folder does not. A file with another ending
 * is not looked at, except that JSON is pointed out, because it will not be enforced.
 *
 * @param files - not changed afterwards: the same map is read once
 */
export function parseDocuments(files: PolicyFiles): ParsedDocuments {
  const parsed = known.get(files) ?? readDocuments(files)
  known.set(files, parsed)
  return parsed
}

export type ParsedDocuments = {
  readonly documents: Documents
  readonly diagnostics: readonly Diagnostic[]
}

/** Checking, testing, comparing and compiling a policy each start from its documents. */
const known = new WeakMap<PolicyFiles, ParsedDocuments>()

function readDocuments(files: PolicyFiles): ParsedDocuments {
  const draft: Draft = {
    diagnostics: [],
    entries: new Map(),
    teams: [],
    rego: new Map(),
    broken: new Set(),
    count: 0,
  }
  for (const [file, text] of [...files].sort(([a], [b]) => compareText(a, b))) {
    readFile(draft, file, normalize(text))
  }
  const list = <T>(kind: Kind): readonly Entry<T>[] => (draft.entries.get(kind) ?? []) as Entry<T>[]
  return {
    documents: {
      projects: list('Project'),
      agents: list('Agent'),
      tools: list('Tools'),
      rules: list('Guardrails'),
      routes: list('Routes'),
      people: list('Roster'),
      teams: draft.teams,
      tests: list('DecisionTest'),
      baselines: list('Baseline'),
      releases: list('Release'),
      rego: draft.rego,
      broken: draft.broken,
    },
    diagnostics: sortDiagnostics(
      draft.diagnostics.filter((found) => !isRead(found, list('Project'))),
    ),
  }
}

/** Whether a complaint is of a JSON file that the project names, so that it is read after all. */
function isRead({ file, message }: Diagnostic, projects: readonly Entry<Project>[]): boolean {
  if (message !== JSON_UNREAD) return false
  return projects.some(({ value }) => value.sigstore?.trusted_root === file)
}

const JSON_UNREAD = 'JSON files are not read; write the document as YAML'

/** The schema of each kind, and the list whose entries stand for themselves, where a kind is such a list. */
const KINDS = {
  Project: { schema: 'project', list: null },
  Agent: { schema: 'agent', list: null },
  Tools: { schema: 'tools', list: null },
  Guardrails: { schema: 'guardrails', list: 'rules' },
  Routes: { schema: 'routes', list: 'routes' },
  Roster: { schema: 'roster', list: 'people' },
  DecisionTest: { schema: 'decision-test', list: null },
  Baseline: { schema: 'baseline', list: null },
  Release: { schema: 'release', list: null },
} as const satisfies Record<string, { schema: SchemaName; list: string | null }>

const API_VERSION = 'countersign/v1'

type Draft = {
  readonly diagnostics: Diagnostic[]
  readonly entries: Map<Kind, Entry<unknown>[]>
  readonly teams: Entry<Team>[]
  readonly rego: Map<string, string>
  readonly broken: Set<Kind>
  count: number
}

/** A check-out may have changed the line ends; the same policy must keep its digest. */
function normalize(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
}

function readFile(draft: Draft, file: string, text: string): void {
  if (file.endsWith('.rego')) {
    draft.rego.set(file, text)
    return
  }
  if (file.endsWith('.json')) {
    draft.diagnostics.push({
      ...TOP,
      code: 'KIND_UNKNOWN',
      severity: 'warning',
      file,
      message: JSON_UNREAD,
    })
    return
  }
  if (!/\.ya?ml$/.test(file)) return
  const { documents, diagnostics } = parseYaml(file, text)
  draft.diagnostics.push(...diagnostics)
  if (documents.length === 0) {
    if (diagnostics.length > 0) breakAll(draft)
    else
      complain(
        draft,
        file,
        TOP,
        'KEY_MISSING',
        `expected a document with "apiVersion: ${API_VERSION}" and "kind"`,
      )
  }
  for (const document of documents) readDocument(draft, file, text, document)
}

const TOP: Position = { line: 1, column: 1 }

function readDocument(draft: Draft, file: string, text: string, document: YamlDocument): void {
  draft.count += 1
  if (draft.count > DOCUMENTS_MAX) {
    if (draft.count > DOCUMENTS_MAX + 1) return
    complain(draft, file, TOP, 'DOCUMENT_TOO_LARGE', `expected at most ${DOCUMENTS_MAX} documents`)
    breakAll(draft)
    return
  }
  const kind = kindOf(draft, file, document)
  if (kind === null) {
    breakAll(draft)
    return
  }
  const { schema, list } = KINDS[kind]
  // A refused part reads as null; what the schema would say about that is noise.
  const problems = document.flawed ? [] : validate(schema, document.value)
  for (const problem of problems) {
    complain(draft, file, problemPosition(document, problem), problem.code, problem.message)
  }
  const flawed = new Set(
    problems.map((problem) => problem.pointer.split('/').slice(1, 3).join('/')),
  )
  if (document.flawed || problems.length > 0) draft.broken.add(kind)
  if (document.flawed || (list === null && problems.length > 0)) return
  const entries = draft.entries.get(kind) ?? []
  draft.entries.set(kind, entries)
  if (list === null) {
    const value = kind === 'Baseline' ? baselineOf(draft, file, text, document) : document.value
    if (value !== null) entries.push(entryOf(file, document, value, ''))
    return
  }
  const read = (name: string, into: Entry<unknown>[]): void => {
    const items = (document.value as Record<string, unknown>)[name]
    if (!Array.isArray(items)) return
    items.forEach((item: JsonValue, index) => {
      if (flawed.has(`${name}/${index}`) || flawed.has(name)) return
      into.push(entryOf(file, document, item, `/${name}/${index}`))
    })
  }
  read(list, entries)
  if (kind === 'Roster') read('teams', draft.teams as Entry<unknown>[])
}

/** A baseline with its tables read, or null after complaints. */
function baselineOf(
  draft: Draft,
  file: string,
  text: string,
  document: YamlDocument,
): BaselineDocument | null {
  const value = document.value as unknown as BaselineFile
  const read = readBaseline(value, text, (key) => place(document, `/${key}`))
  if ('value' in read) return read.value
  draft.broken.add('Baseline')
  for (const { message, table, code, ...at } of read.problems) {
    complain(draft, file, at, code, `${table}: ${message}`)
  }
  return null
}

/** The kind that a document says it is, or null after a complaint. */
function kindOf(draft: Draft, file: string, document: YamlDocument): Kind | null {
  const { value } = document
  const top = place(document, '')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (!document.flawed) {
      complain(
        draft,
        file,
        top,
        'DOCUMENT_INVALID',
        'expected an object with "apiVersion" and "kind"',
      )
    }
    return null
  }
  const own = (key: string): unknown =>
    Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  const kind = own('kind')
  if (own('apiVersion') === undefined && !document.flawed) {
    complain(
      draft,
      file,
      top,
      'KEY_MISSING',
      `the document lacks the key "apiVersion": always ${API_VERSION}`,
    )
  }
  if (kind === undefined) {
    const message = `the document lacks the key "kind": one of ${Object.keys(KINDS).join(', ')}`
    if (!document.flawed) complain(draft, file, top, 'KEY_MISSING', message)
    return null
  }
  if (typeof kind === 'string' && Object.hasOwn(KINDS, kind)) {
    return own('apiVersion') === undefined ? null : (kind as Kind)
  }
  const meant = typeof kind === 'string' ? nearest(kind, Object.keys(KINDS)) : undefined
  const advice =
    meant === undefined
      ? `expected one of ${Object.keys(KINDS).join(', ')}`
      : `did you mean ${meant}?`
  const found = typeof kind === 'string' ? ` ${JSON.stringify(kind.slice(0, 64))}` : ''
  complain(draft, file, place(document, '/kind'), 'KIND_UNKNOWN', `unknown kind${found}; ${advice}`)
  return null
}

function problemPosition(document: YamlDocument, problem: Problem): Position {
  if (problem.key !== undefined && problem.code !== 'KEY_MISSING') {
    const at = document.places.get(joinPointer(problem.pointer, problem.key))?.key
    if (at !== undefined) return at
  }
  return place(document, problem.pointer)
}

function entryOf(
  file: string,
  document: YamlDocument,
  value: unknown,
  base: string,
): Entry<unknown> {
  return {
    value,
    at: (pointer = '') => ({ file, ...place(document, base + pointer) }),
    keyAt: (pointer) => {
      const found = document.places.get(base + pointer)
      return { file, ...(found?.key ?? place(document, base + pointer)) }
    },
  }
}

/** The place of a value, or of what holds it when it is not written itself. */
function place(document: YamlDocument, pointer: string): Position {
  const found = document.places.get(pointer)
  if (found !== undefined) return found.value
  return pointer === '' ? TOP : place(document, pointer.slice(0, pointer.lastIndexOf('/')))
}

function breakAll(draft: Draft): void {
  for (const kind of Object.keys(KINDS)) draft.broken.add(kind as Kind)
}

function complain(
  draft: Draft,
  file: string,
  at: Position,
  code: ErrorCode,
  message: string,
): void {
  draft.diagnostics.push({
    code,
    severity: 'error',
    file,
    line: at.line,
    column: at.column,
    message,
  })
}
