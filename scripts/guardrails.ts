/**
 * Renders the page of all guardrail kinds: from the schemas what each finds and its settings, from `examples/guardrails`
 * a rule of it and the names of its tests.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPolicyFiles } from '../src/host/policy-files.ts'
import { casesOf } from '../src/policy/analyse/test-cases.ts'
import { parseDocuments } from '../src/policy/compile/index.ts'
import { RULE_KINDS } from '../src/policy/compile/kinds/index.ts'
import type { Place, ReferencePage, Schema } from './reference.ts'
import {
  anchor,
  boundsOf,
  cell,
  choicesOf,
  firstSentence,
  listOf,
  NOTE,
  objectOf,
  sample,
  targetOf,
  typeOf,
  wordsOf,
} from './reference.ts'

/** A policy repository with one rule file and one test file for each kind, of the kind's name. */
export const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'guardrails')

/** A kind without its example, or an example without its kind; the message says what to add. */
export class ExampleError extends Error {
  override readonly name = 'ExampleError'
}

/** The kinds that schemas describe, sorted. */
export function kindsOf(schemas: ReadonlyMap<string, object>): readonly string[] {
  return [...schemas.keys()]
    .flatMap((name) => /^kinds\/(.*)\.schema\.json$/.exec(name)?.[1] ?? [])
    .sort()
}

/**
 * @param schemas - every schema by its path below `schemas/`
 * @throws {ExampleError}
 */
export async function guardrailsPage(schemas: ReadonlyMap<string, object>): Promise<ReferencePage> {
  const kinds = kindsOf(schemas)
  const tests = await testsOf(kinds)
  const sections = kinds.map((kind) => ({ kind, schema: schemaOf(kind, schemas) }))
  const index = sections.map(
    ({ kind, schema }) =>
      `| [\`${kind}\`](#${anchor(kind)}) | ${cell(firstSentence(schema['description']))} |`,
  )
  const text = [
    NOTE,
    ...INTRODUCTION,
    '| kind | finds |',
    '| --- | --- |',
    ...index,
    '',
    ...sections.flatMap(({ kind, schema }) => [
      ...describeKind(kind, schema, schemas),
      ...exampleOf(kind, tests.get(kind) ?? []),
    ]),
  ]
  return ['docs/reference/guardrails.md', `${text.join('\n').trimEnd()}\n`]
}

const INTRODUCTION = [
  '# Guardrail kinds',
  '',
  'A rule has at most one of these keys beside those of [every rule](schemas/guardrails.md#rule); without one, every action',
  'that `on` and `when` select is a finding. Rules only restrict: a rule that finds nothing says nothing, and none can allow',
  'what another one holds or denies.',
  '',
  'What a rule cannot decide, it finds. Beside what stands below for each kind, this holds for all: a test in `when` that',
  'lacks its field holds; a rule that fails denies, with [RULE_FAILED](../errors.md#rule_failed); state of another shape',
  'denies, with [STATE_INVALID](../errors.md#state_invalid); settings that nobody can read make no policy.',
  '',
  'Each example is a file of [`examples/guardrails`](../../examples/guardrails/README.md), which the tests of this',
  'repository check, run and replay.',
  '',
]

function schemaOf(kind: string, schemas: ReadonlyMap<string, object>): Schema {
  const rule = objectOf(objectOf(objectOf(schemas.get('guardrails.schema.json'))['$defs'])['rule'])
  const file = `kinds/${kind}.schema.json`
  const named = objectOf(objectOf(rule['properties'])[kind])
  if (named['$ref'] === file) return objectOf(schemas.get(file))
  throw new ExampleError(
    `schemas/${file} describes a kind that no rule can name: add it to schemas/guardrails.schema.json`,
  )
}

/** The tests of each kind, as rows of a table. */
async function testsOf(kinds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  for (const kind of kinds) {
    for (const file of [ruleFile(kind), testFile(kind)]) {
      if (existsSync(join(EXAMPLE, file))) continue
      throw new ExampleError(
        `the guardrail kind ${kind} lacks an example: add examples/guardrails/${file}`,
      )
    }
  }
  for (const folder of ['policies/guardrails', 'tests']) {
    for (const name of readdirSync(join(EXAMPLE, folder))) {
      if (kinds.includes(name.replace('.yaml', ''))) continue
      throw new ExampleError(
        `examples/guardrails/${folder}/${name} is the example of no guardrail kind: remove or rename it`,
      )
    }
  }
  const { documents, diagnostics } = parseDocuments(await readPolicyFiles(EXAMPLE))
  const [problem] = diagnostics
  if (problem !== undefined) {
    const { file, line, message } = problem
    throw new ExampleError(`examples/guardrails/${file}:${line} ${message}`)
  }
  for (const kind of kinds) {
    const rules = documents.rules.filter(({ at }) => at().file === ruleFile(kind))
    if (rules.some(({ value }) => Object.hasOwn(value, kind))) continue
    throw new ExampleError(
      `examples/guardrails/${ruleFile(kind)} holds no rule of the kind ${kind}`,
    )
  }
  const cases = casesOf(documents.tests, documents.projects[0]?.value.project ?? '')
  return new Map(
    kinds.map((kind) => [
      kind,
      cases
        .filter(({ file }) => file === testFile(kind))
        .map(({ name, expected }) => `| ${cell(code(name))} | ${expected.verdict} |`),
    ]),
  )
}

