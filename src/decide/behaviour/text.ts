import type { Position } from '../../base/position.ts'
import { compareText } from '../../base/position.ts'
import type { BaselineFile, LearnedVersion } from '../../model/generated/types.ts'
import { findFlaws } from './flaws.ts'
import { BEGIN, END, isNode } from './node.ts'
import type { Step, Trail } from './session.ts'
import type { Snapshot, TableName } from './snapshot.ts'
import { NODE_COLUMNS, nodeOfId, TABLES } from './snapshot.ts'

/** The keys of a baseline's file that hold tables, in order. */
export const TABLE_KEYS = [...(Object.keys(TABLES) as TableName[]), 'sample'] as const

export type TableKey = (typeof TABLE_KEYS)[number]

/** A baseline as its file holds it, the tables read. */
export type BaselineDocument = Omit<BaselineFile, TableKey | 'sessions' | 'calls'> & {
  readonly snapshot: Snapshot
}

/** What is wrong with one place of a baseline's tables. */
export type TableProblem = Position & {
  readonly table: TableKey
  readonly message: string
  readonly code: 'BASELINE_INVALID' | 'BASELINE_TOO_LARGE'
}

/**
 * The text of a baseline: a YAML document whose tables are literal blocks. Equal documents have equal bytes, and what a
 * file holds beside comments and layout is what this gives.
 */
export function formatBaseline(document: BaselineDocument): string {
  const { snapshot, learned } = document
  const lines = ['apiVersion: countersign/v1', 'kind: Baseline', `agent: ${quote(document.agent)}`]
  const optional = (key: keyof BaselineDocument): void => {
    const value = document[key]
    if (value !== undefined) lines.push(`${key}: ${word(value as string | number)}`)
  }
  optional('fingerprint')
  lines.push(`version: ${document.version}`)
  for (const key of SETTINGS) optional(key)
  if (learned !== undefined) {
    lines.push(learned.length === 0 ? 'learned: []' : 'learned:')
    for (const one of learned) {
      const members = LEARNED_KEYS.flatMap((key) => {
        const value = one[key]
        return value === undefined ? [] : [`${key}: ${value === true ? 'true' : word(value)}`]
      })
      lines.push(`  - { ${members.join(', ')} }`)
    }
  }
  lines.push(`sessions: ${snapshot.sessions}`, `calls: ${snapshot.calls}`)
  for (const table of TABLE_KEYS) {
    const rows = table === 'sample' ? sampleRows(snapshot) : tableRows(snapshot, table)
    if (rows.length > 0) lines.push(`${table}: |`, rows.join('\n'))
  }
  return `${lines.join('\n')}\n`
}

/**
 * Reads the tables of a baseline's file, which its schema has been asked about: each number a safe integer, each node as
 * `nodeOf` writes it, rows in order and each once, sums that agree.
 *
 * @param firstRow - where the first row of a table stands
 */
export function parseTables(
  raw: BaselineFile,
  firstRow: (table: TableKey) => Position,
): { readonly snapshot: Snapshot } | { readonly problems: readonly TableProblem[] } {
  const problems: TableProblem[] = []
  const complain: Complain = (table, row, offset, message, code = 'BASELINE_INVALID') => {
    const { line, column } = firstRow(table)
    if (problems.length < PROBLEMS_MAX) {
      problems.push({ table, line: line + row, column: column + offset, message, code })
    }
  }
  const names: Names = new Map([
    [BEGIN, 0],
    [END, 1],
  ])
  const drafts = {} as Record<TableName, number[]>
  for (const table of Object.keys(TABLES) as TableName[]) {
    drafts[table] = readTable(table, raw[table] ?? '', names, complain)
  }
  const sample = readSample(raw.sample ?? '', complain)
  if (problems.length > 0) return { problems }
  const nodes = [...names.keys()].slice(2).sort(compareText)
  const idOf = new Map([BEGIN, END, ...nodes].map((node, id) => [node, id]))
  const ids = [...names.keys()].map((node) => idOf.get(node) ?? 0)
  for (const table of Object.keys(TABLES) as TableName[]) {
    renumber(table, drafts[table], ids)
    checkOrder(table, drafts[table], complain)
  }
  const snapshot = { sessions: raw.sessions, calls: raw.calls, nodes, ...drafts, sample }
  if (problems.length > 0) return { problems }
  for (const { table, row, message, large } of findFlaws(snapshot)) {
    complain(table, row, 0, message, large ? 'BASELINE_TOO_LARGE' : 'BASELINE_INVALID')
  }
  return problems.length > 0 ? { problems } : { snapshot }
}

