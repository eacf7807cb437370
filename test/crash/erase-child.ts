import { eraseInputs } from '../../src/app/receipts/erase.ts'

// Erases a principal in the folder that it is given, and says when it begins.

const [data = '', principal = ''] = process.argv.slice(2)
process.stdout.write('begin\n')
await eraseInputs({
  ...{ data, who: { principal }, reason: 'asked for it', dryRun: false, now: Date.now() },
})
process.stdout.write('done\n')
