/**
 * Sorts keys in go-yaml's order: by code point, but runs of digits by their number, and letters after all that is no
 * letter, save that after a digit they come first.
 */
export function sortNatural(keys: readonly string[]): readonly string[] {
  return keys
    .map((key) => ({ key, characters: [...key] }))
    .sort((a, b) => compare(a.characters, b.characters))
    .map(({ key }) => key)
}

function compare(left: readonly string[], right: readonly string[]): number {
  const length = Math.min(left.length, right.length)
  let at = 0
  while (at < length && left[at] === right[at]) at += 1
  if (at === length) return left.length - right.length
  const [x = '', y = ''] = [left[at], right[at]]
  const [letterX, letterY] = [LETTER.test(x), LETTER.test(y)]
  if (letterX && letterY) return codeOf(x) - codeOf(y)
  if (!letterX && !letterY) return compareRuns(left, right, at)
  const afterDigit = at > 0 && DIGIT.test(left[at - 1] ?? '')
  return (afterDigit ? letterX : letterY) ? -1 : 1
}

const LETTER = /^\p{L}$/u
const DIGIT = /^\p{Nd}$/u

function compareRuns(left: readonly string[], right: readonly string[], at: number): number {
  const [x = '', y = ''] = [left[at], right[at]]
  // Where one number goes on with a zero, digits that both begin with count too.
  const started = (x === '0' || y === '0') && startsNumber(left, at)
  const [a, b] = [runOf(left, at, started), runOf(right, at, started)]
  if (a.value !== b.value) return a.value < b.value ? -1 : 1
  return a.length - b.length || codeOf(x) - codeOf(y)
}

/** Whether a digit other than 0 stands in the digits right before. */
function startsNumber(characters: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    const character = characters[before] ?? ''
    if (!DIGIT.test(character)) return false
    if (character !== '0') return true
  }
  return false
}

/** The number that a run of digits makes, in 64 bits as Go has it, and how many they are. */
function runOf(
  characters: readonly string[],
  at: number,
  started: boolean,
): { readonly value: bigint; readonly length: number } {
  let value = started ? 1n : 0n
  let end = at
  for (; DIGIT.test(characters[end] ?? ''); end++) {
    value = BigInt.asIntN(64, value * 10n + BigInt(codeOf(characters[end] ?? '') - 0x30))
  }
  return { value, length: end - at }
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0
}
