import { PolicyError } from '../../base/errors.ts'
import type { RetentionReport } from '../../model/erasure-report.ts'
import { openBundle, type PolicySource } from '../policy/compile-policy.ts'
import { openErasingPlace } from './erasing-place.ts'
import { retain } from './retain.ts'

/**
 * Deletes what a data folder has kept as long as the policy says; see {@link retain}.
 *
 * @throws {PolicyError} KEY_MISSING when the policy names no retention; STORE_FAILED; as `openBundle`
 */
export async function retainStore(question: {
  /** The engine's data folder, absolute. */
  readonly data: string
  readonly source: PolicySource
  readonly dryRun: boolean
  /** Unix milliseconds. */
  readonly now: number
}): Promise<RetentionReport> {
  const { data, source, dryRun, now } = question
  const { retention } = (await openBundle(source)).policy
  if (retention === undefined) {
    const message = 'the project names no `retention`: clear values are kept for good'
    throw new PolicyError('KEY_MISSING', message)
  }
  const place = await openErasingPlace(data)
  try {
    return await retain(place, retention, { now, dryRun, rewrite: true })
  } finally {
    await place.close()
  }
}
