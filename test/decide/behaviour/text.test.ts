import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeOf } from '../../../src/decide/behaviour/node.ts'
import type { Snapshot } from '../../../src/decide/behaviour/snapshot.ts'
import { advance, EMPTY_SNAPSHOT, learn, merge } from '../../../src/decide/behaviour/snapshot.ts'
import type { BaselineDocument } from '../../../src/decide/behaviour/text.ts'
import { formatBaseline } from '../../../src/decide/behaviour/text.ts'
import { formatYaml } from '../../../src/policy/analyse/format-yaml.ts'
import { parseDocuments } from '../../../src/policy/compile/index.ts'
import { cpuMs } from '../../support/cpu.ts'
import { sessionsOf } from './generated-sessions.ts'

const FILE = 'policies/baselines/bot.yaml'

function parse(text: string): { value: BaselineDocument | undefined; found: string[] } {
  const { documents, diagnostics } = parseDocuments(new Map([[FILE, text]]))
  return {
    value: documents.baselines[0]?.value,
    found: diagnostics.map(({ line, column, code }) => `${line}:${column} ${code}`),
  }
}

function documentOf(snapshot: Snapshot): BaselineDocument {
  return {
    apiVersion: 'countersign/v1',
    kind: 'Baseline',
    agent: 'retail-bot',
    version: 1,
    snapshot,
  }
}

function session(id: string, calls: string, ended = true) {
  const nodes = calls.split(' ').filter((call) => call !== '')
  const observed = nodes.map((call) => {
    const [name = '', args = null] = call.split('=')
    return { node: nodeOf('retail', name), args }
  })
  return { id, group: id, calls: observed, ended }
}

const TWO = learn([session('one', 'find=1 find=1 pay'), session('two', 'find pay', false)])

const TEXT = `apiVersion: countersign/v1
kind: Baseline
agent: retail-bot
version: 1
sessions: 2
calls: 5
paths: |
  ^ ^ retail.find 2 2
  ^ retail.find retail.find 1 2
  ^ retail.find retail.pay 1 2
  retail.find retail.find retail.pay 1 2
  retail.find retail.pay $ 1 2
edges: |
  ^ retail.find 2 0 0
  retail.find retail.find 1 0 0
  retail.find retail.pay 2 0 0
  retail.pay $ 1 0 0
containing: |
  $ 1
  retail.find 2
  retail.pay 2
preceding: |
  $ retail.find 1
  $ retail.pay 1
  retail.pay retail.find 2
runs: |
  retail.find 0 1
  retail.find 1 1
  retail.pay 0 2
cycles: |
  2 0 2
  3 0 2
duplicates: |
  1 1
sample: |
${TWO.sample
  .map(({ digest, group, ended }) =>
    ended
      ? `  ${digest} ${group} end retail.find retail.find* retail.pay`
      : `  ${digest} ${group} open? retail.find retail.pay`,
  )
  .join('\n')}
`

