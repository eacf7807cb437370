/** Simpler detectors, each calibrated as the reference is. */
import { crossFitFolds } from './cross-fit.ts'
import type { Detector } from './detector.ts'
import { highest, wordsOf } from './detector.ts'
import { sortedNumbers } from './figures.ts'

/**
 * The share of a session's windows of three calls so far that no session had (Forrest et al., "A Sense of Self for Unix
 * Processes", 1996).
 */
export const stide3: Detector = crossFitted('stide3', 'STIDE-3', (sessions) => {
  const known = new Set(sessions.flatMap(windowsOf))
  return (words) => {
    let unseen = 0
    return windowsOf(words).map((window, i) => {
      if (!known.has(window)) unseen += 1
      return unseen / (i + 1)
    })
  }
})

/** How rare the action is, whatever came before. */
export const frequency: Detector = crossFitted('frequency', 'frequency', (sessions) => {
  const counts = new Map<string, number>()
  let calls = 0
  for (const words of sessions) {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
    calls += words.length
  }
  return (words) => words.map((word) => -Math.log2(((counts.get(word) ?? 0) + 0.5) / (calls + 1)))
})

/** Surprise on one edge twice running: the lesser of its last two surprisals, of first order. */
export const literal: Detector = crossFitted('literal', 'literal rule, k=2', (sessions) => {
  const after = new Map<string, number>()
  const edges = new Map<string, number>()
  const words = new Set<string>()
  for (const session of sessions) {
    for (const [from, to] of edgesOf(session)) {
      after.set(from, (after.get(from) ?? 0) + 1)
      edges.set(edgeKey(from, to), (edges.get(edgeKey(from, to)) ?? 0) + 1)
      words.add(to)
    }
  }
  const choices = SMOOTHING * (words.size + 1)
  return (session) => {
    const before = new Map<string, number>()
    return edgesOf(session).map(([from, to]) => {
      const key = edgeKey(from, to)
      const share = ((edges.get(key) ?? 0) + SMOOTHING) / ((after.get(from) ?? 0) + choices)
      const surprisal = -Math.log2(share)
      const score = Math.min(surprisal, before.get(key) ?? 0)
      before.set(key, surprisal)
      return score
    })
  }
})

const SMOOTHING = 0.1
const BEGIN = '^'

type Words = readonly string[]

function crossFitted(
  name: string,
  title: string,
  train: (sessions: readonly Words[]) => (words: Words) => readonly number[],
): Detector {
  return {
    name,
    title,
    fit(sessions, options = { ends: false }) {
      const items = sessions.map(({ session, group }) => ({
        words: wordsOf(session, options),
        group,
      }))
      const maxima = crossFitFolds(items).flatMap(({ learn, judge }) => {
        const score = train(learn.map(({ words }) => words))
        return judge.map(({ words }) => highest(score(words)))
      })
      const score = train(items.map(({ words }) => words))
      return {
        calibration: sortedNumbers(maxima),
        scores: (session) => score(wordsOf(session, options)),
      }
    },
  }
}

function windowsOf(words: Words): readonly string[] {
  const padded = [BEGIN, BEGIN, ...words]
  return words.map((_, i) => padded.slice(i, i + 3).join('\u001f'))
}

function edgesOf(words: Words): readonly (readonly [from: string, to: string])[] {
  return words.map((word, i) => [words[i - 1] ?? BEGIN, word])
}

function edgeKey(from: string, to: string): string {
  return `${from}\u001f${to}`
}
