/**
 * Writes `src/base/zone-table.ts` from compiled zones (TZif, RFC 9636), such as the folder `zoneinfo` of the Python package
 * `tzdata`: `node scripts/zone-table.ts FOLDER VERSION`. Run it when the IANA database changes what matters to
 * somebody, then read the diff: another table judges the same moments otherwise.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ZONE_SINCE } from '../src/base/zone-offset.ts'

const [folder = '', version = ''] = process.argv.slice(2)
if (!/^\d{4}[a-z]+$/.test(version)) throw new Error('expected a folder and a version such as 2026f')
const since = ZONE_SINCE

/** What a zone's clocks do from `since` on: offsets in seconds east of UTC, if they change, then the rule for ever after. */
function read(bytes: Buffer): string {
  if (bytes.readInt8(4) < 0x32) throw new Error('expected TZif of version 2 or later')
  const first = header(bytes, 0)
  // The first part repeats the data in 32 bits.
  const start = 44 + first.times * 5 + first.types * 6 + first.chars + first.leaps * 8 + first.marks
  const { times, types, chars, leaps, marks } = header(bytes, start)
  if (leaps > 0) throw new Error('expected zones without leap seconds')
  const atTimes = start + 44
  const atIndices = atTimes + times * 8
  const atTypes = atIndices + times
  const footer = bytes
    .subarray(atTypes + types * 6 + chars + marks)
    .toString('ascii')
    .trim()
  const offset = (type: number): number => bytes.readInt32BE(atTypes + type * 6)
  let before = offset(0)
  const changes: string[] = []
  for (let i = 0; i < times; i++) {
    const at = Number(bytes.readBigInt64BE(atTimes + i * 8))
    const next = offset(bytes.readUInt8(atIndices + i))
    if (at <= since) before = next
    else changes.push(`@${at} ${next}`)
  }
  return (changes.length === 0 ? [footer] : [String(before), ...changes, footer]).join(' / ')
}

function header(bytes: Buffer, at: number) {
  const [utc, standard, leaps, times, types, chars] = [0, 1, 2, 3, 4, 5].map((i) =>
    bytes.readUInt32BE(at + 20 + i * 4),
  ) as [number, number, number, number, number, number]
  return { leaps, times, types, chars, marks: utc + standard }
}

const groups = new Map<string, string[]>()
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
  const path = join(folder, name)
  if (!statSync(path).isFile()) continue
  const bytes = readFileSync(path)
  if (bytes.subarray(0, 4).toString('latin1') !== 'TZif') continue
  // `localtime` and `posixrules` are the machine's; `Factory` is no place.
  if (/^(localtime|posixrules|Factory)$/.test(name)) continue
  const line = read(bytes)
  groups.set(line, [...(groups.get(line) ?? []), name.replaceAll('\\', '/')])
}

function wrapped(words: readonly string[]): string {
  const lines = ['']
  for (const word of words) {
    const last = lines.at(-1) ?? ''
    if (last.length + 1 + word.length <= 98) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(` ${' '}${word}`)
  }
  return lines.join('\n').slice(1)
}

const table = [...groups]
  .map(([line, names]) => wrapped([...line.split(' '), ':', ...names]))
  .join('\n')
writeFileSync(
  join(import.meta.dirname, '../src/base/zone-table.ts'),
  `/**
 * The zones of the IANA database, version ${version}, each with its rule as a POSIX TZ string; before it, where the rule does not hold
 * since 2020, the offset of 2020 in seconds east of UTC, then the Unix second of each change and the offset from there;
 * behind it the zones that share all this. Lines that begin with a space go on. Made by \`scripts/zone-table.ts\`.
 *
 * Source: https://www.iana.org/time-zones (public domain).
 */
export const ZONE_TABLE = \`
${table}
\`
`,
)
console.log(`${groups.size} lines for ${[...groups.values()].flat().length} zones`)
