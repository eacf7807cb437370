import { findSpans } from '../../src/decide/detect/contents.ts'
import type { Detector } from '../../src/decide/detect/index.ts'
import { DETECTORS } from '../../src/decide/detect/index.ts'
import type { LabelledText, NumberList } from './corpora.ts'

/** What one row measures: detectors, the labels that they should find, and labels that are as right. */
export type Row = {
  readonly name: string
  readonly kinds: readonly string[]
  readonly types: readonly string[]
  /** Labels in which a finding is no mistake, but that need not be found. */
  readonly alsoRight?: readonly string[]
}

export type Score = {
  readonly name: string
  readonly labelled: number
  /** Labels that lie wholly within findings: what redaction would hide. */
  readonly covered: number
  /** Labels of which a finding covers a part at least. */
  readonly touched: number
  readonly found: number
  /** Findings that touch a label of the row. */
  readonly right: number
  readonly precision: number | null
  readonly recall: number | null
  readonly wrong: readonly string[]
  readonly missed: readonly string[]
}

/** Precision and recall of one row over a corpus. */
export function score(texts: readonly LabelledText[], row: Row): Score {
  const detectors = row.kinds.map(detectorOf)
  const right = new Set([...row.types, ...(row.alsoRight ?? [])])
  const counts = { labelled: 0, covered: 0, touched: 0, found: 0, right: 0 }
  const wrong: string[] = []
  const missed: string[] = []
  for (const { text, labels } of texts) {
    const spans = findSpans(text, detectors, { memberName: null, names: [] })
    const merged = merge(spans)
    for (const label of labels.filter(({ type }) => row.types.includes(type))) {
      counts.labelled += 1
      if (merged.some(({ start, end }) => start < label.end && end > label.start)) {
        counts.touched += 1
      }
      if (merged.some(({ start, end }) => start <= label.start && end >= label.end)) {
        counts.covered += 1
      } else missed.push(text.slice(label.start, label.end))
    }
    for (const { start, end } of merged) {
      counts.found += 1
      const touches = labels.some(
        (label) => right.has(label.type) && label.start < end && label.end > start,
      )
      if (touches) counts.right += 1
      else wrong.push(text.slice(start, end))
    }
  }
  return {
    name: row.name,
    ...counts,
    precision: share(counts.right, counts.found),
    recall: share(counts.covered, counts.labelled),
    wrong,
    missed,
  }
}

/** How many valid numbers of a list are found alone, behind a word that says what they are, and refused ones behind it. */
export type NumberScore = {
  readonly kind: string
  readonly valid: number
  readonly foundAlone: number
  readonly foundNamed: number
  readonly refused: number
  readonly refusedFound: number
}

export function scoreNumbers(list: NumberList, kind: string, word: string): NumberScore {
  const detector = detectorOf(kind)
  const isFound = (text: string, number: string) => {
    const start = text.indexOf(number)
    return findSpans(text, [detector], { memberName: null, names: [] }).some(
      (span) => span.start <= start && span.end >= start + number.length,
    )
  }
  const alone = (number: string) => isFound(`I was given ${number} by the office.`, number)
  const named = (number: string) => isFound(`My ${word} is ${number}, thank you.`, number)
  return {
    kind,
    valid: list.valid.length,
    foundAlone: list.valid.filter(alone).length,
    foundNamed: list.valid.filter(named).length,
    refused: list.refused.length,
    refusedFound: list.refused.filter(named).length,
  }
}

function detectorOf(kind: string): Detector {
  const detector = DETECTORS.get(kind)
  if (detector === undefined) throw new Error(`nothing detects ${kind}`)
  return detector
}

type Range = { readonly start: number; readonly end: number }

function merge(spans: readonly Range[]): Range[] {
  const merged: Range[] = []
  for (const { start, end } of spans) {
    const before = merged.at(-1)
    if (before === undefined || start >= before.end) merged.push({ start, end })
    else merged[merged.length - 1] = { start: before.start, end: Math.max(before.end, end) }
  }
  return merged
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((1000 * part) / whole) / 1000
}
