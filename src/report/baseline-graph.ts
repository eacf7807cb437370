import type {
  BaselineGraph,
  BaselineName,
  BaselineProgress,
  GraphEdge,
} from '../model/baseline-report.ts'
import { nameText, percent, progressText } from './baseline-text.ts'
import { plural } from './check-text.ts'
import { type Paint, visible } from './paint.ts'

/** A baseline's graph for people: what follows each call, the likeliest first. */
export function graphText(
  {
    name,
    progress,
    graph,
  }: { name: BaselineName; progress: BaselineProgress; graph: BaselineGraph },
  paint: Paint,
): string {
  const { sessions, calls, nodes, edges } = graph
  const longest = edges.reduce((length, { to }) => Math.max(length, visible(to).length), 0)
  const width = Math.min(COLUMN_MAX, longest)
  const lines = [
    paint.bold(`${nameText(name)} version ${name.version}`) +
      `: ${plural(sessions, 'session')}, ${plural(calls, 'call')}, ${plural(nodes.length, 'action')}, ${plural(edges.length, 'transition')}`,
    progressText(progress),
  ]
  let last: string | null = null
  for (const edge of edges) {
    if (edge.from !== last) lines.push('', paint.bold(visible(edge.from)))
    last = edge.from
    lines.push(edgeLine(edge, width, paint))
  }
  return `${lines.join('\n')}\n`
}

const COLUMN_MAX = 48

/**
 * The graph in the DOT language (graphviz.org/doc/info/lang.html). Names stand in labels only, with all that DOT would
 * read as an escape or an entity made harmless.
 */
export function graphDot(graph: BaselineGraph, name: BaselineName): string {
  const ids = idsOf(graph)
  const lines = [
    'digraph baseline {',
    '  rankdir=LR;',
    `  label=${dotText(`${nameText(name)} version ${name.version}`)};`,
    '  node [shape=box];',
    ...[...ids].map(([node, id]) => `  ${id} [label=${dotText(node)}${shapeOf(node)}];`),
    ...graph.edges.map((edge) => {
      const label = dotText(edgeLabel(edge))
      const width = (1 + (4 * edge.chancePpm) / 1_000_000).toFixed(2)
      return `  ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label=${label}, penwidth=${width}${DOT_STYLE[styleOf(edge)]}];`
    }),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

/**
 * The graph as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html). In names all but plain characters are entity
 * codes, since Mermaid reads quotes, semicolons, comments and HTML wherever they stand.
 */
export function graphMermaid(graph: BaselineGraph): string {
  const ids = idsOf(graph)
  const links = graph.edges.map((edge) => {
    const arrow = styleOf(edge) === 'gone' || edge.count === 0 ? '-.->' : '-->'
    return `  ${ids.get(edge.from)} ${arrow}|"${mermaidText(edgeLabel(edge))}"| ${ids.get(edge.to)}`
  })
  const styles = graph.edges.flatMap((edge, i) => {
    const colour = MERMAID_COLOUR[styleOf(edge)]
    return colour === null ? [] : [`  linkStyle ${i} stroke:${colour}`]
  })
  const nodes = [...ids].map(([node, id]) => `  ${id}["${mermaidText(node)}"]`)
  return `${['flowchart LR', ...nodes, ...links, ...styles].join('\n')}\n`
}

type Style = GraphEdge['status'] | 'gone'

const DOT_STYLE: Readonly<Record<Style, string>> = {
  normal: '',
  rare: ', color=gray',
  anomalous: ', color=orange',
  rejected: ', color=red, style=bold',
  gone: ', color=gray, style=dashed',
}

const MERMAID_COLOUR: Readonly<Record<Style, string | null>> = {
  normal: null,
  rare: '#999999',
  anomalous: '#dd8800',
  rejected: '#cc0000',
  gone: '#999999',
}

const TREND: Readonly<Record<NonNullable<GraphEdge['trend']>, string>> = {
  up: '↑',
  down: '↓',
  same: '',
  new: '+',
  gone: '-',
}

function edgeLine(edge: GraphEdge, width: number, paint: Paint): string {
  const { to, chancePpm, count, approvals, rejections, status, z, trend } = edge
  const words = [
    ...(trend === null || trend === 'same' ? [] : [TREND[trend]]),
    ...(status === 'normal' ? [] : [status]),
    ...(status === 'anomalous' && z !== null ? [`z ${z.toFixed(1)}`] : []),
    ...(approvals === 0 ? [] : [plural(approvals, 'approval')]),
    ...(rejections === 0 ? [] : [plural(rejections, 'rejection')]),
  ]
  const colour = status === 'rejected' ? paint.red : status === 'normal' ? plain : paint.yellow
  const numbers = `${percent(chancePpm).padStart(7)} ${String(count).padStart(7)}`
  return `  -> ${visible(to).padEnd(width)} ${numbers}  ${colour(words.join(' '))}`.trimEnd()
}

function plain(text: string): string {
  return text
}

function edgeLabel({ chancePpm, count, trend, rejections }: GraphEdge): string {
  const arrow = trend === null ? '' : TREND[trend]
  const rejected = rejections === 0 ? '' : ' rejected'
  return `${percent(chancePpm)} (${count})${arrow === '' ? '' : ` ${arrow}`}${rejected}`
}

function styleOf({ status, trend }: GraphEdge): Style {
  return trend === 'gone' && status !== 'rejected' ? 'gone' : status
}

/** Ids that mean nothing: no name of an action is ever read as part of the drawing. */
function idsOf({ nodes, edges }: BaselineGraph): ReadonlyMap<string, string> {
  const names = [...nodes.map(({ node }) => node), ...edges.flatMap(({ from, to }) => [from, to])]
  return new Map([...new Set(names)].map((node, i) => [node, `n${i}`]))
}

function shapeOf(node: string): string {
  return node === '^' || node === '$' ? ', shape=circle' : ''
}

function dotText(text: string): string {
  const escaped = visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', ' ')
  return `"${escaped}"`
}

function mermaidText(text: string): string {
  return [...visible(text)]
    .map((one) => (MERMAID_PLAIN.test(one) ? one : `#${one.codePointAt(0)};`))
    .join('')
}

const MERMAID_PLAIN = /^[A-Za-z0-9 _.:/()^$↑↓+-]$/
