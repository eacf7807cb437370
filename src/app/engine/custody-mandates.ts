import { canonicalize } from '../../base/canonical-json.ts'
import { sha256Hex } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import type { JsonObject, JsonValue } from '../../base/json-value.ts'
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
  if (!isObject(document)) throw invalid('a JSON object')
  assertPlainJson(document)
  const text = canonicalize(document)
  if (text.length > MANDATE_LENGTH_MAX) throw invalid(`at most ${MANDATE_LENGTH_MAX} characters`)
  const sha256 = sha256Hex(text)
  if (kind !== 'x402') return { kind, sha256 }
  const { network, authorization } = readPayment(document)
  if (authorization === null) return { kind, sha256 }
  const { nonce, from } = authorization
  if (nonce === null) return { kind, sha256 }
  const one = [network, from === null ? null : lower(from), lower(nonce)]
  return { kind, sha256, nonce: sha256Hex(canonicalize(one)) }
}

/**
 * Holds a mandate to what was judged: `payment` in the payload of the handoff, with `amount` in the asset's smallest unit,
 * `asset` and `pay_to`, and `network` where it is given. What a mandate states must be covered; what it does not state, and
 * AP2 mandates, are bound and not looked into.
 *
 * @param now - Unix milliseconds
 * @throws {PolicyError} MANDATE_INVALID, MANDATE_EXCEEDED, MANDATE_EXPIRED
 */
export function checkMandate(
  { kind, document }: MandateInput,
  judged: JsonObject,
  now: number,
): void {
  if (kind !== 'x402') return
  const { network, authorization, requirements } = readPayment(document)
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
  const payment = memberOf(judged, 'payment') ?? {}
  if (amount !== null) {
    const limit = unitsOf(payment, 'amount')
    if (limit === null || amount > limit) throw exceeded('no more than the judged `payment.amount`')
  }
  sameAs(payment, 'asset', requirements?.asset ?? null)
  sameAs(payment, 'pay_to', payTo)
  if (textOf(payment, 'network') !== null) sameAs(payment, 'network', network)
  const { validBefore = null } = authorization ?? {}
  // Negated, so that a time which cannot be read has passed.
  if (validBefore !== null && !(BigInt(Math.floor(now / 1000)) < validBefore)) {
    throw new PolicyError('MANDATE_EXPIRED', 'the mandate has expired')
  }
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
 * Reads an x402 payment payload (`scheme`, `network`, `payload.authorization`), alone or as `paymentPayload` beside its
 * `paymentRequirements` (`maxAmountRequired`, `asset`, `payTo`).
 *
 * @throws {PolicyError} MANDATE_INVALID for a known field that is malformed, or payment and requirements that disagree
 */
function readPayment(document: JsonObject): Payment {
  const payment = memberOf(document, 'paymentPayload') ?? document
  const asked = memberOf(document, 'paymentRequirements')
  for (const name of ['scheme', 'network']) {
    const [one, other] = [textOf(payment, name), asked === null ? null : textOf(asked, name)]
    if (one !== null && other !== null && one !== other) throw invalid(`one ${name}`)
  }
  const network = textOf(payment, 'network') ?? (asked === null ? null : textOf(asked, 'network'))
  const payload = memberOf(payment, 'payload')
  const given = payload === null ? null : memberOf(payload, 'authorization')
  return {
    network,
    authorization:
      given === null
        ? null
        : {
            from: textOf(given, 'from'),
            to: textOf(given, 'to'),
            value: unitsOf(given, 'value'),
            validBefore: unitsOf(given, 'validBefore'),
            nonce: nonceOf(given),
          },
    requirements:
      asked === null
        ? null
        : {
            amount: unitsOf(asked, 'maxAmountRequired'),
            asset: textOf(asked, 'asset'),
            payTo: textOf(asked, 'payTo'),
          },
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

function nonceOf(authorization: JsonObject): string | null {
  const nonce = textOf(authorization, 'nonce')
  if (nonce === null || /^0x[0-9a-fA-F]{64}$/.test(nonce)) return nonce
  throw invalid('32 bytes in hexadecimal as `nonce`')
}

function unitsOf(object: JsonObject, name: string): bigint | null {
  const value = own(object, name)
  if (value === undefined) return null
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof text === 'string' && /^(?:0|[1-9][0-9]{0,77})$/.test(text)) return BigInt(text)
  throw invalid(`whole units as \`${name}\``)
}

function textOf(object: JsonObject, name: string): string | null {
  const value = own(object, name)
  if (value === undefined) return null
  if (typeof value === 'string') return value
  throw invalid(`text as \`${name}\``)
}

function memberOf(object: JsonObject, name: string): JsonObject | null {
  const value = own(object, name)
  if (value === undefined) return null
  if (isObject(value)) return value
  throw invalid(`an object as \`${name}\``)
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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
