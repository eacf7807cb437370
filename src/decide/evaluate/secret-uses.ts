import type { ErrorCode } from '../../base/errors.ts'
import { compileGlob } from '../../base/glob.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
import { SECRET_REFERENCES_MAX } from '../../base/limits.ts'
import { readPath } from '../../base/path.ts'
import { joinPointer } from '../../base/pointer.ts'
import type { SecretPlace, SecretReference } from '../../base/secret-reference.ts'
import { findSecretReferences, SECRET_SCHEME } from '../../base/secret-reference.ts'
import type { CompiledAgent, CompiledPolicy } from '../../model/generated/types.ts'
import type { JudgedAction } from '../../model/nouns.ts'
import type { Facts } from './facts.ts'
import { shortDigest } from './facts.ts'
import { compilePath, fieldsOf } from './fields.ts'
import type { Said } from './fold.ts'
import { engineFinding } from './fold.ts'
import { EVIDENCE_PLACES_MAX } from './limits.ts'
import type { LoadedPolicy, Selection } from './policy.ts'
import { own } from './settings.ts'
import { compileTools } from './tools.ts'

/** A text of the payload that names secrets, and where it does. */
export type SecretText = {
  /** JSON pointer below the payload (RFC 6901). */
  readonly pointer: string
  readonly places: readonly (SecretPlace & { readonly reference: SecretReference })[]
}

/** What a payload says of secrets. */
export type SecretUses = {
  readonly texts: readonly SecretText[]
  /** Each reference once, in the order in which they first come. */
  readonly references: readonly SecretReference[]
  /** Places with the scheme that are no reference, or stand where none may. */
  readonly flaws: number
}

/** Whether an agent may name a secret in a call of a tool. */
export type MayUseSecret = (reference: string, service: string, action: string) => boolean

/** @throws {PolicyError} VALUE_INVALID */
export function compileCredentials(agent: CompiledAgent): MayUseSecret {
  const listed = own(agent, 'credentials') === undefined ? [] : (agent.credentials ?? [])
  const credentials = listed.map((credential) => ({
    isSecret: compileGlob(credential.secret),
    tools: compileTools({ ...credential, id: agent.agent }, credential.tools),
  }))
  return (reference, service, action) =>
    credentials.some(
      ({ isSecret, tools }) => isSecret(reference) && tools.includes(service, action),
    )
}

/** The references in a call's payload. What came back of a call names none: nothing is put into it. */
export function secretUses(action: JudgedAction, selection: Pick<Selection, 'tool'>): SecretUses {
  if (action.phase === 'result') return NONE
  const texts: SecretText[] = []
  let flaws = 0
  const open = lazily(() => openPointers(action, selection))
  const look = (text: string, pointer: string) => {
    const places = findSecretReferences(text)
    const known = places.filter(isReference)
    const [first] = places
    const whole = places.length === 1 && first?.start === 0 && first.end === text.length
    const placed = whole || open().has(pointer)
    flaws += placed ? places.length - known.length : places.length
    if (placed && known.length > 0) texts.push({ pointer, places: known })
  }
  const walk = (value: JsonValue, pointer: string): void => {
    if (typeof value === 'string') {
      if (value.includes(SECRET_SCHEME)) look(value, pointer)
      return
    }
    if (typeof value !== 'object' || value === null) return
    const isList = Array.isArray(value)
    for (const [name, member] of Object.entries(value)) {
      // The value would have to stand in a name, where nothing hides it.
      if (!isList && name.includes(SECRET_SCHEME)) flaws++
      walk(member, joinPointer(pointer, name))
    }
  }
  walk(action.payload, '')
  if (texts.length === 0 && flaws === 0) return NONE
  return { texts, references: distinct(texts), flaws }
}

const NONE: SecretUses = { texts: [], references: [], flaws: 0 }

/** Why the references of a call may not be followed, or null. */
export type SecretProblem = {
  readonly code: Extract<ErrorCode, 'SECRET_REFERENCE_INVALID' | 'SECRET_OUT_OF_SCOPE'>
  readonly message: string
  /** References that are at fault, unless their form is. */
  readonly references: readonly SecretReference[]
}