function ruleFile(kind: string): string {
  return `policies/guardrails/${kind}.yaml`
}

function testFile(kind: string): string {
  return `tests/${kind}.yaml`
}

function describeKind(
  kind: string,
  schema: Schema,
  schemas: ReadonlyMap<string, object>,
): readonly string[] {
  const place: Place = { file: `kinds/${kind}.schema.json`, schemas }
  const detects = RULE_KINDS.find(({ name }) => name === kind)?.detects === true
  const undecided = schema['$comment']
  if (typeof undecided !== 'string') {
    throw new ExampleError(
      `schemas/${place.file} lacks a $comment that says what a missing or undecidable value does`,
    )
  }
  return [
    `## ${kind}`,
    '',
    String(schema['description']),
    ...(detects ? ['', DETECTS] : []),
    '',
    '| setting | type | meaning | default | bounds |',
    '| --- | --- | --- | --- | --- |',
    ...settingsOf(target(schema, place), ''),
    '',
    `**Missing or undecidable:** ${undecided}`,
    '',
  ]
}

const DETECTS =
  'Its findings name the fields to change, so a rule with `then: redact`, `tokenise` or `drop` lists none itself.'

type Placed = { readonly schema: Schema; readonly place: Place }

/** What a schema is, where it only refers to another one. */
function target(schema: Schema, place: Place): Placed {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return { schema, place }
  const { file, key } = targetOf(reference, place)
  const whole = objectOf(place.schemas.get(file))
  const named = key === null ? whole : objectOf(objectOf(whole['$defs'])[key])
  return target(named, { ...place, file })
}

function settingsOf({ schema, place }: Placed, prefix: string): string[] {
  const required = new Set(listOf(schema['required']))
  const own = Object.entries(objectOf(schema['properties'])).flatMap(([key, value]) =>
    rowsOf(`${prefix}${key}`, { schema: value as Schema, place }, required.has(key)),
  )
  const choices = choicesOf(schema).flatMap((choice) =>
    settingsOf({ schema: choice, place }, prefix),
  )
  return [...own, ...choices]
}

/** One setting, and those within it; what has a section of its own is not told again. */
function rowsOf(name: string, { schema, place }: Placed, needed: boolean): string[] {
  const [meaning, fallback] = meaningOf(schema, place)
  const bounds = limitsOf(schema, place)
  const row = `| \`${name}\` | ${outward(typeOf(schema, place), place)} | ${cell(meaning)} | ${needed ? 'required' : cell(fallback)} | ${cell(bounds)} |`
  const reference = schema['$ref']
  const isKind = typeof reference === 'string' && !reference.includes('#')
  if (isKind) return [row]
  const items = objectOf(schema['items'])
  return [
    row,
    ...settingsOf(inline(schema, place), `${name}.`),
    ...settingsOf(inline(items, place), `${name}[].`),
  ]
}

function limitsOf(schema: Schema, place: Place): string {
  const meant = target(schema, place).schema
  const choices = choicesOf(meant).map(boundsOf)
  return boundsOf(meant) || boundsOf(schema) || choices.filter(Boolean).join('; or ')
}

/** Shared definitions are described where they are linked to; those of the kind's own file here. */
function inline(schema: Schema, place: Place): Placed {
  const reference = schema['$ref']
  return typeof reference === 'string' && !reference.startsWith('#')
    ? { schema: {}, place }
    : target(schema, place)
}

const DEFAULT = / ?Default(?: with (?:`[^`]*`))?: .*$/

/** A description without its default, and the default. */
function meaningOf(schema: Schema, place: Place): readonly [meaning: string, fallback: string] {
  const text = String(wordsOf(schema, 'description', place) ?? '')
  const examples = listOf(wordsOf(schema, 'examples', place))
    .map(sample)
    .join(', ')
  const fallback = DEFAULT.exec(text)?.[0] ?? ''
  const meaning = [text.slice(0, text.length - fallback.length), examples && `Example: ${examples}`]
  return [
    meaning.filter(Boolean).join(' '),
    fallback
      .trim()
      .replace(/^Default: /, '')
      .replace(/^Default with (.*?): /, 'with $1: ')
      .replace(/\.$/, ''),
  ]
}

/** Links of a schema's own page, as they are from here. */
function outward(text: string, { file }: Place): string {
  const own = file.replace('.schema.json', '')
  return text.replaceAll(
    /\]\(((?:\.\.\/)*)([\w/]*(?:\.md)?)(#[^)]*)?\)/g,
    (_all, _up, page, part = '') => {
      const path = page === '' ? `${own}.md` : page
      return `](schemas/${path}${part})`
    },
  )
}

function exampleOf(kind: string, tests: readonly string[]): readonly string[] {
  if (tests.length < 2) {
    throw new ExampleError(
      `examples/guardrails/${testFile(kind)} needs a case that finds and one that does not`,
    )
  }
  return [
    '```yaml',
    readFileSync(join(EXAMPLE, ruleFile(kind)), 'utf8').trimEnd(),
    '```',
    '',
    `Tested by [\`${testFile(kind)}\`](../../examples/guardrails/${testFile(kind)}):`,
    '',
    '| test | verdict |',
    '| --- | --- |',
    ...tests,
    '',
  ]
}

/** Text as code, whatever it holds. */
function code(text: string): string {
  const ticks = text.includes('`') ? '``' : '`'
  return `${ticks}${text.replaceAll('\n', ' ')}${ticks}`
}
