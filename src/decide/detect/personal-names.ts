import type { Detector, Span } from './detector.ts'
import type { PlainText } from './personal-text.ts'
import { isWordAt, memberWords, plainText } from './personal-text.ts'

/**
 * Names of people: those on the list that comes with the question, in any case and with or without accents; words that
 * begin with capitals behind `my name is`, `Mr.` and the like in a few languages; and what a member such as
 * `first_name` holds. It knows no names by itself: who is named in passing goes unnoticed.
 */
export const personName: Detector = {
  kind: 'person_name',
  find(original, { memberName, names }) {
    const plain = plainText(original)
    const words = wordsOf(plain.text)
    const spans: Span[] = []
    const list = listOf(names)
    const folds = list.names.size === 0 ? [] : words.map((word) => folded(plain.text, word))
    for (let at = 0; at < words.length; ) {
      const count = listedAt(words, folds, at, list) || behindContext(plain, words, at)
      if (count > 0) push(plain, words, at, at + count, spans)
      at += Math.max(count, 1)
    }
    if (spans.length > 0 || memberName === null) return spans
    return NAME_MEMBERS.test(memberWords(memberName)) ? wholeName(plain, words) : spans
  },
}

type Word = {
  readonly start: number
  readonly end: number
  /** Whether only spaces, points and dashes part it from the word before. */
  readonly follows: boolean
}

function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const match of text.matchAll(WORDS)) {
    const before = words.at(-1)
    const gap = before === undefined ? '' : text.slice(before.end, match.index)
    const follows = before !== undefined && gap.length <= 3 && GAP.test(gap)
    words.push({ start: match.index, end: match.index + match[0].length, follows })
  }
  return words
}

