import { parseAddress } from './net-address.ts'

/**
 * Whether text is one mailbox as Go's net/mail reads RFC 5322: an address, with a name and angle brackets around it or
 * not, with comments, or a group of one.
 */
export function isMailbox(text: string): boolean {
  const scanner: Scanner = { text, at: 0 }
  return mailboxes(scanner, true) === 1 && skipComments(scanner) && atEnd(scanner)
}

type Scanner = { readonly text: string; at: number }

/** How many mailboxes an address holds, many where it is a group; undefined where it is none. */
function mailboxes(scanner: Scanner, grouped: boolean): number | undefined {
  skipSpace(scanner)
  if (atEnd(scanner)) return undefined
  const start = scanner.at
  if (address(scanner)) {
    skipSpace(scanner)
    return !take(scanner, '(') || comment(scanner) ? 1 : undefined
  }
  scanner.at = start
  if (scanner.text[start] !== '<' && !phrase(scanner)) return undefined
  skipSpace(scanner)
  if (grouped && take(scanner, ':')) return group(scanner)
  return take(scanner, '<') && address(scanner) && take(scanner, '>') ? 1 : undefined
}

function group(scanner: Scanner): number | undefined {
  skipSpace(scanner)
  if (take(scanner, ';')) return skipComments(scanner) ? 0 : undefined
  let count = 0
  do {
    const found = mailboxes(scanner, false)
    if (found === undefined || !skipComments(scanner)) return undefined
    count += found
  } while (take(scanner, ','))
  return take(scanner, ';') && skipComments(scanner) ? count : undefined
}

function address(scanner: Scanner): boolean {
  skipSpace(scanner)
  const quoted = scanner.text[scanner.at] === '"'
  const local = quoted ? (quotedString(scanner) ?? '') !== '' : dotAtom(scanner)
  if (!local || !take(scanner, '@')) return false
  skipSpace(scanner)
  return scanner.text[scanner.at] === '[' ? domainLiteral(scanner) : dotAtom(scanner)
}

/** Words before an angle bracket. What ends them is for the caller to judge. */
function phrase(scanner: Scanner): boolean {
  let words = 0
  let encoded = false
  for (;;) {
    if (words > 0 && !skipComments(scanner)) return false
    skipSpace(scanner)
    const start = scanner.at
    if (scanner.text[start] === '"') {
      if (quotedString(scanner) === undefined) break
      words += 1
      continue
    }
    const atom = atomText(scanner)
    const [, charset, content] = ENCODED_WORD.exec(atom) ?? []
    if (atom === '' || (charset !== undefined && !CHARSETS.has(charset.toLowerCase()))) break
    if (charset === undefined) words += 1
    else encoded ||= content !== ''
  }
  return words > 0 || encoded
}

/** RFC 2047. Go reads three character sets. */
const ENCODED_WORD = /^=\?([^?]+)\?[bqBQ]\?([^?]*)\?=$/
const CHARSETS = new Set(['utf-8', 'iso-8859-1', 'us-ascii'])

/** Visible characters but `()<>[]:;@\,"`. */
const ATOM = /[!#-'*+\-./0-9=?A-Z^-~\u0080-\uffff]*/y
const DOMAIN_LITERAL = /\[([!-Z^-~\u0080-\uffff]*)\]/y

function match(scanner: Scanner, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = scanner.at
  const found = pattern.exec(scanner.text)
  if (found !== null) scanner.at = pattern.lastIndex
  return found
}

function atomText(scanner: Scanner): string {
  return match(scanner, ATOM)?.[0] ?? ''
}

function dotAtom(scanner: Scanner): boolean {
  const atom = atomText(scanner)
  return atom !== '' && !atom.startsWith('.') && !atom.endsWith('.') && !atom.includes('..')
}

/** What stands between two quotes: visible characters and blanks, quotes and backslashes behind a backslash. */
function quotedString(scanner: Scanner): string | undefined {
  const { text } = scanner
  for (let at = scanner.at + 1; at < text.length; at++) {
    if (text[at] === '"') {
      const content = text.slice(scanner.at + 1, at)
      scanner.at = at + 1
      return content
    }
    if (text[at] === '\\') at += 1
    const code = text.charCodeAt(at)
    if (!(code === 0x09 || (code >= 0x20 && code !== 0x7f))) return undefined
  }
  return undefined
}

function domainLiteral(scanner: Scanner): boolean {
  const found = parseAddress(match(scanner, DOMAIN_LITERAL)?.[1] ?? '')
  return found !== undefined && found.zone === ''
}

/** Comments may hold comments. The first parenthesis is taken. */
function comment(scanner: Scanner): boolean {
  const { text } = scanner
  for (let depth = 1; scanner.at < text.length; scanner.at += 1) {
    const char = text[scanner.at]
    if (char === '\\' && scanner.at + 1 < text.length) scanner.at += 1
    else if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    if (depth === 0) {
      scanner.at += 1
      return true
    }
  }
  return false
}

function skipComments(scanner: Scanner): boolean {
  skipSpace(scanner)
  while (take(scanner, '(')) {
    if (!comment(scanner)) return false
    skipSpace(scanner)
  }
  return true
}

function skipSpace(scanner: Scanner): void {
  while (scanner.text[scanner.at] === ' ' || scanner.text[scanner.at] === '\t') scanner.at += 1
}

function take(scanner: Scanner, char: string): boolean {
  if (scanner.text[scanner.at] !== char) return false
  scanner.at += 1
  return true
}

function atEnd(scanner: Scanner): boolean {
  return scanner.at >= scanner.text.length
}
