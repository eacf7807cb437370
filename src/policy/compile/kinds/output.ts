import { PolicyError } from '../../../base/errors.ts'
import type { JsonValue } from '../../../base/json-value.ts'
import { compileSchema2020 } from '../../../decide/rego/builtins/json-schema-2020.ts'
import { checkContentPath } from '../checks.ts'
import type { RuleKind } from './kind.ts'

export const output: RuleKind<'output'> = {
  name: 'output',
  check(entry, settings, report) {
    const { in: path, schema } = settings
    checkContentPath(entry, '/output/in', path, report)
    if (LIMITS.every((name) => settings[name] === undefined)) {
      const message = `expected at least one of ${LIMITS.join(', ')}`
      report.error(entry.at('/output'), 'KEY_MISSING', message)
    }
    if (schema === undefined) return
    try {
      compileSchema2020(schema as JsonValue)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      report.error(entry.at('/output/schema'), error.code, error.message)
    }
  },
  spec: (settings) => ({ if_missing: 'find', ...settings }),
}

const LIMITS = ['schema', 'bytes_max', 'items_max', 'depth_max'] as const
