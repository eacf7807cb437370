import { GITHUB_CACHE_CHARACTERS_MAX } from '../../base/limits.ts'
import { readBytes } from '../forge/bytes.ts'

export type GithubFetch = {
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds until GitHub may be asked again; 0 when it may be now. */
  quietMs(): number
  /** Asks nothing for a minute, where a limit's answer says in words alone that there were too many requests. */
  pause(): void
}

/**
 * Fetches with a bound on time and size, and asks only for what changed: an answer that came with an ETag is asked for with it,
 * and a 304 gives the kept body with the headers of now, which costs nothing of the rate limit. When an answer says that
 * there were too many requests, `quietMs` says for how long to ask nothing: GitHub bans clients that go on.
 *
 * @param around.timeoutMs - for one attempt
 * @param around.secondMs - how long a second of `retry-after` is
 */
export function openGithubFetch(around: {
  readonly timeoutMs: number
  readonly secondMs: number
}): GithubFetch {
  const kept = openCache(GITHUB_CACHE_CHARACTERS_MAX)
  let quietUntil = 0
  const pause = (seconds: number): void => {
    const forMs = Math.min(seconds, PAUSE_SECONDS_MAX) * around.secondMs
    quietUntil = Math.max(quietUntil, Date.now() + forMs)
  }
  const ask: typeof globalThis.fetch = async (input, init = {}) => {
    const url = String(input)
    const headers = new Headers(init.headers)
    const key = `${headers.get('accept')} ${url}`
    const known = init.method === 'GET' ? kept.find(key) : undefined
    if (known !== undefined) headers.set('if-none-match', known.etag)
    const signal = AbortSignal.timeout(around.timeoutMs)
    const answer = await globalThis.fetch(url, { ...init, headers, signal })
    pause(pauseOf(answer))
    if (answer.status === 304 && known !== undefined) {
      const merged = new Headers(known.headers)
      for (const [name, value] of answer.headers) merged.set(name, value)
      merged.set('content-type', known.headers.get('content-type') ?? 'application/json')
      return new Response(known.text, { status: 200, headers: merged })
    }
    if (answer.body === null) return answer
    const text = (await readBytes(answer)).toString('utf8')
    const { status, headers: answered } = answer
    const etag = answered.get('etag')
    if (init.method === 'GET' && status === 200 && etag !== null) {
      kept.put(key, { etag, text, headers: answered })
    }
    return new Response(text, { status, headers: answered })
  }
  return {
    fetch: ask,
    quietMs: () => Math.max(0, quietUntil - Date.now()),
    pause: () => pause(PAUSE_SECONDS),
  }
}

/** A minute, where a limit's answer does not say how long. */
const PAUSE_SECONDS = 60

/** GitHub counts by the hour: a longer pause is a wrong clock's. */
const PAUSE_SECONDS_MAX = 3600

/** Seconds to ask nothing for; 0 when the answer is about something else. */
function pauseOf({ status, headers }: Response): number {
  if (status !== 403 && status !== 429) return 0
  const after = Number(headers.get('retry-after') ?? Number.NaN)
  if (after >= 0) return after
  if (headers.get('x-ratelimit-remaining') === '0') {
    const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN)
    return reset >= 0 ? Math.max(1, reset - Math.floor(Date.now() / 1000) + 1) : PAUSE_SECONDS
  }
  return status === 429 ? PAUSE_SECONDS : 0
}

type Kept = { readonly etag: string; readonly text: string; readonly headers: Headers }

/** Keeps the answers that were used last. */
function openCache(charactersMax: number): {
  find(key: string): Kept | undefined
  put(key: string, value: Kept): void
} {
  const entries = new Map<string, Kept>()
  let characters = 0
  const drop = (key: string): void => {
    characters -= entries.get(key)?.text.length ?? 0
    entries.delete(key)
  }
  return {
    find: (key) => {
      const found = entries.get(key)
      if (found === undefined) return undefined
      entries.delete(key)
      entries.set(key, found)
      return found
    },
    put: (key, value) => {
      drop(key)
      entries.set(key, value)
      characters += value.text.length
      for (const oldest of entries.keys()) {
        if (characters <= charactersMax) break
        drop(oldest)
      }
    },
  }
}
