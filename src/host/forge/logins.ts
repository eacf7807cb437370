/**
 * Asks for logins by account ids, and keeps what it was told for a while: people may change them.
 *
 * @param keepMs - how long an answer is good, in milliseconds
 */
export function openLogins(
  read: (id: string) => Promise<string | null>,
  keepMs: (login: string | null) => number,
): (id: string) => Promise<string | null> {
  const known = new Map<string, { readonly login: string | null; readonly until: number }>()
  return async (id) => {
    if (!ACCOUNT_ID.test(id)) return null
    const kept = known.get(id)
    if (kept !== undefined && performance.now() < kept.until) return kept.login
    const login = await read(id)
    if (known.size >= KNOWN_MAX) known.clear()
    known.set(id, { login, until: performance.now() + keepMs(login) })
    return login
  }
}

const ACCOUNT_ID = /^[1-9][0-9]{0,15}$/
const KNOWN_MAX = 10_000

/** Asks people for their review. Whom the forge does not let be asked is left out. @param ask - whether all were taken */
export async function askEach(
  logins: readonly string[],
  ask: (logins: readonly string[]) => Promise<boolean>,
): Promise<void> {
  if (logins.length === 0) return
  // One who cannot be asked makes the forge refuse all of them.
  if ((await ask(logins)) || logins.length === 1) return
  for (const login of logins) await ask([login])
}
