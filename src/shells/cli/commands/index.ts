import type { Command } from 'commander'
import type { Cli } from '../output.ts'
import { registerBaseline } from './baseline.ts'
import { registerBench } from './bench.ts'
import { registerBuild } from './build.ts'
import { registerChanges } from './changes.ts'
import { registerCheck } from './check.ts'
import { registerCompletion } from './completion.ts'
import { registerDecide } from './decide.ts'
import { registerDeliveries } from './deliveries.ts'
import { registerDemo } from './demo.ts'
import { registerDiff } from './diff.ts'
import { registerDoctor } from './doctor.ts'
import { registerEval } from './eval.ts'
import { registerExplain } from './explain.ts'
import { registerFmt } from './fmt.ts'
import { registerGate } from './gate.ts'
import { registerInit } from './init.ts'
import { registerInspect } from './inspect.ts'
import { registerKeys } from './keys.ts'
import { registerLog } from './log.ts'
import { registerProofs } from './proofs.ts'
import { registerReceipts } from './receipts.ts'
import { registerReplay } from './replay.ts'
import { registerRequests } from './requests.ts'
import { registerRollback } from './rollback.ts'
import { registerTest } from './test.ts'

/** Adds a command to the program. */
export type Register = (program: Command, cli: Cli) => void

/** Every command, in the order in which help lists them: that of a policy's life. */
export const COMMANDS: readonly Register[] = [
  registerInit,
  registerCheck,
  registerFmt,
  registerTest,
  registerBuild,
  registerInspect,
  registerReplay,
  registerDiff,
  registerChanges,
  registerGate,
  registerBaseline,
  registerBench,
  registerDecide,
  registerExplain,
  registerEval,
  registerRequests,
  registerRollback,
  registerReceipts,
  registerProofs,
  registerDeliveries,
  registerLog,
  registerKeys,
  registerDemo,
  registerDoctor,
  registerCompletion,
]
