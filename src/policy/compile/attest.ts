import { formatDuration, parseDuration } from '../../base/duration.ts'
import { ATTEST_EVERY_MS_MAX, ATTEST_EVERY_MS_MIN } from '../../base/limits.ts'
import type { CompiledPolicy, Project } from '../../model/generated/types.ts'
import { durationProblem } from './checks.ts'
import type { Documents } from './documents.ts'
import type { Report } from './report.ts'

/** Reports attestations that nobody could make, since no services are named, or that would be due at no time. */
export function checkAttest(documents: Documents, report: Report): void {
  for (const entry of documents.projects) {
    const attest = entry.value.log?.attest
    if (attest === undefined) continue
    if (entry.value.sigstore === undefined) {
      const message =
        'expected the key "sigstore" beside "log": attestations go through its services'
      report.error(entry.keyAt('/log/attest'), 'KEY_MISSING', message)
    }
    if (attest.wait === 'resolutions' && attest.resolutions === 'none') {
      const message = 'what is not attested cannot be waited for; expected "resolutions: each"'
      report.error(entry.at('/log/attest/wait'), 'VALUE_INVALID', message)
    }
    if (attest.every === undefined) continue
    const problem = durationProblem(attest.every)
    const ms = problem === null ? parseDuration(attest.every) : 0
    if (problem === null && ms >= ATTEST_EVERY_MS_MIN && ms <= ATTEST_EVERY_MS_MAX) continue
    const [from, to] = [formatDuration(ATTEST_EVERY_MS_MIN), formatDuration(ATTEST_EVERY_MS_MAX)]
    const message = problem ?? `expected from ${from} to ${to}, found ${attest.every}`
    report.error(entry.at('/log/attest/every'), 'DURATION_INVALID', message)
  }
}

/** What of the log is attested, and when; nothing where nothing is. */
export function compileAttest({ log }: Project): Pick<CompiledPolicy, 'attest'> {
  const attest = log?.attest
  return attest === undefined ? {} : { attest: { ...ATTEST_DEFAULT, ...attest } }
}

const ATTEST_DEFAULT = { every: '60s', receipts: 1000, resolutions: 'each', wait: 'none' } as const
