/** An engine that takes newer versions of its policy while it runs. docs/how-to/update.md shows parts of this file. */
import { readFile } from 'node:fs/promises'
import type { Engine } from 'countersign'
import { open } from 'countersign'

declare function report(message: string): void

// #region open
const engine = await open({
  bundle: 'shop.bundle',
  credential: { project: 'shop', agents: ['billing-agent'], role: 'agent' },
  updates: {
    from: { file: 'shop.bundle' },
    trust: await readFile('trust.yaml', 'utf8'),
    everyMs: 60_000,
    onLook: (seen) => report('code' in seen ? `${seen.code}: ${seen.message}` : seen.policy),
  },
})
// #endregion

export async function lookNow(): Promise<void> {
  // #region reload
  const seen = await engine.reload()
  if (seen.state === 'armed') report(`${seen.before} -> ${seen.policy}`)
  // #endregion
}

export function running(): Engine {
  return engine
}
