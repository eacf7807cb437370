import type { Detector } from './detector.ts'
import { PERSONAL_DETECTORS } from './personal.ts'
import { SECRET_DETECTORS } from './secrets.ts'

export type { Detector, FindContext, Span } from './detector.ts'
export { PERSONAL_KINDS } from './personal.ts'
export { SECRET_KINDS } from './secrets.ts'

/** Every detector by the kind that it finds. */
export const DETECTORS: ReadonlyMap<string, Detector> = new Map(
  [...PERSONAL_DETECTORS, ...SECRET_DETECTORS].map((detector) => [detector.kind, detector]),
)
