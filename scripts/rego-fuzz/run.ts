/**
 * `npm run eval:fuzz [-- --policies N] [-- --inputs N] [-- --seed TEXT] [-- --format json] [-- --write]`: generated
 * policies and inputs, evaluated by us and by OPA. `--write` writes the reference page. Exits with 1 when something
 * differs without an explanation that was checked.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { PAGE, pageText, reportText } from './page.ts'

const { values: options } = parseArgs({
  options: {
    policies: { type: 'string', default: '500' },
    inputs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: 'countersign' },
    format: { type: 'string', default: 'text' },
    write: { type: 'boolean', default: false },
  },
})
const report = await fuzz(
  { policies: Number(options.policies), inputs: Number(options.inputs), seed: options.seed },
  (text) => process.stderr.write(`${text}\n`),
)
if (options.write) writeFileSync(PAGE, pageText(report))
console.log(options.format === 'json' ? JSON.stringify(report, null, 2) : reportText(report))
process.exitCode = report.unexplained.length > 0 ? 1 : 0
