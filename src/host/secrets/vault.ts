import { readFileSync } from 'node:fs'
import { parseDuration } from '../../base/duration.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/json-value.ts'
import type { CompiledVault, OwnSecret } from '../../model/generated/types.ts'
import type { SecretProvider } from '../../model/ports.ts'
import { readSecretFile } from '../secret-file.ts'
import type { Environment } from './environment.ts'
import { checkValue, missing, unavailable } from './value.ts'
import type { VaultAnswer, VaultClient } from './vault-http.ts'
import { openVaultClient } from './vault-http.ts'

/**
 * Secrets of HashiCorp Vault's KV engine, version 2, over its HTTP API, as OpenBao serves it too. A name is a path and a
 * field: `stripe/api#key`; without a field it is `value`. The engine logs in with a token or by AppRole, and once more
 * when the server no longer takes the token that AppRole gave.
 *
 * Source: Vault's API documentation, "KV secrets engine - version 2", "AppRole auth method".
 */
export function openVault(vault: CompiledVault, environment: Environment): SecretProvider {
  const login = loginOf(vault, environment)
  let client: VaultClient | null = null
  const ask = () => {
    client ??= clientOf(vault)
    return client
  }
  const fetchField = async (path: string): Promise<VaultAnswer> => {
    const get = async () =>
      ask()({
        method: 'GET',
        path: `/v1/${vault.mount}/data/${path}`,
        token: await login.token(ask()),
      })
    const answer = await get()
    // A token may have been revoked, or have ended earlier than it said.
    if (answer.status !== FORBIDDEN || !login.renew()) return answer
    return get()
  }
  return {
    read: async (name) => {
      const reference = `secret://vault/${name}`
      const [path = '', field = FIELD] = name.split('#')
      const { status, body } = await fetchField(path)
      if (status === OK) return checkValue(reference, fieldOf(body, field))
      if (status === NOT_FOUND) throw missing(reference, 'the server has no such secret')
      if (status === FORBIDDEN)
        throw missing(reference, 'the server does not give it to the engine')
      throw unavailable('vault', `answered ${status}`)
    },
  }
}

const FIELD = 'value'
const OK = 200
const FORBIDDEN = 403
const NOT_FOUND = 404

function clientOf(vault: CompiledVault): VaultClient {
  const { address, namespace, ca_file: file } = vault
  return openVaultClient({
    address,
    namespace,
    authority: file === null ? null : readAuthority(file),
    timeOutMs: parseDuration(vault.time_out),
  })
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unavailable('vault', `cannot read its certificates ${file}`, cause)
  }
}

/** `data.data` of the answer holds the fields; `data` itself the version's circumstances. */
function fieldOf(body: JsonValue, field: string): JsonValue | undefined {
  return member(member(member(body, 'data'), 'data'), field)
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.hasOwn(value, name) ? (value as Record<string, JsonValue>)[name] : undefined
}

type Login = {
  token(ask: VaultClient): Promise<string>
  /** Forgets a token that is no longer taken. @returns whether another can be had */
  renew(): boolean
}

function loginOf(vault: CompiledVault, environment: Environment): Login {
  const { token, app_role: role } = vault
  if (token !== null)
    return { token: async () => ownSecret(token, environment), renew: () => false }
  if (role === null) throw new PolicyError('VALUE_INVALID', 'expected a token or a role of Vault')
  let known: { readonly token: string; readonly until: number } | null = null
  let isFresh = false
  return {
    token: async (ask) => {
      // The process's own clock: it says how long the token has been kept, not what time it is.
      isFresh = known === null || performance.now() >= known.until
      if (known === null || isFresh) known = await logIn(ask, role, environment)
      return known.token
    },
    renew: () => {
      known = null
      return !isFresh
    },
  }
}

type Role = NonNullable<CompiledVault['app_role']>

async function logIn(
  ask: VaultClient,
  role: Role,
  environment: Environment,
): Promise<{ readonly token: string; readonly until: number }> {
  const { status, body } = await ask({
    method: 'POST',
    path: `/v1/auth/${role.mount}/login`,
    token: null,
    body: {
      role_id: ownSecret(role.role_id, environment),
      secret_id: ownSecret(role.secret_id, environment),
    },
  })
  const auth = member(body, 'auth')
  const token = member(auth, 'client_token')
  const seconds = member(auth, 'lease_duration')
  if (status !== OK || typeof token !== 'string' || typeof seconds !== 'number') {
    throw unavailable('vault', `refused the engine's role (${status})`)
  }
  return { token, until: performance.now() + seconds * 1000 * LEASE_SHARE }
}

const LEASE_SHARE = 2 / 3 // Of a token's life; then the engine logs in again.

/** What the engine logs in with: from its environment, or a file that others cannot read. */
function ownSecret(source: OwnSecret, environment: Environment): string {
  const text = source.env !== undefined ? environment[source.env] : ownFile(source.file ?? '')
  if (text !== undefined && text !== '') return text
  throw unavailable('vault', `lacks what it logs in with: ${source.env ?? source.file} is empty`)
}

function ownFile(file: string): string {
  try {
    return readSecretFile(file, "Vault's own secret").trim()
  } catch (error) {
    const why = error instanceof PolicyError ? error.message : 'it cannot be read'
    throw unavailable('vault', `lacks what it logs in with: ${why}`)
  }
}
