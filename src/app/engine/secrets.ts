import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { SECRETS_REMEMBERED_MAX } from '../../base/limits.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { SecretReference } from '../../base/secret-reference.ts'
import { SECRET_SCHEME } from '../../base/secret-reference.ts'
import type { CompiledPolicy } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { SecretProviders } from '../../model/ports.ts'
import type { Judge } from './judge.ts'

/** Whether a payload may name a secret. */
export function namesSecrets(payload: JsonObject): boolean {
  return JSON.stringify(payload).includes(SECRET_SCHEME)
}

/** Puts secrets into payloads that may run, and takes them out of what comes back. */
export interface Secrets {
  /**
   * The action's payload with each reference replaced by its value: a copy, for the call alone; without references the
   * payload itself. Whether the references may be followed is asked again, under the policy of this moment.
   *
   * @throws {PolicyError} SECRET_OUT_OF_SCOPE, SECRET_REFERENCE_INVALID, SECRET_MISSING; SECRET_UNAVAILABLE (retryable)
   */
  inject(judge: Judge, action: JudgedAction): Promise<JsonObject>
  /**
   * A value in which references stand again where this process has put their values: a text that is such a value is its
   * reference, and one that holds it holds its reference. See `WHOLE_LENGTH_MIN` and `WITHIN_LENGTH_MIN`.
   */
  conceal<T extends JsonValue>(value: T): T
  /** One value, to see whether it can be had. @throws {PolicyError} as {@link inject} */
  read(policy: CompiledPolicy, reference: SecretReference): Promise<string>
}

/**
 * @param providersOf - the providers that a policy sets up
 * @param follow - whether references are followed at all; else every payload keeps them, for a caller that does it
 */
export function openSecrets(
  providersOf: (policy: CompiledPolicy) => SecretProviders,
  follow: boolean,
): Secrets {
  const opened = new WeakMap<CompiledPolicy, SecretProviders>()
  const read: Secrets['read'] = async (policy, reference) => {
    const providers = opened.get(policy) ?? providersOf(policy)
    opened.set(policy, providers)
    const provider = providers[reference.provider]
    if (provider !== null) return provider.read(reference.name)
    throw new PolicyError('SECRET_OUT_OF_SCOPE', `no provider is set up for ${reference.text}`)
  }
  const remembered = new Map<string, string>()
  return {
    read,
    inject: async (judge, action) => {
      if (!follow) return action.payload
      const { texts, references, problem } = judge.secrets(action)
      if (problem !== null) throw new PolicyError(problem.code, problem.message)
      if (texts.length === 0) return action.payload
      const { policy } = judge.bundle
      // One after the other: several logins at once would help nobody.
      const values = new Map<string, string>()
      for (const reference of references) values.set(reference.text, await read(policy, reference))
      for (const [text, value] of values) remember(remembered, value, text)
      const byPointer = new Map(texts.map((text) => [text.pointer, text.places]))
      const put = (text: string, pointer: string): string =>
        (byPointer.get(pointer) ?? []).reduceRight(
          (made, { start, end, reference }) =>
            made.slice(0, start) + (values.get(reference.text) ?? '') + made.slice(end),
          text,
        )
      return replaceTexts(action.payload, put, (name) => name) as JsonObject
    },
    conceal: (value) =>
      remembered.size === 0 ? value : (concealed(value, remembered) as typeof value),
  }
}

/** UTF-16 code units. A shorter value says nothing: it could stand anywhere, in any field, within any text. */
const WHOLE_LENGTH_MIN = 6
const WITHIN_LENGTH_MIN = 10

/** The newest values: a process that runs for months must not keep every version of every secret. */
function remember(remembered: Map<string, string>, value: string, reference: string): void {
  remembered.delete(value)
  remembered.set(value, reference)
  for (const oldest of remembered.keys()) {
    if (remembered.size <= SECRETS_REMEMBERED_MAX) break
    remembered.delete(oldest)
  }
}

function concealed(value: JsonValue, remembered: ReadonlyMap<string, string>): JsonValue {
  // Longest first, so that a value that holds another one goes as a whole.
  const known = [...remembered].sort(([a], [b]) => b.length - a.length)
  const conceal = (text: string): string => {
    const whole = text.length < WHOLE_LENGTH_MIN ? undefined : remembered.get(text)
    if (whole !== undefined) return whole
    let made = text
    for (const [secret, reference] of known) {
      if (secret.length >= WITHIN_LENGTH_MIN) made = made.replaceAll(secret, () => reference)
    }
    return made
  }
  return replaceTexts(value, conceal, conceal)
}

/** A copy with other texts and names; what holds no other one is shared with the original. */
function replaceTexts(
  value: JsonValue,
  replace: (text: string, pointer: string) => string,
  rename: (name: string) => string,
  pointer = '',
): JsonValue {
  if (typeof value === 'string') return replace(value, pointer)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const list = value.map((member: JsonValue, i) =>
      replaceTexts(member, replace, rename, joinPointer(pointer, i)),
    )
    return list.every((member, i) => member === value[i]) ? value : list
  }
  const members = Object.entries(value as JsonObject)
  const made = members.map(
    ([name, member]) =>
      [rename(name), replaceTexts(member, replace, rename, joinPointer(pointer, name))] as const,
  )
  const isSame = made.every(
    ([name, member], i) => name === members[i]?.[0] && member === members[i]?.[1],
  )
  return isSame ? value : Object.fromEntries(made)
}
