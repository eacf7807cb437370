import { describe, expect, test } from 'vitest'
import type { BaselineGraph, BaselineProposal, GraphEdge } from '../../src/model/baseline-report.ts'
import { snakeCase } from '../../src/report/baseline-document.ts'
import { graphDot, graphMermaid, graphText } from '../../src/report/baseline-graph.ts'
import { proposalMarkdown } from '../../src/report/baseline-markdown.ts'
import { baselineMessage } from '../../src/report/baseline-text.ts'
import { painter } from '../../src/report/paint.ts'

const NAME = {
  agent: 'clerk',
  fingerprint: null,
  version: 3,
  file: 'policies/baselines/clerk.yaml',
}
const PROGRESS = {
  sessions: 60,
  sessionsNeeded: 0,
  entropyMillibits: 800,
  entropyRangePpm: 12_000,
  noveltyPpm: null,
  settled: false,
  enforced: false,
}

function edge(from: string, to: string, more: Partial<GraphEdge> = {}): GraphEdge {
  const counts = { count: 3, sessions: 3, approvals: 0, rejections: 0 }
  return { from, to, ...counts, chancePpm: 250_000, z: 0, status: 'normal', trend: null, ...more }
}

function graphOf(...edges: readonly GraphEdge[]): BaselineGraph {
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))]
  return { sessions: 3, calls: 6, nodes: names.map((node) => ({ node, sessions: 3 })), edges }
}

/** Names that a drawing, a terminal or a forge might obey. */
const HOSTILE = [
  's."]; n0 -> n9 [URL="javascript:alert(1)"]; x["',
  's.\\N\\G\\',
  's.&lt;script&gt;',
  's.<img src=x onerror=alert(1)>',
  's.`whoami`',
  's.%%{init: {}}%%',
  's.#quot;"]--> n9',
  's.a\nclick n0 "javascript:alert(1)"',
  's.\u001b[2J\u202egnp',
  's.@team fixes #1',
  's.end',
]

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to keep out
const OBEYED = /[\u001b\u202e]/

describe('names that do more than name', () => {
  test.for(HOSTILE)('%j stays a label in DOT', (name) => {
    const text = graphDot(graphOf(edge('^', name)), NAME)
    const lines = text.trimEnd().split('\n')
    expect(lines).toHaveLength(8)
    // One statement a line, and every quoted text ends on it.
    const bare = lines.map((line) => line.replaceAll(/"(?:[^"\\]|\\["\\])*"/g, '_'))
    expect(bare[5]).toBe('  n1 [label=_];')
    expect(bare[6]).toBe('  n0 -> n1 [label=_, penwidth=2.00];')
    expect(text).not.toMatch(/&(?!amp;)/)
    expect(text).not.toMatch(OBEYED)
  })

  test.for(HOSTILE)('%j stays a label in Mermaid', (name) => {
    const lines = graphMermaid(graphOf(edge('^', name)))
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(4)
    for (const line of lines.slice(1, 3)) {
      expect(line).toMatch(/^ {2}n\d\["(?:[A-Za-z0-9 _.:/()^$↑↓+-]|#\d+;)*"\]$/)
    }
    expect(lines[3]).toBe('  n0 -->|"25.00#37; (3)"| n1')
  })

  test.for(HOSTILE)('%j shows on a terminal as what it is', (name) => {
    const graph = graphOf(edge('^', name))
    const text = graphText({ name: NAME, progress: PROGRESS, graph }, painter(false))
    expect(text).not.toMatch(OBEYED)
  })
})

test('the text shows chances, counts, what people said, status and trend', () => {
  const graph = graphOf(
    edge('^', 's.read', { chancePpm: 987_600, count: 120, trend: 'up' }),
    edge('s.read', 's.mail', { status: 'rare', trend: 'new' }),
    edge('s.read', 's.refund', { status: 'rejected', rejections: 2, count: 0, trend: 'down' }),
    edge('s.read', 's.note', { status: 'anomalous', z: 3.24, approvals: 1, trend: 'same' }),
  )
  const text = graphText({ name: NAME, progress: PROGRESS, graph }, painter(false))
  expect(text.split('\n')).toEqual([
    'clerk version 3: 3 sessions, 6 calls, 5 actions, 4 transitions',
    'in shadow, not settled: 60 sessions, enough; entropy 0.80 bits, range over 20 sessions 1.20% (below 5%); new transitions over 30 sessions too few to tell',
    '',
    '^',
    '  -> s.read    98.76%     120  ↑',
    '',
    's.read',
    '  -> s.mail    25.00%       3  + rare',
    '  -> s.refund  25.00%       0  ↓ rejected 2 rejections',
    '  -> s.note    25.00%       3  anomalous z 3.2 1 approval',
    '',
  ])
})

