import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, ownMember } from '../../base/json-value.ts'
import { MANDATE_LENGTH_MAX, MANDATES_MAX } from '../../base/limits.ts'
import { assertPlainJson } from '../../base/plain-json.ts'
import type { CustodyMandate } from '../../model/generated/types.ts'

/** A mandate as it came: what somebody signed elsewhere, under which the delivery is done. */
export type MandateInput = { readonly kind: CustodyMandate['kind']; readonly document: JsonObject }

/**
 * What steps say of the mandates of a delivery: digests alone.
 *
 * @throws {PolicyError} MANDATE_INVALID; MANDATE_REPLAYED for one that is given twice
 */
export function bindMandates(mandates: readonly MandateInput[]): readonly CustodyMandate[] {
  if (mandates.length > MANDATES_MAX) throw invalid(`at most ${MANDATES_MAX} mandates`)
  const bound = mandates.map(bindMandate)
  const names = bound.flatMap(namesOf)
  if (new Set(names).size === names.length) return bound
  throw new PolicyError('MANDATE_REPLAYED', 'expected each mandate once')
}

/** What a mandate is known by: it is bound to one delivery under each. */
export function namesOf({ sha256, nonce }: CustodyMandate): readonly string[] {
  return [`sha256/${sha256}`, ...(nonce === undefined ? [] : [`nonce/${nonce}`])]
}

function bindMandate({ kind, document }: MandateInput): CustodyMandate {
  if (kind !== 'x402' && kind !== 'ap2') throw invalid('the kind x402 or ap2')
  if (!isJsonObject(document)) throw invalid('a JSON object')
  assertPlainJson(document)
  const text = canonicalize(document)
  if (text.length > MANDATE_LENGTH_MAX) throw invalid(`at most ${MANDATE_LENGTH_MAX} characters`)
  const sha256 = sha256Hex(text)
  if (kind !== 'x402') return { kind, sha256 }
  const { from = null, nonce = null } = readPayment(document).authorization ?? {}
  if (nonce === null) return { kind, sha256 }
  // Both are signed by the payer; what stands around them can be written anew.
  if (from === null) throw invalid('`from` with `nonce`')
  return { kind, sha256, nonce: sha256Hex(canonicalize([lower(from), lower(nonce)])) }
}

/**
 * Holds mandates to what was judged: `payment` in the payload of the handoff, with `amount` in the asset's smallest unit,
 * `asset` and `pay_to`, and `network` where it is given. What mandates state must be covered, their amounts together; what
 * they do not state, and AP2 mandates, are bound and not looked into.
 *
 * @param now - Unix milliseconds
 * @throws {PolicyError} MANDATE_INVALID, MANDATE_EXCEEDED, MANDATE_EXPIRED
 */
export function checkMandates(
  mandates: readonly MandateInput[],
  judged: JsonObject,
  now: number,
): void {
  const payment = memberOf(judged, 'payment') ?? {}
  const amounts = mandates.flatMap(({ kind, document }) =>
    kind === 'x402' ? checkPayment(readPayment(document), payment, now) : [],
  )
  if (amounts.length === 0) return
  const limit = unitsOf(payment, 'amount')
  if (limit === null || amounts.reduce((sum, one) => sum + one) > limit) {
    throw exceeded('no more than the judged `payment.amount`')
  }
}

/** @returns the amount that it states, if it states one */
function checkPayment(
  { network, authorization, requirements }: Payment,
  payment: JsonObject,
  now: number,
): readonly bigint[] {
  const amount = authorization?.value ?? requirements?.amount ?? null
  const payTo = authorization?.to ?? requirements?.payTo ?? null
  if (authorization !== null && requirements !== null) {
    const { value, to } = authorization
    if (value !== null && requirements.amount !== null && value > requirements.amount) {
      throw exceeded('no more than `maxAmountRequired`')
    }
    if (to !== null && requirements.payTo !== null && lower(to) !== lower(requirements.payTo)) {
      throw exceeded('the payee of its requirements')
    }
  }
  sameAs(payment, 'asset', requirements?.asset ?? null)
  sameAs(payment, 'pay_to', payTo)
  if (textOf(payment, 'network') !== null) sameAs(payment, 'network', network)
  const { validBefore = null } = authorization ?? {}
  // Negated, so that a time which cannot be read has passed.
  if (validBefore !== null && !(BigInt(Math.floor(now / 1000)) < validBefore)) {
    throw new PolicyError('MANDATE_EXPIRED', 'the mandate has expired')
  }
  return amount === null ? [] : [amount]
}

