/** An engine that a forge's webhooks wake. docs/how-to/github.md shows a part of this file. */
import type { Engine } from 'countersign'
import { openWebhookListener, readWebhookSecrets } from 'countersign'

export async function listening(engine: Engine): Promise<void> {
  // #region webhooks
  const listener = await openWebhookListener({
    port: 8787,
    secrets: readWebhookSecrets(process.env),
    onPull: (pull) => engine.nudge(pull),
    now: Date.now,
  })
  process.once('SIGTERM', () => listener.close())
  // #endregion
}
