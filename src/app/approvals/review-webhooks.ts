import { PolicyError } from '../../base/errors.ts'
import { openWebhookListener, type WebhookListener } from '../../host/webhooks/listener.ts'
import { readWebhookSecrets } from '../../host/webhooks/secrets.ts'
import type { Parts } from '../engine/parts.ts'

/**
 * Listens for the forge's webhooks, so that what people do there counts at once. Each is a hint only: the forge itself is
 * asked what has happened.
 *
 * @param at - `HOST:PORT`, or a port of the loopback address; 0 for any that is free
 * @param onNews - told once a request was looked at
 * @throws {PolicyError} USAGE_INVALID when it cannot listen there, or COUNTERSIGN_WEBHOOK_SECRET is not set
 */
export async function listenForReviews(
  parts: Parts,
  at: string,
  around: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly onNews: () => void
  },
): Promise<WebhookListener> {
  const place = placeOf(at)
  const secrets = readWebhookSecrets(around.environment)
  if (secrets.length === 0) {
    const message =
      'set COUNTERSIGN_WEBHOOK_SECRET to the secret that the forge signs webhooks with'
    throw new PolicyError('USAGE_INVALID', message)
  }
  return openWebhookListener({
    ...place,
    secrets,
    now: parts.clock,
    onPull: async (pull) => {
      await parts.sweeper.nudge(pull)
      around.onNews()
    },
  })
}

/** @throws {PolicyError} USAGE_INVALID */
export function placeOf(text: string): { readonly host: string; readonly port: number } {
  const { host = '127.0.0.1', port = '' } =
    /^(?:(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):)?(?<port>[0-9]{1,5})$/.exec(text)?.groups ?? {}
  if (port === '' || Number(port) > 65_535) {
    throw new PolicyError('USAGE_INVALID', `expected HOST:PORT such as 127.0.0.1:8080, not ${text}`)
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}
