/** Why a notice did not get through, in words that name neither address nor secret. */
export class NoticeFailure extends Error {
  override readonly name = 'NoticeFailure'
  /** Whether the same notice may get through later. */
  readonly retryable: boolean
  /** How long the target wants to be left alone, in milliseconds, when it said so. */
  readonly afterMs: number | undefined

  constructor(
    message: string,
    options: { readonly retryable: boolean; readonly afterMs?: number },
  ) {
    super(message)
    this.retryable = options.retryable
    this.afterMs = options.afterMs
  }
}

/** The code of a system's error, such as ECONNREFUSED, found in it or its causes; nothing else of it is safe to show. */
export function systemCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; depth++) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code
    if (at.name === 'TimeoutError') return 'TIMEOUT'
    at = at.cause
  }
  return 'no connection'
}

const CAUSES_MAX = 8
