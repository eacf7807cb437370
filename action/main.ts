import './node-version.ts'
import './prepare.ts'
import { runGate } from './run.ts'

process.exitCode = await runGate(process.env)
// What a forge keeps open must not keep the job.
process.exit()