describe('the text of a baseline', () => {
  test('is rows of names, in order', () => {
    expect(formatBaseline(documentOf(TWO))).toBe(TEXT)
  })

  test('of no session has no table', () => {
    const text = formatBaseline(documentOf(EMPTY_SNAPSHOT))
    expect(text).toMatch(/sessions: 0\ncalls: 0\n$/)
    expect(parse(text)).toEqual({ value: documentOf(EMPTY_SNAPSHOT), found: [] })
  })

  test('with every setting reads back', () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const document: BaselineDocument = {
      ...documentOf(TWO),
      agent: 'yes',
      fingerprint: 'null: "x" # \u200b\u{e0001}\u2028\u007f é',
      version: 3,
      previous: digest,
      mode: 'enforce',
      rate: 0.005,
      half_life: 100,
      unreviewed_movement_ppm: 12,
      learned: [
        {
          version: 2,
          sessions: 1,
          digest,
          log: 'example.com/log',
          through: 41,
          idle: '30m',
          movement_ppm: 7,
        },
        {
          version: 3,
          bundle: digest,
          sessions: 1,
          digest,
          from: '2026-05-01T00:00:00Z',
          to: '2026-05-02T00:00:00.5Z',
          movement_ppm: 0,
        },
      ],
    }
    const text = formatBaseline(document)
    expect(text).not.toMatch(/[\u200b\u2028\u007f]/)
    expect(parse(text)).toEqual({ value: document, found: [] })
    expect(formatBaseline({ ...document })).toBe(text)
  })

  test('is in the layout of `format` already', () => {
    expect(formatYaml(FILE, TEXT)).toEqual({ text: TEXT })
  })

  test('reads back with names that hold anything', () => {
    const part = fc.string({ unit: 'binary' })
    const hostile = fc.array(fc.tuple(part, part), { maxLength: 6 })
    fc.assert(
      fc.property(hostile, fc.boolean(), (names, ended) => {
        const calls = names.map(([service, action]) => ({
          node: nodeOf(service, action),
          args: action,
        }))
        const document = documentOf(learn([{ id: 'a', group: 'a', ended, calls }]))
        const text = formatBaseline(document)
        expect(parse(text)).toEqual({ value: document, found: [] })
      }),
    )
  })

  test('reads back what was learned, merged, aged and judged, and writes the same bytes', () => {
    const few = sessionsOf(12)
    const halfLife = fc.constantFrom(null, 1, 5, 100)
    fc.assert(
      fc.property(few, few, few, halfLife, fc.nat(), (a, b, c, half, pick) => {
        const named = (prefix: string, sessions: typeof a) =>
          learn(sessions.map((one) => ({ ...one, id: prefix + one.id })))
        const base = rejecting(merge(named('a', a), named('b', b)), pick)
        const document = documentOf(advance(base, named('c', c), half))
        const text = formatBaseline(document)
        const { value, found } = parse(text)
        expect(found).toEqual([])
        expect(value).toEqual(document)
        expect(formatBaseline(value ?? document)).toBe(text)
      }),
    )
  })
})

/** The same, with one edge rejected. */
function rejecting(snapshot: Snapshot, pick: number): Snapshot {
  const edges = [...snapshot.edges]
  if (edges.length > 0) edges[(pick % (edges.length / 5)) * 5 + 4] = 1
  return { ...snapshot, edges }
}

/** The text with one line replaced, and where that line stands. */
function withLine(line: string, by: string): { text: string; at: number } {
  const lines = TEXT.split('\n')
  const at = lines.indexOf(line)
  expect(at).toBeGreaterThan(0)
  lines[at] = by
  return { text: lines.join('\n'), at: at + 1 }
}

/** The number of the line below a key. */
function firstRow(text: string, key: string): number {
  return text.split('\n').findIndex((line) => line.startsWith(`${key}:`)) + 2
}

const PATH = '  ^ ^ retail.find 2 2'
const EDGE = '  ^ retail.find 2 0 0'

