// Runs in a process of its own: steps as JSON on stdin, canonical verdicts on stdout.
import { text } from 'node:stream/consumers'
import type { Step } from './evaluate-run.ts'
import { evaluateAll } from './evaluate-run.ts'

const runs = JSON.parse(await text(process.stdin)) as Step[][]
process.stdout.write(JSON.stringify(runs.map((steps) => evaluateAll(steps, { roundTrip: false }))))
