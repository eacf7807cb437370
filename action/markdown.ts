import { visible } from '../src/report/paint.ts'

/** Text as a block that it cannot end: the fence is longer than any run of backticks inside. */
export function fenced(text: string): string {
  const shown = visible(text).trimEnd()
  const runs = [...shown.matchAll(/`+/g)].map(([run]) => run.length)
  const fence = '`'.repeat(Math.max(2, ...runs) + 1)
  return `${fence}text\n${shown}\n${fence}`
}
