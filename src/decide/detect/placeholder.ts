import { parseSecretReference } from '../../base/secret-reference.ts'

/**
 * Whether a value stands for a secret without being one: a reference, a variable, an empty or masked field, a word that
 * says that something was taken out or must be put in.
 */
export function isPlaceholder(value: string): boolean {
  const text = value.trim()
  if (text === '' || parseSecretReference(text) !== null) return true
  if (PAIRS.some(([open, close]) => isEnclosed(text, open, close))) return true
  if (text.startsWith('$') && text.length > 1 && isName(text.slice(1))) return true
  if (new Set(text).size === 1) return true
  return text.length <= WORD_LENGTH_MAX && WORDS.has(text.toLowerCase())
}

const PAIRS = [
  ['${', '}'],
  ['{{', '}}'],
  ['<', '>'],
  ['%', '%'],
] as const

/** Whether a text is a variable or a hint in brackets: one, with words only. */
function isEnclosed(text: string, open: string, close: string): boolean {
  const inner = text.slice(open.length, text.length - close.length)
  const whole = text.length > open.length + close.length
  return whole && text.startsWith(open) && text.endsWith(close) && INNER.test(inner)
}

const INNER = /^[A-Za-z_][A-Za-z0-9_. :-]{0,63}$/

const WORD_LENGTH_MAX = 24
const WORDS: ReadonlySet<string> = new Set([
  '[redacted]',
  '[filtered]',
  '[masked]',
  '[hidden]',
  '(hidden)',
  'redacted',
  'masked',
  'hidden',
  'null',
  'none',
  'nil',
  'undefined',
  'true',
  'false',
  'required',
  'optional',
  'string',
  'changeme',
  'change_me',
  'example',
  'password',
  'passwd',
  'secret',
  'token',
  'your_password',
  'your-password',
  'your_token',
  'your_api_key',
  'your-api-key',
  'x-oauth-basic',
])

/** Whether a text is the name of a shell variable. */
function isName(text: string): boolean {
  return /^[A-Z_][A-Z0-9_]{0,63}$/.test(text)
}
