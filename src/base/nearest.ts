import { distance } from 'fastest-levenshtein'
import { NEAREST_LENGTH_MAX } from './limits.ts'
import { compareText } from './position.ts'

/**
 * The candidate that a mistyped name most likely meant, or undefined when none is near. Case counts less than
 * letters; among equals the first by code unit wins, whatever their order.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > NEAREST_LENGTH_MAX) return undefined
  const lower = name.toLowerCase()
  let best: Near | undefined
  for (const candidate of candidates) {
    if (candidate.length > NEAREST_LENGTH_MAX) continue
    const near = {
      candidate,
      letters: distance(lower, candidate.toLowerCase()),
      exact: distance(name, candidate),
    }
    // A name that shares no letter is no slip of the finger, however short it is.
    const sharing = near.letters < Math.max(1, Math.min(name.length, candidate.length))
    if (near.letters > lettersMax(name) || !sharing) continue
    if (best === undefined || compare(near, best) < 0) best = near
  }
  return best?.candidate
}

type Near = { candidate: string; letters: number; exact: number }

function compare(a: Near, b: Near): number {
  return a.letters - b.letters || a.exact - b.exact || compareText(a.candidate, b.candidate)
}

/** Letters that may differ. Two neighbours swapped count as two. */
function lettersMax(name: string): number {
  if (name.length < 4) return 1
  return name.length < 9 ? 2 : 3
}
