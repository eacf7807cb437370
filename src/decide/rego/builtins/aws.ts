import { bytesToHex } from '@noble/hashes/utils.js'
import { valueText } from '../values/text.ts'
import type { AnyObject, Value } from '../values/value.ts'
import {
  compareStrings,
  copyObject,
  isObject,
  objectEntries,
  objectGet,
  objectKeys,
  objectOf,
  setOf,
} from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, numberOperand, objectOperand } from './builtin.ts'
import { bytesOf } from './crypto/bytes.ts'
import type { GoUrl } from './crypto/go-url.ts'
import { escapedPath, parseGoUrl } from './crypto/go-url.ts'
import { authenticate, digest } from './crypto/hash.ts'
import { compactJson } from './json-text.ts'

/** Requests to AWS, signed with Signature Version 4 at a time that the policy gives. */
export const AWS: BuiltinFamily = { 'providers.aws.sign_req': signRequest }

type Credentials = {
  readonly service: string
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
  /** '' where there is none. */
  readonly sessionToken: string
}

type Request = {
  readonly method: string
  readonly url: GoUrl
  readonly headers: ReadonlyMap<string, string>
  /** Hexadecimal SHA-256 of the body, or what stands in for it. */
  readonly bodyHash: string
}

const REQUEST_KEYS = new Set<Value>([
  'method',
  'url',
  'body',
  'enable_redirect',
  'force_json_decode',
  'force_yaml_decode',
  'headers',
  'raw_body',
  'tls_use_system_certs',
  'tls_ca_cert',
  'tls_ca_cert_file',
  'tls_ca_cert_env_variable',
  'tls_client_cert',
  'tls_client_cert_file',
  'tls_client_cert_env_variable',
  'tls_client_key',
  'tls_client_key_file',
  'tls_client_key_env_variable',
  'tls_insecure_skip_verify',
  'tls_server_name',
  'timeout',
  'cache',
  'force_cache',
  'force_cache_duration_seconds',
  'raise_error',
  'caching_mode',
  'max_retry_attempts',
  'cache_ignored_headers',
])

const CONFIG_KEYS = ['aws_access_key', 'aws_region', 'aws_secret_access_key', 'aws_service']

/** Headers that proxies may change are not signed. */
const UNSIGNED_HEADERS = new Set(['authorization', 'user-agent', 'x-amzn-trace-id'])

/** The request with the headers that sign it. */
function signRequest(call: Call, operand?: Value, config?: Value, time?: Value): Value {
  const object = objectOperand(operand, 1)
  const settings = objectOperand(config, 1)
  const credentials = readCredentials(settings)
  const stamp = stampOf(numberOperand(time, 1))
  checkRequest(object)
  const url = requiredText(object, 'url')
  const method = requiredText(object, 'method')
  const request: Request = {
    method,
    headers: readHeaders(objectGet(object, 'headers')),
    url: parseGoUrl(url),
    bodyHash: hashBody(call, object, objectGet(settings, 'disable_payload_signing')),
  }
  const added = addedHeaders(request, credentials, stamp)
  const authorization = authorize(call, request, credentials, { stamp, added })
  const signed = copyObject(object)
  const headers = [...request.headers, ['Authorization', authorization] as const, ...added]
  signed.set('headers', objectOf(headers))
  return signed
}

function readCredentials(settings: AnyObject): Credentials {
  const missing = CONFIG_KEYS.filter((name) => objectGet(settings, name) === undefined)
  if (missing.length > 0) {
    throw refuse(2, `missing required AWS config parameters(s): ${namesText(missing)}`)
  }
  const invalid = CONFIG_KEYS.filter((name) => typeof objectGet(settings, name) !== 'string')
  if (invalid.length > 0) {
    throw refuse(2, `invalid values for required AWS config parameters(s): ${namesText(invalid)}`)
  }
  return {
    service: textOr(objectGet(settings, 'aws_service')),
    accessKey: textOr(objectGet(settings, 'aws_access_key')),
    secretKey: textOr(objectGet(settings, 'aws_secret_access_key')),
    region: textOr(objectGet(settings, 'aws_region')),
    sessionToken: textOr(objectGet(settings, 'aws_session_token')),
  }
}

/**
 * The moment as `20060102T150405Z`. One before 1970 is refused: OPA refuses `-1e9` for its notation, which no longer
 * shows here, and nobody signs then.
 */