describe('a baseline that is refused', () => {
  test.for([
    { name: 'too few words', line: PATH, by: '  ^ ^ retail.find 2', column: 3 },
    { name: 'too many words', line: PATH, by: '  ^ ^ retail.find 2 2 2', column: 3 },
    { name: 'two spaces', line: PATH, by: '  ^ ^ retail.find 2  2', column: 3 },
    { name: 'a space at the end', line: PATH, by: '  ^ ^ retail.find 2 2 ', column: 3 },
    { name: 'a tab', line: PATH, by: '  ^ ^ retail.find\t2 2', column: 3 },
    { name: 'an empty line', line: EDGE, by: '', column: 1 },
    { name: 'a comment', line: EDGE, by: '  # mine', column: 3 },
    { name: 'a negative count', line: PATH, by: '  ^ ^ retail.find -2 2', column: 19 },
    { name: 'a fraction', line: PATH, by: '  ^ ^ retail.find 2.5 2', column: 19 },
    { name: 'an exponent', line: PATH, by: '  ^ ^ retail.find 2e0 2', column: 19 },
    { name: 'a leading zero', line: PATH, by: '  ^ ^ retail.find 02 2', column: 19 },
    { name: 'hexadecimal', line: PATH, by: '  ^ ^ retail.find 0x2 2', column: 19 },
    { name: 'no number', line: PATH, by: '  ^ ^ retail.find NaN 2', column: 19 },
    {
      name: 'a number beyond 2^53',
      line: PATH,
      by: '  ^ ^ retail.find 9007199254740992 2',
      column: 19,
    },
    { name: 'a name without a dot', line: PATH, by: '  ^ ^ find 2 2', column: 7 },
    { name: 'a name with a bad escape', line: PATH, by: '  ^ ^ retail.find%2x 2 2', column: 7 },
    { name: 'a name with a star', line: PATH, by: '  ^ ^ retail.find* 2 2', column: 7 },
    { name: 'a hidden character', line: PATH, by: '  ^ ^ retail.fi\u200bnd 2 2', column: 7 },
    { name: 'a row twice', line: EDGE, by: `${EDGE}\n${EDGE}`, column: 3, below: 1 },
    {
      name: 'rows out of order',
      line: '  retail.find retail.find 1 0 0',
      by: '  retail.pay retail.find 1 0 0',
      column: 3,
      below: 1,
    },
    {
      name: 'a path after the end',
      line: '  retail.find retail.pay $ 1 2',
      by: '  retail.find $ $ 1 2',
    },
    {
      name: 'a path that begins in its middle',
      line: '  retail.find retail.pay $ 1 2',
      by: '  retail.pay ^ retail.pay 1 2',
    },
    { name: 'a path back to the beginning', line: PATH, by: '  ^ ^ ^ 2 2' },
    { name: 'a path never taken', line: PATH, by: '  ^ ^ retail.find 0 2' },
    { name: 'a path of a session to come', line: PATH, by: '  ^ ^ retail.find 2 3' },
    { name: 'a path of session 0', line: PATH, by: '  ^ ^ retail.find 2 0' },
    { name: 'more beginnings than sessions', line: PATH, by: '  ^ ^ retail.find 3 2' },
    { name: 'a path without its edge', line: EDGE, by: '  ^ retail.find 0 0 0', at: 'paths' },
    { name: 'a path without its edge row', line: EDGE, by: '  ^ retail.pay 2 0 0', at: 'paths' },
    { name: 'an edge of too many sessions', line: EDGE, by: '  ^ retail.find 3 0 0' },
    { name: 'a call in no session', line: '  retail.find 2', by: '  retail.find 0' },
    { name: 'a call in too many sessions', line: '  retail.find 2', by: '  retail.find 3' },
    {
      name: 'one before itself',
      line: '  retail.pay retail.find 2',
      by: '  retail.pay retail.pay 2',
    },
    {
      name: 'one before the other too often',
      line: '  retail.pay retail.find 2',
      by: '  retail.pay retail.find 3',
    },
    {
      name: 'runs that miss a session',
      line: '  retail.pay 0 2',
      by: '  retail.pay 0 1',
      at: 'runs',
    },
    { name: 'an endless run', line: '  retail.pay 0 2', by: '  retail.pay 1001 2' },
    { name: 'a period of four', line: '  3 0 2', by: '  4 0 2' },
    { name: 'periods that do not agree', line: '  3 0 2', by: '  3 0 1', at: 'cycles' },
    { name: 'duplicates of too many sessions', line: '  1 1', by: '  1 3', at: 'duplicates' },
    { name: 'more calls than counted', line: 'calls: 5', by: 'calls: 3', at: 'paths' },
  ])('$name', ({ line, by, column = 3, below = 0, at: elsewhere }) => {
    const { text, at } = withLine(line, by)
    const { value, found } = parse(text)
    expect(value).toBeUndefined()
    const row = elsewhere === undefined ? at + below : firstRow(text, elsewhere)
    expect(found[0]).toBe(`${row}:${column} BASELINE_INVALID`)
  })

  test.for([
    { name: 'a missing session', change: (rows: string[]) => rows.slice(1) },
    { name: 'an order of their own', change: (rows: string[]) => [...rows].reverse() },
    { name: 'a short digest', change: (rows: string[]) => rows.map((row) => row.slice(1)) },
    {
      name: 'another ending',
      change: (rows: string[]) => rows.map((row) => row.replace(/end|open/, 'END')),
    },
    {
      name: 'an unknown call',
      change: (rows: string[]) => rows.map((row) => `${row} retail.other`),
    },
    { name: 'a call twice marked', change: (rows: string[]) => rows.map((row) => `${row}**`) },
  ])('a sample with $name', ({ change }) => {
    const [head = '', rows = ''] = TEXT.split('sample: |\n')
    const changed = change(
      rows
        .trimEnd()
        .split('\n')
        .map((row) => row.trim()),
    )
    const { value, found } = parse(
      `${head}sample: |\n${changed.map((row) => `  ${row}\n`).join('')}`,
    )
    expect(value).toBeUndefined()
    expect(found[0]).toMatch(/^3[67]:\d+ BASELINE_INVALID$/)
  })

  test.for([
    { name: 'a folded block', by: 'cycles: >' },
    { name: 'text in quotes', by: 'cycles: "2 0 2\\n3 0 2\\n"\nother: |' },
  ])('a table as $name', ({ by }) => {
    const text = TEXT.replace('cycles: |', by).replace(/other: \|\n.*\n.*\n/, '')
    expect(parse(text).found).toEqual([`${firstRow(TEXT, 'cycles') - 1}:9 BASELINE_INVALID`])
  })

  test('a table that is no text', () => {
    expect(parse(TEXT.replace(/duplicates: \|\n.*\n/, 'duplicates: 5\n')).found).toEqual([
      `${firstRow(TEXT, 'duplicates') - 1}:13 VALUE_INVALID`,
    ])
  })

  test('more different calls than a baseline may have', () => {
    const rows = Array.from({ length: 4001 }, (_, i) => `  a.n${String(i).padStart(4, '0')} 1\n`)
    const { text } = withLine('  $ 1', `  $ 1\n${rows.join('').trimEnd()}`)
    const row = firstRow(TEXT, 'containing')
    expect(parse(text).found).toEqual([`${row}:3 BASELINE_TOO_LARGE`])
  })

  test('one mistake a row is named, up to a bound', () => {
    const rows = Array.from({ length: 1000 }, () => '  ?\n').join('')
    const { found } = parse(TEXT.replace('cycles: |\n', `cycles: |\n${rows}`))
    expect(found).toHaveLength(20)
  })
})

