import type { Value } from '../values/value.ts'
import type { BuiltinFamily, Call } from './builtin.ts'
import { BuiltinError, mismatch, stringOperand } from './builtin.ts'
import { compactJson } from './json-text.ts'
import { YamlFault } from './yaml-text-cursor.ts'
import { decodeYaml } from './yaml-text-decode.ts'
import { parseYaml } from './yaml-text-parse.ts'
import { writeYaml } from './yaml-text-write.ts'

/**
 * YAML as OPA has it: the syntax of YAML 1.1 as go-yaml v3 reads it, with the booleans of YAML 1.2. Of several documents
 * the first counts, but all must be well-formed.
 */
export const YAML_TEXT: BuiltinFamily = {
  'yaml.marshal': (call, value) =>
    value === undefined ? mismatch(value, 1, 'null') : marshal(call, value),
  'yaml.unmarshal': (call, text) => unmarshal(call, stringOperand(text, 1)),
  'yaml.is_valid': (call, text) => typeof text === 'string' && isYaml(call, text),
}

/** Units of work per character that taking YAML apart costs at most. */
const READ_WORK = 8

/** OPA takes its own JSON for YAML on the way, which loses some characters and long keys. */
function marshal(call: Call, value: Value): string {
  return writeYaml(call, unmarshal(call, compactJson(call, value)))
}

function unmarshal(call: Call, text: string): Value {
  try {
    return read(call, text)
  } catch (cause) {
    if (!(cause instanceof YamlFault)) throw cause
    const message = `operand 1 is no YAML: ${cause.message}`
    throw new BuiltinError(message, 'eval_builtin_error', { cause })
  }
}

function isYaml(call: Call, text: string): boolean {
  try {
    read(call, text)
    return true
  } catch (error) {
    if (error instanceof YamlFault) return false
    throw error
  }
}

function read(call: Call, text: string): Value {
  call.work(READ_WORK * text.length)
  call.output(text.length)
  const [document] = parseYaml(text)
  return document === undefined ? null : decodeYaml(call, document)
}