const PROBLEMS_MAX = 20

type Setting = Exclude<
  keyof BaselineDocument,
  'apiVersion' | 'kind' | 'agent' | 'fingerprint' | 'version' | 'learned' | 'snapshot'
>

// Tables of all keys in their order: one that is missing would be lost.
const SETTINGS = keysOf<Setting>({
  previous: true,
  mode: true,
  rate: true,
  half_life: true,
  unreviewed_movement_ppm: true,
})

const LEARNED_KEYS = keysOf<keyof LearnedVersion>({
  version: true,
  bundle: true,
  sessions: true,
  digest: true,
  log: true,
  through: true,
  idle: true,
  from: true,
  to: true,
  movement_ppm: true,
  settled: true,
})

function keysOf<K extends string>(keys: Readonly<Record<K, true>>): readonly K[] {
  return Object.keys(keys) as K[]
}

const INDENT = '  '

function tableRows(snapshot: Snapshot, table: TableName): string[] {
  const { columns } = TABLES[table]
  const nodes = NODE_COLUMNS[table]
  const cells = snapshot[table]
  const rows: string[] = []
  for (let i = 0; i < cells.length; i += columns) {
    let row = INDENT
    for (let column = 0; column < columns; column++) {
      const cell = cells[i + column] ?? 0
      if (column > 0) row += ' '
      row += column < nodes ? nodeOfId(snapshot, cell) : cell
    }
    rows.push(row)
  }
  return rows
}

function sampleRows({ sample }: Snapshot): string[] {
  return sample.map(({ digest, group, ended, compared, steps }) => {
    const calls = steps.map(({ node, duplicate }) => ` ${node}${duplicate ? '*' : ''}`)
    const ending = `${ended ? 'end' : 'open'}${compared ? '' : '?'}`
    return `${INDENT}${digest} ${group} ${ending}${calls.join('')}`
  })
}

function word(value: string | number): string {
  return typeof value === 'number' ? String(value) : quote(value)
}

/** Text as YAML: in quotes where it must be, with escapes for what a reader would not see. */
function quote(text: string): string {
  if (PLAIN_TEXT.test(text) && !YAML_WORDS.has(text)) return text
  return JSON.stringify(text).replace(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0
    const digits = code.toString(16)
    return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
  })
}

const PLAIN_TEXT = /^[a-z][a-z0-9]*(?:[_./:-][a-z0-9]+)*$/

// Some version of YAML takes these for something else than text.
const YAML_WORDS: ReadonlySet<string> = new Set([
  'false',
  'n',
  'no',
  'null',
  'off',
  'on',
  'true',
  'y',
  'yes',
])

const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

type Names = Map<string, number>

type Complain = (
  table: TableKey,
  row: number,
  offset: number,
  message: string,
  code?: TableProblem['code'],
) => void

/** The lines of a block: an empty one at its end is none. */
function rowsOfText(text: string): string[] {
  const rows = text.split('\n')
  if (rows.at(-1) === '') rows.pop()
  return rows
}