test('DOT and Mermaid mark what is rejected, and what is gone', () => {
  const graph = graphOf(
    edge('s.a', 's.b', { status: 'rejected', rejections: 1, count: 0 }),
    edge('s.a', 's.c', { trend: 'gone', count: 0 }),
  )
  expect(graphDot(graph, NAME)).toMatch(
    /label="25\.00% \(0\) rejected", penwidth=2\.00, color=red, style=bold/,
  )
  expect(graphDot(graph, NAME)).toMatch(
    /label="25\.00% \(0\) -", penwidth=2\.00, color=gray, style=dashed/,
  )
  expect(graphMermaid(graph)).toContain('linkStyle 0 stroke:#cc0000\n  linkStyle 1 stroke:#999999')
})

function proposal(node: string): BaselineProposal {
  const pair = { before: 1, after: 2 }
  const change = {
    from: '^',
    to: node,
    count: pair,
    chancePpm: pair,
    approvals: { before: 0, after: 0 },
    rejections: { before: 1, after: 0 },
    irreversible: true,
  }
  return {
    name: NAME,
    previous: 2,
    rolledBackTo: null,
    learned: 1,
    leftOut: { open: 2, refused: 1, rejected: 1, erased: 0, known: 0 },
    leftOutEdges: [{ from: '^', to: node, rejections: 1, sessions: 1 }],
    comparison: {
      sessions: pair,
      calls: pair,
      entropyMillibits: pair,
      movementPpm: 12_345,
      nodes: { added: [node], gone: [] },
      added: [change],
      gone: [],
      moved: [change],
      judged: [change],
    },
    progress: { before: { ...PROGRESS, enforced: true }, after: PROGRESS },
    alarms: {
      ...{ expectedPpm: 19_000, stoppedBeforePpm: 500_000, thresholdMillibits: pair },
      loosened: ['duplicate'],
    },
    poisoning: [
      { from: '^', to: node, why: 'rejected', kind: 'steady', versions: 3, chancePpm: pair },
    ],
    flips: null,
  }
}

test('a proposal says all that its readers must know', () => {
  const text = baselineMessage(proposal('s.refund'))
  for (const line of [
    'Baseline clerk: version 3',
    '1 session learned, out of version 2',
    'not learned: 2 sessions not ended, 1 session with a denied, rejected or expired call, 1 session with a rejected transition',
    '  ^ -> s.refund was rejected once: 1 session not learned; to learn it, set its rejections to 0 in the file',
    'entropy 0.00 -> 0.00 bits, chances moved by 1.23% (12345 ppm)',
    '+ ^ -> s.refund  0.00%, 2 times, irreversible',
    '! ^ -> s.refund  rejections 1 -> 0: may be learned again',
    'WARNING: this version goes back into shadow: its findings will decide nothing',
    'false alarms expected: 1.90% of normal sessions; threshold 0.00 -> 0.00 bits',
    'of the sessions learned the version before would have stopped 50.00%',
    'WARNING: ^ -> s.refund rose in each of 3 versions (0.00% -> 0.00%), and people rejected it: it may be taught on purpose',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
})

test.for(HOSTILE)('%j neither mentions people nor ends the block of a pull request', (node) => {
  const lines = proposalMarkdown(proposal(node)).trimEnd().split('\n')
  const [open = ''] = lines.filter((line) => /^`{3,}text$/.test(line))
  const fence = open.replace('text', '')
  const first = lines.indexOf(open)
  expect(lines.slice(first + 1).indexOf(fence)).toBe(lines.length - first - 2)
  expect(lines.slice(0, first).join('\n')).not.toContain(node)
})

test('JSON has the names of its members in snake_case, and values as they are', () => {
  expect(snakeCase({ entropyMillibits: { beforeThat: [{ aB: 'aB' }] } })).toEqual({
    entropy_millibits: { before_that: [{ a_b: 'aB' }] },
  })
})

test('a graph of 200,000 transitions is shown', () => {
  const graph = graphOf(edge('^', 's.a'))
  const many = { ...graph, edges: Array.from({ length: 200_000 }, () => edge('^', 's.a')) }
  const text = graphText({ name: NAME, progress: PROGRESS, graph: many }, painter(false))
  expect(text.split('\n').length).toBeGreaterThan(200_000)
})

test('what cannot be undone is shown, however many other transitions come before it', () => {
  const { comparison } = proposal('s.refund')
  const [one] = comparison.added
  if (one === undefined) throw new Error('expected a transition')
  const harmless = Array.from({ length: 60 }, (_, i) => {
    return { ...one, to: `s.a${i}`, irreversible: false, rejections: { before: 0, after: 1 } }
  })
  const last = { ...one, to: 's.z', irreversible: true, rejections: { before: 1, after: 0 } }
  const edges = [...harmless, last]
  const changed = { ...comparison, added: edges, judged: edges }
  const text = baselineMessage({ ...proposal('s.refund'), comparison: changed })
  expect(text).toMatch(/\+ .* -> s\.z .*irreversible/)
  expect(text).toMatch(/! .* -> s\.z .*may be learned again/)
})