const WORDS = /[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu
const GAP = /^[ .\-\n\t]*$/

// By list.

type NameList = {
  /** Each name as its folded words, parted by spaces. */
  readonly names: ReadonlySet<string>
  /** How many words the longest name has that begins with this one. */
  readonly longest: ReadonlyMap<string, number>
}

let lastList: { readonly names: readonly string[]; readonly list: NameList } | null = null

/** A memo of a pure function: a rule asks with the same list for every text. */
function listOf(names: readonly string[]): NameList {
  if (lastList?.names === names) return lastList.list
  const list = { names: new Set<string>(), longest: new Map<string, number>() }
  for (const name of names) {
    const { text } = plainText(name)
    const parts = wordsOf(text).map((word) => folded(text, word))
    const [first] = parts
    if (first === undefined) continue
    list.names.add(parts.join(' '))
    list.longest.set(first, Math.max(parts.length, list.longest.get(first) ?? 0))
  }
  lastList = { names, list }
  return list
}

/** How many words from here are the longest name of the list that they can be. */
function listedAt(
  words: readonly Word[],
  folds: readonly string[],
  at: number,
  { names, longest }: NameList,
): number {
  let text = folds[at] ?? ''
  const most = longest.get(text) ?? 0
  let count = most > 0 && names.has(text) ? 1 : 0
  for (let i = 1; i < most && words[at + i]?.follows === true; i++) {
    text += ` ${folds[at + i]}`
    if (names.has(text)) count = i + 1
  }
  return count
}

function folded(text: string, { start, end }: Word): string {
  return text.slice(start, end).normalize('NFD').replaceAll(MARKS, '').toLowerCase()
}

const MARKS = /\p{M}/gu

// Behind words that announce a name.

/** How many words from here are a name that the words before it announce. */
function behindContext({ text, lower }: PlainText, words: readonly Word[], at: number): number {
  const first = words[at]
  if (first === undefined || !isCapital(text, first)) return 0
  const before = lower.slice(Math.max(0, first.start - ANNOUNCEMENT_LENGTH), first.start)
  if (!ANNOUNCEMENT.test(before)) return 0
  // `Dear Mr. Smith`: a title announces the name, and is none.
  return TITLE.test(lower.slice(first.start, first.end)) ? 0 : nameLength(text, words, at)
}

const ANNOUNCEMENT_LENGTH = 24

const ANNOUNCEMENT = new RegExp(
  `(?:^|[^\\p{L}])(?:${[
    "my (?:full )?name is|my name's|(?:patient|customer|client|employee|contact|full|first|last|sur)[ -]?name(?: is)?:?",
    'mr\\.?|mrs\\.?|ms\\.?|miss|mx\\.?|dr\\.?|prof\\.?|sir|madam|dear',
    'ich hei(?:ß|ss)e|mein name ist|herrn?|frau|geehrte[rs]? (?:herrn?|frau)',
    "je m'appelle|mon nom est|monsieur|madame|mademoiselle|mme\\.?|m\\.",
    'me llamo|mi nombre es|señora?|sr\\.|sra\\.|don|doña',
    'mi chiamo|il mio nome è|signora?|sig\\.(?:ra)?',
    'meu nome é|chamo-me|me chamo|senhora?',
    'mijn naam is|ik heet|meneer|mevrouw|dhr\\.?|mevr\\.?',
    'jag heter|jeg heter|jeg hedder|nimeni on|nazywam się|jmenuji se|меня зовут',
  ].join('|')}) ?$`,
  'u',
)

const TITLE =
  /^(?:mr|mrs|ms|dr|prof|sir|madam|miss|herr|frau|team|customer|support|all|colleagues?)$/u

/** At most five words: capitals, initials, and particles such as `van der` between them. */
function nameLength(text: string, words: readonly Word[], at: number): number {
  let count = 0
  for (let i = 0; i < NAME_WORDS_MAX; i++) {
    const word = words[at + i]
    if (word === undefined || (i > 0 && !joins(text, words[at + i - 1], word))) break
    if (isCapital(text, word)) count = i + 1
    else if (!PARTICLE.test(text.slice(word.start, word.end))) break
  }
  return count
}

const NAME_WORDS_MAX = 5
const PARTICLE =
  /^(?:van|von|der|den|de|del|della|di|da|dos|das|do|du|la|le|el|al|bin|ibn|ten|ter|zu|y|e|av|af)$/u

/** A full stop ends a name unless it ends an initial or a title; a line end always does. */
function joins(text: string, before: Word | undefined, { start, follows }: Word): boolean {
  if (before === undefined || !follows) return false
  const gap = text.slice(before.end, start)
  if (gap.includes('\n')) return false
  return !gap.includes('.') || before.end - before.start <= 3
}

function isCapital(text: string, { start }: Word): boolean {
  return CAPITAL.test(text[start] as string)
}

const CAPITAL = /[\p{Lu}\p{Lt}]/u

// In a member that says so.

const NAME_MEMBERS =
  / (?:(?:first|last|full|middle|given|family|maiden|person|customer|patient|client|contact|employee|user|card ?holder|account ?holder|beneficiary|recipient|passenger|guest) ?names?|surname|forename|cardholder|vorname|nachname|familienname|prénom|prenom|apellidos?|cognome|sobrenome|achternaam|voornaam) $/u

function wholeName(plain: PlainText, words: readonly Word[]): Span[] {
  const areNames = words.length > 0 && words.length <= NAME_WORDS_MAX && !/[\d@:/]/.test(plain.text)
  const spans: Span[] = []
  if (areNames) push(plain, words, 0, words.length, spans)
  return spans
}

function push(
  plain: PlainText,
  words: readonly Word[],
  from: number,
  to: number,
  spans: Span[],
): void {
  const first = words[from]
  const last = words[to - 1]
  if (first === undefined || last === undefined) return
  // The point of a last initial belongs to it.
  const initial = last.end - last.start === 1 && plain.text[last.end] === '.'
  const end = initial && !isWordAt(plain.text, last.end + 1) ? last.end + 1 : last.end
  spans.push(plain.span('person_name', first.start, end))
}
