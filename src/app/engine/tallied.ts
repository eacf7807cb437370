import { decodeBase64, encodeBase64 } from '../../base/encoding.ts'
import { PROBLEMS_MAX } from '../../base/limits.ts'
import type { TallyInput } from '../../trust/approve/tally.ts'
import type { KeptEnding } from './record.ts'

/** What a tally was made of, beside request and roster. */
export type Tallied = Pick<TallyInput, 'reviews' | 'refused' | 'now'>

/** As it is sealed. Of reviews that do not stand, a tally asks no more than whether there are any. */
export function keptOf({ reviews, refused, now }: Tallied): KeptEnding {
  return {
    countedAt: now,
    reviews: reviews.map(({ patch, ...review }) => ({
      review,
      ...(patch === undefined
        ? {}
        : { patch: { root: patch.root, sealed: encodeBase64(patch.sealed) } }),
    })),
    refused: refused.slice(0, PROBLEMS_MAX).map(({ review, code }) => ({ review, code })),
  }
}

/** What {@link keptOf} sealed. */
export function talliedOf({ reviews, refused, countedAt }: KeptEnding): Tallied {
  return {
    now: countedAt,
    reviews: reviews.map(({ review, patch }) => ({
      ...review,
      ...(patch === undefined
        ? {}
        : { patch: { root: patch.root, sealed: decodeBase64(patch.sealed) } }),
    })),
    refused: refused.map((one) => ({ ...one, message: '' })),
  }
}
