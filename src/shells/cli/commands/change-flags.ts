import type { Command } from 'commander'
import { submoduleOnWay } from '../../../app/changes/check-out.ts'
import type { ChangeQuery } from '../../../app/changes/judge-change.ts'
import { policyFolder, usage, withPolicy } from '../options.ts'
import type { Cli } from '../output.ts'

/** How a change of the policy is named. */
export type ChangeFlags = {
  readonly policy?: string
  readonly base: string
  readonly head: string
  readonly pull?: string
}

/** Adds `--base`, `--head`, `--policy`. */
export function withChange(command: Command): Command {
  return withPolicy(command)
    .requiredOption('--base <revision>', 'the base branch, as it is now: origin/main')
    .requiredOption('--head <revision>', 'the head of the change')
}

/** @param pull - as it was typed; without a forge it need not be given */
export function changeQuery(cli: Cli, flags: ChangeFlags, pull = flags.pull ?? '1'): ChangeQuery {
  if (!/^[1-9]\d{0,8}$/.test(pull))
    throw usage(`expected the number of a pull request, found ${pull}`)
  const folder = policyFolder(cli.io, flags)
  refuseSubmodules(cli.io.cwd, folder)
  return {
    folder,
    base: flags.base,
    head: flags.head,
    pull: Number(pull),
    clock: Date.now,
    environment: cli.io.env,
  }
}

/** A submodule brings branches of its own. */
function refuseSubmodules(cwd: string, folder: string): void {
  const found = submoduleOnWay(cwd, folder)
  if (found === null) return
  throw usage(`${found} is a repository of its own within another; run the command there`)
}

/** Pull requests of a merge queue, in order; null when its commits are to name them. @throws {PolicyError} USAGE_INVALID */
export function pullsOf(numbers: string | true): readonly number[] | null {
  if (numbers === true) return null
  if (/^[1-9]\d{0,8}(?:,[1-9]\d{0,8}){0,99}$/.test(numbers)) return numbers.split(',').map(Number)
  throw usage(`expected --merge-group to name pull requests such as 12,13, found ${numbers}`)
}
