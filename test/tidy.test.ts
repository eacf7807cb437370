import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../src/base/errors.ts'

// The rooms and their doors are the table in ARCHITECTURE.md: change it and this check changes with it.

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src')
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
  .sort()

type Room = { readonly name: string; readonly imports: readonly string[] | 'all' }

function rooms(): readonly Room[] {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  return [...text.matchAll(/^\| `([a-z/]+)` \|[^|]*\|([^|]*)\|$/gm)].map(
    ([, name = '', imports = '']) => ({
      name,
      imports: imports.trim() === 'every room above' ? 'all' : imports.split(/\s+/).filter(Boolean),
    }),
  )
}

function roomOf(path: string, known: readonly Room[]): Room | undefined {
  return known
    .filter(({ name }) => path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.name.length - a.name.length)[0]
}

/** Imported rooms that `room` has no door to. */
function forbidden(file: string, text: string, known: readonly Room[]): string[] {
  const room = roomOf(dirname(file), known)
  if (room === undefined) return [`${file} lies in no room of ARCHITECTURE.md`]
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, target = '']) => {
    const path = relative(source, resolve(source, dirname(file), target))
    const other = roomOf(dirname(path), known)
    if (other === undefined) return path.startsWith('..') ? [`${file} imports ${path}`] : []
    const open =
      other.name === room.name || room.imports === 'all' || room.imports.includes(other.name)
    return open ? [] : [`${file} imports ${path}: ${room.name} has no door to ${other.name}`]
  })
}

test('every import goes through a door of ARCHITECTURE.md', () => {
  const known = rooms()
  expect(known.length).toBeGreaterThan(10)
  const wrong = files
    .filter((file) => file !== 'index.ts')
    .flatMap((file) => forbidden(file, readFileSync(join(source, file), 'utf8'), known))
  expect(wrong).toEqual([])
})

test('the import check finds a forbidden import', () => {
  const text = "import { evaluate } from '../../decide/evaluate/index.ts'"
  expect(forbidden('trust/verify/review.ts', text, rooms())).toHaveLength(1)
})

test('every room of ARCHITECTURE.md exists', () => {
  const empty = rooms().filter(({ name }) => !files.some((file) => file.startsWith(`${name}/`)))
  expect(empty).toEqual([])
})

test('no file is longer than 500 lines', () => {
  const long = files.filter(
    (file) => readFileSync(join(source, file), 'utf8').split('\n').length > 501,
  )
  expect(long).toEqual([])
})

test('inner rooms ask for no time and no chance', () => {
  const inner = /^(base|model|policy|decide|trust|report)\//
  const impure = files.filter(
    (file) =>
      inner.test(file) &&
      /Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|randomBytes|getRandomValues/.test(
        readFileSync(join(source, file), 'utf8'),
      ),
  )
  expect(impure).toEqual([])
})

test('every error code has its heading in docs/errors.md, and no heading stands alone', () => {
  const headings = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^## (\w+)$/gm)]
  expect(headings.map(([, code]) => code).sort()).toEqual([...ERROR_CODES].sort())
})

test('every error code is raised somewhere', () => {
  const compiler = join(root, 'scripts/rego-compiler/dispatch')
  const text = [
    ...files.filter((file) => file !== 'base/errors.ts').map((file) => join(source, file)),
    ...readdirSync(compiler).map((file) => join(compiler, file)),
  ]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  expect(ERROR_CODES.filter((code) => !new RegExp(`['"]${code}['"]`).test(text))).toEqual([])
})

test('every suite that the configuration calls slow is there', () => {
  const named = readFileSync(join(root, 'vitest.config.ts'), 'utf8')
    .matchAll(/'(test\/[^'*]+\.test\.ts)'/g)
    .toArray()
    .map(([, file = '']) => file)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
})
