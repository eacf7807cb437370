import type { Diagnostic } from '../../base/position.ts'
import type { RegoCompiler } from '../../model/ports.ts'
import { regoComments } from './rego-comments.ts'

type Files = ReadonlyMap<string, string>

/**
 * Rego files as `opa fmt` lays them out, without a byte order mark, with `\n` line ends. A file of which a comment would
 * be lost, or whose layout does not settle, keeps its own.
 *
 * @returns the diagnostics instead, when a file does not parse
 * @throws {PolicyError} REGO_COMPILER_FAILED
 */
export async function formatRego(
  files: Files,
  compiler: Pick<RegoCompiler, 'format'>,
): Promise<{ readonly files: Files } | { readonly diagnostics: readonly Diagnostic[] }> {
  const sources = new Map([...files].map(([file, text]) => [file, normalize(text)] as const))
  const formatted = new Map<string, string>()
  let open: Files = sources
  for (let round = 0; round < ROUNDS_MAX && open.size > 0; round++) {
    const result = await compiler.format(Object.fromEntries(open))
    if ('diagnostics' in result) {
      if (round === 0) return result
      // What was laid out no longer parses: its author's layout stays.
      break
    }
    const next = new Map<string, string>()
    for (const [file, before] of open) {
      const after = result.files[file] ?? before
      if (after === before) formatted.set(file, after)
      else next.set(file, after)
    }
    open = next
  }
  return {
    files: new Map([...sources].map(([file, text]) => [file, safe(text, formatted.get(file))])),
  }
}

/** One to lay out, one to see that it stays, and two for comments to settle. */
const ROUNDS_MAX = 4

/** As the policy's sources are read. */
function normalize(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
}

function safe(before: string, after: string | undefined): string {
  return after !== undefined && commentsOf(before) === commentsOf(after) ? after : before
}

/** In any order: imports are sorted, with what is said of them. */
function commentsOf(text: string): string {
  return regoComments(text)
    .map((comment) => comment.text)
    .sort()
    .join('\n')
}
