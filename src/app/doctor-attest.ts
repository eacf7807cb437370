import { PolicyError } from '../base/errors.ts'
import type { Examination } from './doctor.ts'
import type { Parts } from './engine/parts.ts'

/** Looks at what keeps attestations from being made: a token, the services, and what waits since when. */
export async function examineAttestation(
  parts: Pick<Parts, 'judge' | 'attestor' | 'clock'>,
): Promise<readonly Examination[]> {
  const { attest, sigstore } = parts.judge.bundle.policy
  if (attest === undefined || sigstore === undefined) return []
  const { isReachable } = await import('../host/sigstore/index.ts')
  const services = { fulcio: sigstore.fulcio_url, rekor: sigstore.rekor_url, tsa: sigstore.tsa_url }
  const found = await Promise.all(
    Object.entries(services).map(async ([name, url]) => {
      if (url === null || (await isReachable(url, TIMEOUT_MS))) return []
      return [warning(`${name} at ${url} gives no answer; what is due waits for it`)]
    }),
  )
  const token = parts.attestor.hasToken()
    ? []
    : [
        warning(
          'no identity token: set COUNTERSIGN_IDENTITY_TOKEN_FILE (the file must be there) or SIGSTORE_ID_TOKEN, or run `countersign log attest --identity-token FILE`',
        ),
      ]
  return [...token, ...found.flat(), await examineBacklog(parts)]
}

const TIMEOUT_MS = 5_000

async function examineBacklog({
  attestor,
  clock,
}: Pick<Parts, 'attestor' | 'clock'>): Promise<Examination> {
  try {
    const { uncovered, resolutions, since } = await attestor.backlog()
    if (since === null) return { name: NAME, state: 'ok', message: 'everything is attested' }
    const minutes = Math.max(0, Math.floor((clock() - Date.parse(since)) / 60_000))
    const message = `${resolutions} resolutions wait, and ${uncovered} receipts are under no attested checkpoint; the oldest is ${minutes} minutes old`
    const isLate = minutes >= LATE_MINUTES
    return { name: NAME, state: isLate ? 'warning' : 'ok', message }
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return { name: NAME, state: 'failed', message: `${error.code}: ${error.message}` }
  }
}

const NAME = 'attestation'
const LATE_MINUTES = 10

function warning(message: string): Examination {
  return { name: NAME, state: 'warning', message }
}