/** Under the policy of this moment: the form of the references, their providers, the agent's credentials. */
export function secretProblem(
  loaded: Pick<LoadedPolicy, 'policy'>,
  { agent }: Pick<Selection, 'agent'>,
  action: JudgedAction,
  uses: SecretUses,
): SecretProblem | null {
  if (uses.flaws > 0)
    return invalid(`Of the places with ${SECRET_SCHEME}, ${uses.flaws} ${WHY_FLAWED}`)
  if (uses.references.length > SECRET_REFERENCES_MAX) {
    return invalid(`More than ${SECRET_REFERENCES_MAX} references to secrets in one call.`)
  }
  const { service, action: name } = action
  const outside = uses.references.filter(
    (reference) =>
      !isProvided(loaded.policy, reference) ||
      agent === null ||
      !agent.mayUseSecret(reference.text, service, name),
  )
  if (outside.length === 0) return null
  const message = `Of the secrets that the call names, ${outside.length} are not among the agent's credentials for this tool.`
  return { code: 'SECRET_OUT_OF_SCOPE', message, references: outside }
}

const WHY_FLAWED =
  'are no reference to a secret, or stand within a longer text whose field the Tools file does not open to them.'

/** Each well-formed reference in a call's payload, once, wherever it stands. */
export function secretsNamed(action: JudgedAction): readonly SecretReference[] {
  if (action.phase === 'result') return []
  const byText = new Map<string, SecretReference>()
  const walk = (value: JsonValue): void => {
    if (typeof value === 'string') {
      if (!value.includes(SECRET_SCHEME)) return
      for (const { reference } of findSecretReferences(value)) {
        if (reference !== null) byText.set(reference.text, reference)
      }
      return
    }
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk)
  }
  walk(action.payload)
  return [...byText.values()]
}

/** The references in a call's payload, and why they may not be followed, or null. */
export function usesOfSecrets(
  loaded: LoadedPolicy,
  action: JudgedAction,
): SecretUses & { readonly problem: SecretProblem | null } {
  const selection = loaded.select(action)
  const uses = secretUses(action, selection)
  return { ...uses, problem: secretProblem(loaded, selection, action, uses) }
}

/** What the engine says of the references in a call. */
export function secretFindings(loaded: LoadedPolicy, selection: Selection, facts: Facts): Said[] {
  let problem: SecretProblem | null
  try {
    const uses = secretUses(facts.action, selection)
    problem = secretProblem(loaded, selection, facts.action, uses)
  } catch {
    // What an unforeseen error says may hold a value of the action, so it stays out.
    problem = invalid('The references to secrets in the call could not be looked at.')
  }
  if (problem === null) return []
  const { code, message, references } = problem
  const shown = references.slice(0, EVIDENCE_PLACES_MAX)
  const evidence: JsonObject = {
    tool: `${facts.action.service}.${facts.action.action}`,
    ...(shown.length === 0
      ? {}
      : { secrets: shown.map((reference) => secretDigest(facts, reference)) }),
  }
  const rule = code === 'SECRET_OUT_OF_SCOPE' ? 'secret-out-of-scope' : 'secret-reference-invalid'
  return [engineFinding(rule, { verdict: 'deny', code, message, evidence })]
}

/** Stands for a reference in evidence and state: it may be made up of what an agent read elsewhere. */
export function secretDigest({ key }: Pick<Facts, 'key'>, { text }: SecretReference): string {
  return shortDigest(key, `secret:${text}`, 8)
}

function isProvided({ secrets }: CompiledPolicy, { provider, name }: SecretReference): boolean {
  if (secrets === undefined) return false
  if (provider !== 'env') return secrets[provider] !== null
  return secrets.env?.some((glob) => compileGlob(glob)(name)) ?? false
}

function invalid(message: string): SecretProblem {
  return { code: 'SECRET_REFERENCE_INVALID', message, references: [] }
}

/** Fields in whose text a reference may stand among other characters. */
function openPointers(
  action: JudgedAction,
  { tool }: Pick<Selection, 'tool'>,
): ReadonlySet<string> {
  if (tool === null || own(tool, 'secret_texts') === undefined) return new Set()
  const fields = fieldsOf(action, action.priority)
  const place = { ...tool, id: `${tool.service}.${tool.action}` }
  const pointers = (tool.secret_texts ?? []).flatMap((text) =>
    readPath(fields, compilePath(place, text)).map(({ pointer }) => pointer),
  )
  return new Set(pointers.map((pointer) => pointer.slice('/payload'.length)))
}

function isReference(
  place: SecretPlace,
): place is SecretPlace & { readonly reference: SecretReference } {
  return place.reference !== null
}

function distinct(texts: readonly SecretText[]): SecretReference[] {
  const byText = new Map<string, SecretReference>()
  for (const { reference } of texts.flatMap(({ places }) => places)) {
    byText.set(reference.text, reference)
  }
  return [...byText.values()]
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
