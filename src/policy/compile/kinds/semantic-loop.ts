import { checkBy, checkDuration, checkPath, pathProblem, TREES } from '../checks.ts'
import { sorted } from '../sorted.ts'
import type { RuleKind } from './kind.ts'

export const semanticLoop: RuleKind<'semantic_loop'> = {
  name: 'semantic_loop',
  check(entry, { by, within, paths, embedding }, report) {
    checkBy(entry, '/semantic_loop/by', by, report)
    checkDuration(entry, '/semantic_loop/within', within, report)
    paths?.forEach((path, index) => {
      checkPath(entry, `/semantic_loop/paths/${index}`, path, report)
    })
    if (embedding === undefined) return
    if (paths !== undefined) {
      const message = 'expected one of "paths" and "embedding", found both; make two rules of it'
      report.error(entry.keyAt('/semantic_loop/embedding'), 'VALUE_INVALID', message)
    }
    const problem = pathProblem(embedding, TREES, true)
    if (problem !== null) {
      report.error(entry.at('/semantic_loop/embedding'), 'PATH_INVALID', problem)
    }
  },
  spec: ({ paths, ...settings }) => ({
    by: ['agent'],
    similarity: 0.85,
    ...settings,
    ...(paths === undefined ? {} : { paths: sorted(paths) }),
  }),
}
