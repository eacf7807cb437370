import type { BuiltinFamily } from './builtin.ts'
import { objectOperand, stringOperand } from './builtin.ts'
import { parseTemplate } from './template-parse.ts'
import { runTemplate } from './template-run.ts'

/** https://www.openpolicyagent.org/docs/policy-reference/builtins/strings#builtin-strings-stringsrender_template */
export const TEMPLATE: BuiltinFamily = {
  'strings.render_template'(call, template, variables) {
    const text = stringOperand(template, 1)
    const values = objectOperand(variables, 2)
    call.work(8 * text.length)
    // What Go prints for a key that is not there, wherever it comes from.
    return runTemplate(call, parseTemplate(text), values).replaceAll('<no value>', '<undefined>')
  },
}