/** The fields of an x402 payment that are known; null for what it does not state. */
type Payment = {
  readonly network: string | null
  readonly authorization: {
    readonly from: string | null
    readonly to: string | null
    readonly value: bigint | null
    readonly validBefore: bigint | null
    readonly nonce: string | null
  } | null
  readonly requirements: {
    readonly amount: bigint | null
    readonly asset: string | null
    readonly payTo: string | null
  } | null
}

/**
 * Reads an x402 payment payload of version 1 (`scheme`, `network`, `payload.authorization`), alone or as `paymentPayload`
 * beside its `paymentRequirements` (`maxAmountRequired`, `asset`, `payTo`).
 *
 * @throws {PolicyError} MANDATE_INVALID for a known field that is malformed, payment and requirements that disagree, or none
 *   of what they could state
 */
function readPayment(document: JsonObject): Payment {
  const inner = memberOf(document, 'paymentPayload')
  if (inner !== null && Object.hasOwn(document, 'payload')) throw invalid('one payment')
  const payment = inner ?? document
  for (const one of [document, payment]) {
    const version = ownMember(one, 'x402Version')
    if (version !== undefined && version !== 1) throw invalid('version 1 of x402')
  }
  const asked = memberOf(document, 'paymentRequirements')
  for (const name of ['scheme', 'network']) {
    const [one, other] = [textOf(payment, name), asked === null ? null : textOf(asked, name)]
    if (one !== null && other !== null && one !== other) throw invalid(`one ${name}`)
  }
  const network = textOf(payment, 'network') ?? (asked === null ? null : textOf(asked, 'network'))
  const payload = memberOf(payment, 'payload')
  const given = payload === null ? null : memberOf(payload, 'authorization')
  if (given === null && asked === null) {
    throw invalid('`payload.authorization`, or `paymentRequirements` beside a payment')
  }
  return {
    network,
    authorization: given === null ? null : authorizationOf(given),
    requirements: asked === null ? null : requirementsOf(asked),
  }
}

function authorizationOf(given: JsonObject): NonNullable<Payment['authorization']> {
  return {
    from: hexOf(given, 'from', 20),
    to: textOf(given, 'to'),
    value: unitsOf(given, 'value'),
    validBefore: unitsOf(given, 'validBefore'),
    nonce: hexOf(given, 'nonce', 32),
  }
}

function requirementsOf(asked: JsonObject): NonNullable<Payment['requirements']> {
  return {
    amount: unitsOf(asked, 'maxAmountRequired'),
    asset: textOf(asked, 'asset'),
    payTo: textOf(asked, 'payTo'),
  }
}

/** What a mandate states, the judged payload must state too, and alike. */
function sameAs(payment: JsonObject, name: string, stated: string | null): void {
  if (stated === null) return
  const judged = textOf(payment, name)
  if (judged === null || lower(judged) !== lower(stated)) {
    throw exceeded(`the judged \`payment.${name}\``)
  }
}

function hexOf(object: JsonObject, name: string, bytes: number): string | null {
  const text = textOf(object, name)
  const isBytes = text === null || (/^0x[0-9a-fA-F]+$/.test(text) && text.length === 2 + 2 * bytes)
  if (isBytes) return text
  throw invalid(`${bytes} bytes in hexadecimal as \`${name}\``)
}

function unitsOf(object: JsonObject, name: string): bigint | null {
  const value = ownMember(object, name)
  if (value === undefined) return null
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof text === 'string' && /^(?:0|[1-9][0-9]{0,77})$/.test(text)) return BigInt(text)
  throw invalid(`whole units as \`${name}\``)
}

function textOf(object: JsonObject, name: string): string | null {
  const value = ownMember(object, name)
  if (value === undefined) return null
  if (typeof value === 'string') return value
  throw invalid(`text as \`${name}\``)
}

function memberOf(object: JsonObject, name: string): JsonObject | null {
  const value = ownMember(object, name)
  if (value === undefined) return null
  if (isJsonObject(value)) return value
  throw invalid(`an object as \`${name}\``)
}

/** Addresses in hexadecimal are the same in either case; others are as they are. */
function lower(text: string): string {
  return /^0x[0-9a-fA-F]+$/.test(text) ? text.toLowerCase() : text
}

function invalid(expected: string): PolicyError {
  return new PolicyError('MANDATE_INVALID', `expected a mandate: ${expected}`)
}

function exceeded(expected: string): PolicyError {
  return new PolicyError('MANDATE_EXCEEDED', `expected a mandate for ${expected}`)
}