describe('what a person may write', () => {
  test.for([
    { name: 'comments', from: 'edges: |', to: '# Reviewed by Ana.\nedges: | # by hand\n' },
    { name: 'another indentation', from: /^ {2}/gm, to: '     ' },
    { name: 'Windows line ends', from: /\n/g, to: '\r\n' },
  ])('$name', ({ name, from, to }) => {
    const text = TEXT.replace(from, name === 'comments' ? to.trimEnd() : to)
    expect(parse(text)).toEqual({ value: documentOf(TWO), found: [] })
  })

  test('a rejection, and its end', () => {
    const { text } = withLine(EDGE, '  ^ retail.find 2 0 1')
    expect(parse(text).value?.snapshot.edges.slice(0, 5)).toEqual([0, 2, 2, 0, 1])
    const never = withLine(EDGE, `${EDGE}\n  ^ retail.zero 0 0 0`)
    expect(parse(never.text).value?.snapshot.nodes).toEqual([
      'retail.find',
      'retail.pay',
      'retail.zero',
    ])
  })

  test('the line of a mistake in another indentation', () => {
    const { text, at } = withLine(PATH, '  ^ ^ retail.find 2 x')
    expect(parse(text.replaceAll(/^ {2}/gm, '     ')).found).toEqual([`${at}:24 BASELINE_INVALID`])
  })
})

test('100,000 paths over 1,000 calls read and write in seconds', () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const sessions = Array.from({ length: 1200 }, (_, i) => ({
    id: `${i}`,
    group: `${i}`,
    ended: true,
    calls: Array.from({ length: 100 }, () => {
      const number = random(1000)
      return { node: nodeOf(`service_${number % 10}`, `action_${number}`), args: null }
    }),
  }))
  // A third table that has as many rows would take longer to learn than to read.
  const snapshot = { ...learn(sessions), preceding: [] }
  expect(snapshot.paths.length / 5).toBeGreaterThan(100_000)
  expect(snapshot.nodes).toHaveLength(1000)
  const start = cpuMs()
  const { value } = parse(formatBaseline(documentOf(snapshot)))
  expect(cpuMs() - start).toBeLessThan(20_000)
  expect(value?.snapshot.paths.length).toBe(snapshot.paths.length)
})
