import type { GateSide, GateVerdict, PolicyGate } from '../model/gate.ts'
import { guardDiagram, verdictDiagram } from './gate-diagram.ts'
import { code, type Html, shortRef } from './gate-escape.ts'
import { gateFromTop } from './gate-places.ts'
import {
  changeSection,
  checkSection,
  coverageSection,
  type Detail,
  flipSection,
  problemSection,
  resultSection,
  reviewSection,
  testSection,
} from './gate-sections.ts'

/** The first line of the comment: what it is found by, to be updated in place. */
export const GATE_POLICY_MARKER = '<!-- countersign:gate:policy -->'

/** GitHub takes comments of 65,536 characters. */
export const GATE_COMMENT_LENGTH_MAX = 65_000

/** GitHub takes summaries of 1 MiB a step; of UTF-8 a character takes up to 4 bytes. */
export const GATE_SUMMARY_LENGTH_MAX = 250_000

/**
 * What `gate policy` found, as a job's summary: diagrams, and tables of all that was found. Whatever comes from the
 * policy, the pull request or reviewers stands in code.
 */
export function gateSummary(gate: PolicyGate): string {
  const placed = gateFromTop(gate)
  const guards = guardDiagram(placed)
  const diagrams = [
    verdictDiagram(placed),
    ...(guards === null ? [] : [`### Who guards what it may weaken\n\n${guards}`]),
  ]
  return fitted(GATE_SUMMARY_LENGTH_MAX, SUMMARY_DETAILS, (detail) => [
    ...headLines(placed),
    ...diagrams,
    resultSection(placed),
    problemSection(placed, detail),
    checkSection(placed, detail),
    testSection(placed, detail),
    coverageSection(placed, detail),
    changeSection(placed, detail),
    flipSection(placed, detail),
    reviewSection(placed, detail),
  ])
}

/**
 * The same in short, as the one comment of a pull request: at most GATE_COMMENT_LENGTH_MAX characters, with the marker
 * first. What does not fit is left out, and says so.
 */
export function gateComment(gate: PolicyGate): string {
  const placed = gateFromTop(gate)
  return fitted(GATE_COMMENT_LENGTH_MAX, COMMENT_DETAILS, (detail) => [
    GATE_POLICY_MARKER,
    ...headLines(placed),
    problemSection(placed, detail),
    checkSection(placed, detail),
    testSection(placed, detail),
    changeSection(placed, detail),
    flipSection(placed, detail),
    reviewSection(placed, detail),
    resultSection(placed),
    '<p><em>The summary of the job has all of it, with diagrams.</em></p>',
  ])
}

const SUMMARY_DETAILS: readonly Detail[] = [
  { rows: 500, examples: 10, lines: 400 },
  { rows: 100, examples: 3, lines: 100 },
  { rows: 20, examples: 1, lines: 0 },
  { rows: 5, examples: 0, lines: 0 },
  { rows: 0, examples: 0, lines: 0 },
]

const COMMENT_DETAILS: readonly Detail[] = [
  { rows: 20, examples: 3, lines: 60 },
  { rows: 20, examples: 3, lines: 0 },
  { rows: 10, examples: 1, lines: 0 },
  { rows: 3, examples: 1, lines: 0 },
  { rows: 1, examples: 0, lines: 0 },
  { rows: 0, examples: 0, lines: 0 },
]

const WORDS: Readonly<Record<GateVerdict, string>> = {
  allow: '✅ Countersign: allow',
  hold: '⏳ Countersign: hold',
  deny: '⛔ Countersign: deny',
}

function headLines({ verdict, reason, base, head }: PolicyGate): Html[] {
  return [
    `## ${WORDS[verdict]}`,
    `<p>${code(reason, REASON_MAX)}</p>`,
    `<p>${sideHtml(base)} → ${sideHtml(head)}</p>`,
  ]
}

const REASON_MAX = 600
const SHORT = 12

function sideHtml({ name, sha }: GateSide): Html {
  const short = sha.slice(0, SHORT)
  return name === sha ? code(short) : `${code(shortRef(name))} ${code(short)}`
}

/** The most detailed text that fits. With no rows only counts are left, which always do. */
function fitted(
  lengthMax: number,
  details: readonly Detail[],
  render: (detail: Detail) => readonly (Html | null)[],
): string {
  let text = ''
  for (const detail of details) {
    const parts = render(detail).filter((part) => part !== null)
    text = `${parts.join('\n\n')}\n`
    if (text.length <= lengthMax) return text
  }
  return text
}
