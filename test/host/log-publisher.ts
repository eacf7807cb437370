/** A process that publishes a growing log until it is killed. Argument: the log's folder. */

import { publishLog, readNote } from '../../src/host/log-folder.ts'
import { parseCheckpoint } from '../../src/trust/receipt/checkpoint.ts'
import { genesis, logSigner, verdict } from '../trust/verify/log-case.ts'

const folder = process.argv[2] ?? ''
const entries = [genesis(), ...Array.from({ length: 799 }, (_, i) => verdict(`n${i}`))]
const note = readNote(folder)
let size = note === null ? 0 : parseCheckpoint(note).size
process.send?.('ready')
while (size < entries.length) {
  size = Math.min(entries.length, size + 37)
  const held = entries.slice(0, size)
  const store = {
    size: async () => held.length,
    receipts: async (from: number, limit: number) => held.slice(from, from + limit),
  }
  await publishLog({ folder, store, signer: logSigner() })
}
process.exit()
