/**
 * Generates what follows from the schemas and the commands: types, schema values and reference pages. `--check` compares
 * instead of writing.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compile } from 'json-schema-to-typescript'
import { errorHelpModule } from './error-help.ts'

const root = join(import.meta.dirname, '..')
const schemaFolder = join(root, 'schemas')
const check = process.argv.includes('--check')
const names = readdirSync(schemaFolder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.schema.json'))
  .map((name) => name.replaceAll('\\', '/'))
  .sort()

/** A schema as one self-contained object: every reference to another file becomes a local definition. */
function bundleTypes(): object {
  const definitions: Record<string, unknown> = {}
  for (const name of names) {
    const schema = JSON.parse(readFileSync(join(schemaFolder, name), 'utf8'))
    for (const [key, value] of Object.entries(schema.$defs ?? {})) {
      definitions[definitionName(name, key)] = relocate(value, name)
    }
    if (name === 'common.schema.json') continue
    const { $schema: _schema, $id: _id, $defs: _defs, ...own } = schema
    definitions[definitionName(name)] = relocate({ ...own, title: typeName(own.title) }, name)
  }
  return {
    title: 'Unused',
    $defs: definitions,
    type: 'object',
    additionalProperties: false,
    properties: {},
  }
}

function relocate(value: unknown, from: string): unknown {
  if (Array.isArray(value)) return value.map((item) => relocate(item, from))
  if (typeof value !== 'object' || value === null) return value
  if ('$ref' in value && typeof value.$ref === 'string') {
    // Siblings of a reference would make the generator name every use anew (Name1, Name2, ...).
    const [file, fragment] = value.$ref.split('#') as [string, string | undefined]
    const target = file === '' ? from : join(dirname(from), file).replaceAll('\\', '/')
    return { $ref: `#/$defs/${definitionName(target, fragment?.replace('/$defs/', ''))}` }
  }
  const entries = Object.entries(value).map(([key, item]) => [key, relocate(item, from)] as const)
  // A schema that only describes allows any JSON; the generator would take it for an object.
  const open =
    entries.length === 1 && typeof (value as { description?: unknown }).description === 'string'
  return Object.fromEntries(open ? [...entries, ['tsType', 'unknown'] as const] : entries)
}

function definitionName(file: string, key?: string): string {
  const stem = file.replace('.schema.json', '').replaceAll(/[/-]/g, '_')
  return key === undefined ? stem : `${stem}__${key}`
}

function typeName(title: string): string {
  return title.replaceAll(/(?:^|[ -])(\w)/g, (_all, letter: string) => letter.toUpperCase())
}

const banner = '// Generated from schemas/ by `npm run generate`. Do not edit.\n'
const types = await compile(bundleTypes() as never, 'Unused', {
  bannerComment: banner,
  unreachableDefinitions: true,
  additionalProperties: true,
  ignoreMinAndMaxItems: true,
  format: false,
})
const schemas = `${banner}\nexport const SCHEMAS: Readonly<Record<string, object>> = {\n${names
  .map(
    (name) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify(JSON.parse(readFileSync(join(schemaFolder, name), 'utf8')))},`,
  )
  .join('\n')}\n}\n`

function readSchema(name: string): object {
  return JSON.parse(readFileSync(join(schemaFolder, name), 'utf8')) as object
}

function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

let stale = 0
function emit(path: string, text: string): void {
  const file = join(root, path)
  if (check) {
    if (existsSync(file) && readFileSync(file, 'utf8') === text) return
    stale += 1
    console.error(`${path} is out of date: run \`npm run generate\``)
    return
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

emit('src/model/generated/types.ts', types)
emit('src/model/generated/schemas.ts', schemas)
emit('src/model/generated/error-help.ts', errorHelpModule(readText('docs/errors.md')))
// Loaded now, because the commands are built on what was just written.
const { referencePages } = await import('./reference.ts')
const sources = names.map((name) => [name, readSchema(name)] as const)
for (const [path, text] of referencePages(new Map(sources))) emit(path, text)
const { owaspPage } = await import('./owasp.ts')
emit(...(await owaspPage()))
const { ExampleError, guardrailsPage } = await import('./guardrails.ts')
try {
  emit(...(await guardrailsPage(new Map(sources))))
} catch (error) {
  if (!(error instanceof ExampleError)) throw error
  stale += 1
  console.error(error.message)
}
process.exitCode = stale === 0 ? 0 : 1
