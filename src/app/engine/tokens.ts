import { fromUtf8, hmacSha256, utf8 } from '../../base/digest.ts'
import { encodeHex } from '../../base/encoding.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { mapPath, parsePath, readPath } from '../../base/path.ts'
import { tokensIn } from '../../decide/detect/marks.ts'
import type { Changeable } from '../../decide/evaluate/index.ts'
import { applyObligations, namesIn } from '../../decide/evaluate/index.ts'
import { seal, unseal } from '../../host/seal.ts'
import type { Obligation } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Store, StoreTransaction } from '../../model/ports.ts'
import type { Parts } from './parts.ts'
import { subjectOf } from './record.ts'

/** What changes need: the key of tokens, and the policy that lists names. */
export type ChangeParts = Pick<Parts, 'evidenceKey' | 'judge'>

/** The action as it may run, or its result as it may be handed on: obligations applied, tokens under the engine's key. */
export function changed(
  parts: ChangeParts,
  action: Changeable,
  obligations: readonly Obligation[],
): Changeable {
  return changeAndMint(parts, action, obligations).changed
}

/** An action with its obligations applied, and the clear value of each token that this put in. */
export type Minted = {
  readonly changed: Changeable
  readonly tokens: ReadonlyMap<string, string>
}

/** As {@link changed}, with the tokens that were made. */
export function changeAndMint(
  parts: ChangeParts,
  action: Changeable,
  obligations: readonly Obligation[],
): Minted {
  const tokens = new Map<string, string>()
  const tokenise = (text: string, kind: string): string => {
    const token = tokenOf(parts, text, kind)
    tokens.set(token, text)
    return token
  }
  const names = namesIn(parts.judge.bundle.policy)
  return { changed: applyObligations(action, obligations, tokenise, names), tokens }
}

/** The token of a value: the same for the same value and kind, and nothing can be told of the value without the key. */
export function tokenOf(
  { evidenceKey }: Pick<Parts, 'evidenceKey'>,
  text: string,
  kind: string,
): string {
  const digest = hmacSha256(evidenceKey, `token/${kind}/${text}`).subarray(0, TOKEN_BYTES)
  return `tok_${kind}_${encodeHex(digest)}`
}

const TOKEN_BYTES = 16

/** Keeps the clear values of tokens, sealed under the key of the action's subject; in the transaction of its decision. */
export async function keepTokens(
  tx: StoreTransaction,
  parts: Pick<Parts, 'evidenceKey' | 'clock'>,
  action: JudgedAction,
  tokens: Minted['tokens'],
): Promise<void> {
  if (tokens.size === 0) return
  const { project } = action
  const subject = subjectOf(parts, action)
  const now = parts.clock()
  const key = await tx.subjectKey(subject)
  for (const [token, text] of tokens) {
    const ciphertext = seal(key, utf8(text), contextOf(project, token))
    await tx.putToken({ project, token, subject, ciphertext }, now)
  }
}

/** Where tokens are looked up. */
export type TokenStore = Pick<Store, 'tokens' | 'subjectKey'>

/** A tool of a project, by its names. */
export type ToolNames = Pick<JudgedAction, 'project' | 'service' | 'action'>

/** Whether the tool's file has it get clear values in the place of tokens. */
export function opensTokens(parts: Pick<Parts, 'judge'>, tool: ToolNames): boolean {
  return detokenisedPaths(parts, tool).length > 0
}

/**
 * The payload that a tool gets: clear values in the place of the tokens in those fields in which the tool's file says so.
 * The last step before the payload is handed on: it goes to the caller and nowhere else.
 *
 * @param made - tokens that are not kept yet, with what they stand for. Default: none
 * @throws {PolicyError} TOKEN_UNKNOWN, TOKEN_UNREADABLE: then the call must not run
 */
export async function openTokens(
  store: TokenStore,
  parts: Pick<Parts, 'judge'>,
  tool: ToolNames,
  payload: JsonObject,
  made: Minted['tokens'] = new Map(),
): Promise<JsonObject> {
  let opened: JsonValue = { payload }
  for (const path of detokenisedPaths(parts, tool).map(parsePath)) {
    const texts = new Map<string, string>()
    for (const { value } of readPath(opened, path)) {
      for (const token of tokensBelow(value)) {
        if (texts.has(token)) continue
        texts.set(token, made.get(token) ?? (await openToken(store, tool.project, token)))
      }
    }
    if (texts.size > 0) opened = mapPath(opened, path, (value) => withTexts(value, texts))
  }
  return (opened as { readonly payload: JsonObject }).payload
}

/** Why a call that may run cannot get the clear values of its tokens: TOKEN_UNKNOWN or TOKEN_UNREADABLE; else null. */
export async function unopenedToken(
  store: TokenStore,
  parts: ChangeParts,
  action: JudgedAction,
  obligations: readonly Obligation[],
): Promise<PolicyError | null> {
  if (action.phase === 'result' || !opensTokens(parts, action)) return null
  const { changed: after, tokens } = changeAndMint(parts, action, obligations)
  try {
    await openTokens(store, parts, action, after.payload, tokens)
    return null
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (error.code === 'TOKEN_UNKNOWN' || error.code === 'TOKEN_UNREADABLE') return error
    throw error
  }
}

function detokenisedPaths(
  { judge }: Pick<Parts, 'judge'>,
  { service, action }: ToolNames,
): readonly string[] {
  const tool = judge.bundle.policy.tools.find(
    (one) => one.service === service && one.action === action,
  )
  return tool !== undefined && Object.hasOwn(tool, 'detokenise') ? (tool.detokenise ?? []) : []
}

async function openToken(store: TokenStore, project: string, token: string): Promise<string> {
  const kept = await store.tokens(project, token)
  for (const { subject, ciphertext } of kept) {
    const key = await store.subjectKey(subject)
    const text = key === null ? null : openWith(key, ciphertext, contextOf(project, token))
    if (text !== null) return text
  }
  if (kept.length > 0) {
    throw new PolicyError(
      'TOKEN_UNREADABLE',
      `the value of ${token} cannot be read any more: the key of its subject was shredded`,
    )
  }
  throw new PolicyError('TOKEN_UNKNOWN', `no value is kept for ${token} in this project`)
}

/** Null for a value that was sealed under a key of the subject that is gone. */
function openWith(key: Uint8Array, ciphertext: Uint8Array, context: string): string | null {
  try {
    return fromUtf8(unseal(key, ciphertext, context))
  } catch (error) {
    if (error instanceof PolicyError && error.code === 'STORE_KEY_MISMATCH') return null
    throw error
  }
}

function contextOf(project: string, token: string): string {
  return `token/${project}/${token}`
}

function tokensBelow(value: JsonValue): string[] {
  if (typeof value === 'string') {
    return tokensIn(value).map(({ start, end }) => value.slice(start, end))
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(tokensBelow)
}

function withTexts(value: JsonValue, texts: ReadonlyMap<string, string>): JsonValue {
  if (typeof value === 'string') {
    let result = ''
    let done = 0
    for (const { start, end } of tokensIn(value)) {
      result += value.slice(done, start) + (texts.get(value.slice(start, end)) ?? '')
      done = end
    }
    return result + value.slice(done)
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((member: JsonValue) => withTexts(member, texts))
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withTexts(member, texts)]),
  )
}
