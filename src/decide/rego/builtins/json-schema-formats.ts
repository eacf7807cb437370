import type { Call } from './builtin.ts'
import { BuiltinError } from './builtin.ts'
import { isMailbox } from './json-schema-mailbox.ts'
import { readPattern } from './json-schema-pattern.ts'
import { pathOf } from './json-schema-uri.ts'
import { parseAddress } from './net-address.ts'
import { URI } from './uri.ts'

/**
 * Whether text has a format. Each takes what OPA takes, which in places is more than the standard does: `date-time`
 * takes a date or a time alone, `email` a name before the address. A format that is not known takes anything.
 */
export function hasFormat(call: Call, format: string, text: string): boolean {
  const check = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  return check === undefined || check(text, call)
}

type Check = (text: string, call: Call) => boolean

const FORMATS: Readonly<Record<string, Check>> = {
  date: isDate,
  time: isTime,
  'date-time': (text) => isDate(text) || isTime(text) || isDateTime(text),
  hostname: isHostname,
  email: isMailbox,
  'idn-email': isMailbox,
  ipv4: (text) => isAddress(text) && text.includes('.'),
  ipv6: (text) => isAddress(text) && text.includes(':'),
  uri: isUri,
  'uri-reference': isUriReference,
  iri: isUri,
  'iri-reference': isUriReference,
  'uri-template': isUriTemplate,
  uuid: (text) => UUID.test(text),
  regex: isPattern,
  'json-pointer': (text) => text === '' || (text.startsWith('/') && !ESCAPE.test(text)),
  'relative-json-pointer': isRelativePointer,
}

// Hours may have one digit, seconds a fraction behind a point or a comma: so Go reads times.
const TIME = /^([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))?$/
const ZONE = /(?:Z|[+-][0-9]{2}:[0-9]{2})$/
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/
const SCHEME = /^[A-Za-z][-A-Za-z0-9+.]*:/
const LABEL = /^[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** A tilde that stands for nothing in a JSON pointer. */
const ESCAPE = /~(?![01])/

function isDate(text: string): boolean {
  const [, year, month, day] = (DATE.exec(text) ?? []).map(Number)
  if (year === undefined || month === undefined || day === undefined) return false
  if (month < 1 || month > 12 || day < 1) return false
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days
}

function isTime(text: string): boolean {
  const [, hour = 99, minute = 99, second = 99, ahead = 0, aside = 0] = (TIME.exec(text) ?? []).map(
    (digits) => Number(digits ?? 0),
  )
  // Offsets of 24 hours and of 60 minutes are taken by Go, leap seconds are not.
  return hour < 24 && minute < 60 && second < 60 && ahead <= 24 && aside <= 60
}

function isDateTime(text: string): boolean {
  const [date = '', time = ''] = [text.slice(0, 10), text.slice(11)]
  return text[10] === 'T' && isDate(date) && isTime(time) && ZONE.test(time)
}

function isHostname(text: string): boolean {
  return text.length < 256 && text.split('.').every((label) => LABEL.test(label))
}

function isAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && address.zone === ''
}

function isUri(text: string, call: Call): boolean {
  return SCHEME.test(text) && isUriReference(text, call)
}

function isUriReference(text: string, call: Call): boolean {
  return text === '' || (!text.includes('\\') && URI['uri.is_valid']?.(call, text) === true)
}

/** Each opening brace in the path has one that closes it (RFC 6570, as far as OPA checks it). */
function isUriTemplate(text: string, call: Call): boolean {
  if (!isUriReference(text, call)) return false
  const path = pathOf(text).replaceAll(/%7b/gi, '{').replaceAll(/%7d/gi, '}')
  return !path.includes('{', path.lastIndexOf('}') + 1)
}

function isPattern(text: string, call: Call): boolean {
  try {
    readPattern(text, call, 'no pattern')
    return true
  } catch (cause) {
    if (cause instanceof BuiltinError) return false
    throw cause
  }
}

function isRelativePointer(text: string): boolean {
  const digits = /^(?:0|[1-9][0-9]*)/.exec(text)?.[0]
  if (digits === undefined) return false
  const rest = text.slice(digits.length)
  return rest === '#' || rest === '' || (rest.startsWith('/') && !ESCAPE.test(rest))
}
