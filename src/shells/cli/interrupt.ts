/**
 * Runs work that goes on until somebody ends it: the signal tells of the first SIGINT or SIGTERM. A second one ends the
 * program as it always does.
 */
export async function untilInterrupted(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  const end = (): void => {
    release()
    controller.abort()
  }
  const release = (): void => {
    for (const name of SIGNALS) process.removeListener(name, end)
  }
  for (const name of SIGNALS) process.on(name, end)
  try {
    await work(controller.signal)
  } finally {
    release()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