function readTable(table: TableName, text: string, names: Names, complain: Complain): number[] {
  const { columns } = TABLES[table]
  const nodes = NODE_COLUMNS[table]
  const cells: number[] = []
  rowsOfText(text).forEach((row, index) => {
    const words = row.split(' ')
    if (words.length !== columns || words.includes('')) {
      const message = `expected ${columns} words with one space between, as in "${HEADS[table]}"`
      complain(table, index, 0, message)
      return
    }
    let offset = 0
    for (let column = 0; column < columns; column++) {
      const text = words[column] ?? ''
      const cell = column < nodes ? nodeNumber(names, text) : integerOf(text)
      if (cell === null) complain(table, index, offset, expected(column < nodes))
      cells.push(cell ?? 0)
      offset += text.length + 1
    }
  })
  return cells
}

const HEADS: Readonly<Record<TableName, string>> = {
  paths: 'node node node count last',
  edges: 'node node sessions approvals rejections',
  containing: 'node sessions',
  preceding: 'node earlier sessions',
  runs: 'node repeats sessions',
  cycles: 'period repeats sessions',
  duplicates: 'calls sessions',
}

function expected(node: boolean): string {
  return node
    ? 'expected a call such as retail.find_user, with white space, "%" and "*" percent-encoded'
    : 'expected a whole number from 0 to 9007199254740991 without leading zeros'
}

function nodeNumber(names: Names, node: string): number | null {
  const known = names.get(node)
  if (known !== undefined) return known
  if (!isNode(node)) return null
  const number = names.size
  names.set(node, number)
  return number
}

function integerOf(text: string): number | null {
  if (!INTEGER.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}

const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/

function renumber(table: TableName, cells: number[], ids: readonly number[]): void {
  const { columns } = TABLES[table]
  for (let i = 0; i < cells.length; i += columns) {
    for (let column = 0; column < NODE_COLUMNS[table]; column++) {
      cells[i + column] = ids[cells[i + column] ?? 0] ?? 0
    }
  }
}

function checkOrder(table: TableName, cells: readonly number[], complain: Complain): void {
  const { columns, key } = TABLES[table]
  for (let i = columns; i < cells.length; i += columns) {
    let order = 0
    for (let column = 0; column < key && order === 0; column++) {
      order = (cells[i + column] ?? 0) - (cells[i + column - columns] ?? 0)
    }
    if (order > 0) continue
    const message = `expected rows in order, each once; this one ${order < 0 ? 'belongs further up' : 'stands here twice'}`
    complain(table, i / columns, 0, message)
    return
  }
}

function readSample(text: string, complain: Complain): readonly Trail[] {
  const trails: Trail[] = []
  rowsOfText(text).forEach((row, index) => {
    const [digest = '', group = '', ending = '', ...calls] = row.split(' ')
    if (!SAMPLE_HEAD.test(`${digest} ${group} ${ending}`)) {
      const message =
        'expected 32 hexadecimal digits, 16 more, and "end" or "open", with a "?" where arguments are unknown'
      complain('sample', index, 0, message)
      return
    }
    let offset = digest.length + group.length + ending.length + 3
    const steps = calls.map((call): Step => {
      const duplicate = call.endsWith('*')
      const node = duplicate ? call.slice(0, -1) : call
      if (!isNode(node)) complain('sample', index, offset, expected(true))
      offset += call.length + 1
      return { node, duplicate }
    })
    const trail = {
      digest,
      group,
      ended: ending.startsWith('end'),
      compared: !ending.endsWith('?'),
      steps,
    }
    const before = trails.at(-1)
    if (before !== undefined && compareTrails(before, trail) > 0) {
      complain('sample', index, 0, 'expected sessions in order of their digests')
    }
    trails.push(trail)
  })
  return trails
}

const SAMPLE_HEAD = /^[0-9a-f]{32} [0-9a-f]{16} (?:end|open)\??$/

function compareTrails(a: Trail, b: Trail): number {
  return compareText(a.digest, b.digest) || compareText(a.group, b.group)
}