function stampOf(time: Value): string {
  const whole = typeof time === 'bigint' || Number.isInteger(time)
  const ns = whole ? BigInt(time as number | bigint) : -1n
  if (ns < 0n || BigInt.asIntN(64, ns) !== ns) {
    throw refuse(3, 'could not convert time_ns value into a unix timestamp')
  }
  const date = new Date(Number(ns / 1_000_000n))
  return `${date.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
}

function checkRequest(request: AnyObject): void {
  const unknown = objectKeys(request).filter((key) => !REQUEST_KEYS.has(key))
  if (unknown.length > 0) {
    throw refuse(1, `invalid request parameters(s): ${namesText(unknown)}`)
  }
  const required = ['method', 'url']
  const missing = required.filter((name) => objectGet(request, name) === undefined)
  if (missing.length > 0) {
    throw refuse(1, `missing required request parameters(s): ${namesText(missing)}`)
  }
  const headers = objectGet(request, 'headers')
  if (headers !== undefined && !isObject(headers)) mismatch(headers, 0, 'object')
  const invalid = required.filter((name) => typeof objectGet(request, name) !== 'string')
  if (invalid.length > 0) {
    throw refuse(1, `invalid values for required request parameters(s): ${namesText(invalid)}`)
  }
}

function requiredText(request: AnyObject, name: string): string {
  return textOr(objectGet(request, name))
}

/** What is no text counts as ''. */
function readHeaders(headers: Value | undefined): ReadonlyMap<string, string> {
  if (!isObject(headers)) return new Map()
  return new Map(objectEntries(headers).map(([name, value]) => [textOr(name), textOr(value)]))
}

function hashBody(call: Call, request: AnyObject, unsigned: Value | undefined): string {
  const raw = objectGet(request, 'raw_body')
  const body = objectGet(request, 'body')
  const text = raw === undefined && body !== undefined ? compactJson(call, body) : textOr(raw)
  if (unsigned !== undefined && typeof unsigned !== 'boolean') {
    throw refuse(2, "invalid value for 'disable_payload_signing' in AWS config")
  }
  if (unsigned === true) return 'UNSIGNED-PAYLOAD'
  return bytesToHex(digest(call, 'sha256', bytesOf(text)))
}

function addedHeaders(
  { url, bodyHash }: Request,
  { service, sessionToken }: Credentials,
  stamp: string,
): ReadonlyMap<string, string> {
  const headers = new Map([
    ['host', url.host],
    ['x-amz-date', stamp],
  ])
  if (service === 's3' || service === 'glacier') headers.set('x-amz-content-sha256', bodyHash)
  if (sessionToken !== '') headers.set('x-amz-security-token', sessionToken)
  return headers
}

/** The Authorization header: a canonical form of the request is hashed, and its hash signed with a key of the day. */
function authorize(
  call: Call,
  { method, url, headers, bodyHash }: Request,
  { service, accessKey, secretKey, region }: Credentials,
  { stamp, added }: { readonly stamp: string; readonly added: ReadonlyMap<string, string> },
): string {
  const signed = new Map(added)
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!UNSIGNED_HEADERS.has(lower)) signed.set(lower, value)
  }
  const lines = [...signed].sort(([a], [b]) => compareStrings(a, b))
  const names = lines.map(([name]) => name).join(';')
  const canonical = [
    method,
    escapedPath(url),
    url.rawQuery,
    ...lines.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    bodyHash,
  ].join('\n')
  const day = stamp.slice(0, 8)
  const scope = `${day}/${region}/${service}/aws4_request`
  const hashed = bytesToHex(digest(call, 'sha256', bytesOf(canonical)))
  let key: Uint8Array = bytesOf(`AWS4${secretKey}`)
  for (const part of [day, region, service, 'aws4_request']) {
    key = authenticate(call, 'sha256', { key, message: bytesOf(part) })
  }
  const message = bytesOf(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hashed}`)
  const signature = bytesToHex(authenticate(call, 'sha256', { key, message }))
  return (
    `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},` +
    `SignedHeaders=${names},Signature=${signature}`
  )
}

function textOr(value: Value | undefined): string {
  return typeof value === 'string' ? value : ''
}

function namesText(names: Iterable<Value>): string {
  return valueText(setOf(names))
}

function refuse(position: number, message: string): BuiltinError {
  return new BuiltinError(`operand ${position} ${message}`, 'eval_type_error')
}
