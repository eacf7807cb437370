import { quote } from '../go-quote.ts'
import { isNumber } from '../values/number.ts'
import { numberText } from '../values/text.ts'
import type { AnyObject, Value } from '../values/value.ts'
import { isArray, isObject, isSet, objectGet, objectKeys } from '../values/value.ts'
import type { Call } from './builtin.ts'
import { templateError } from './template-lex.ts'

/** A number that a template writes or counts. Numbers of variables are texts to Go, of a type of their own. */
export class Integer {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A value in a template; undefined where Go has none. */
export type Item = Value | Integer | undefined

/** The kinds that Go compares. */
export type BasicKind = 'boolean' | 'integer' | 'string' | 'other'

export function basicKind(item: Item): BasicKind {
  if (item instanceof Integer) return 'integer'
  if (typeof item === 'boolean') return 'boolean'
  return typeof item === 'string' || isNumber(item) ? 'string' : 'other'
}

/** Go's isTrue: nothing, null, false, zero and what is empty is not. */
export function isTrue(item: Item): boolean {
  if (item === undefined || item === null || item === false || item === '') return false
  if (item instanceof Integer) return item.value !== 0
  if (isArray(item)) return item.length > 0
  return !isObject(item) || objectKeys(item).length > 0
}

/** The text of a string, or of a number of the variables, which is one to Go. */
export function textOf(item: Item): string | undefined {
  if (typeof item === 'string') return item
  return isNumber(item) ? numberText(item) : undefined
}

/** An item as Go's fmt prints it: `map[key:value]`, `[1 2]`, `<nil>`; each part is charged before it is made. */
export function printed(call: Call, item: Item): string {
  if (item === undefined) return '<no value>'
  if (item instanceof Integer) return String(item.value)
  return printedValue(call, item)
}

/**
 * Checks that variables are what JSON text can say, as OPA writes and reads them for a template.
 *
 * @throws {BuiltinError} for a set, a key that is no string, and characters that Go escapes in ways that JSON has not
 */
export function checkJson(call: Call, value: Value, depth = 0): void {
  call.work(1)
  if (typeof value === 'string') checkText(call, value)
  if (typeof value !== 'object' || value === null) return
  if (depth > DEPTH_MAX) throw templateError('the variables nest too deeply')
  if (isSet(value)) throw templateError('the variables hold a set')
  if (isArray(value)) for (const member of value) checkJson(call, member, depth + 1)
  else if (isObject(value)) checkObject(call, value, depth)
}

const DEPTH_MAX = 600

function checkObject(call: Call, object: AnyObject, depth: number): void {
  for (const key of objectKeys(object)) {
    if (typeof key !== 'string') throw templateError('the variables hold a key that is no string')
    checkText(call, key)
    checkJson(call, objectGet(object, key) as Value, depth + 1)
  }
}

function checkText(call: Call, text: string): void {
  if (/^[ -~]*$/.test(text)) return
  call.work(text.length)
  for (const [, letter = ''] of quote(text).matchAll(/\\(.)/gs)) {
    if ('avxU'.includes(letter)) throw templateError('the variables hold a character without text')
  }
}

function printedValue(call: Call, value: Value): string {
  call.work(1)
  if (value === null) return '<nil>'
  const text = textOf(value)
  if (text !== undefined) {
    call.output(text.length)
    return text
  }
  if (isArray(value)) return `[${value.map((member) => printedValue(call, member)).join(' ')}]`
  if (!isObject(value)) return String(value)
  const entries = objectKeys(value).map((key) => {
    const name = printedValue(call, key)
    return `${name}:${printedValue(call, objectGet(value, key) as Value)}`
  })
  return `map[${entries.join(' ')}]`
}
