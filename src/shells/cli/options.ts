import { isAbsolute, relative, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { PolicySource } from '../../app/policy/compile-policy.ts'
import { PolicyError } from '../../base/errors.ts'
import type { Io } from './io.ts'

export type PolicyFlags = { readonly policy?: string; readonly bundle?: string }

/** Adds `--policy DIR`. */
export function withPolicy(command: Command): Command {
  return command.addOption(new Option('--policy <dir>', 'the policy repository (default: .)'))
}

/** Adds `--policy DIR` and `--bundle FILE`. */
export function withPolicyOrBundle(command: Command): Command {
  return withPolicy(command).addOption(
    new Option('--bundle <file>', 'a compiled bundle, instead of a policy repository').conflicts(
      'policy',
    ),
  )
}

/** Adds `--data DIR`. */
export function withData(command: Command): Command {
  return command.addOption(
    new Option('--data <dir>', "the engine's folder: state, receipts, local forge").default(
      '.countersign',
    ),
  )
}

/** Adds `--format`, the first format being the default. */
export function withFormat(command: Command, formats: readonly string[]): Command {
  return command.addOption(
    new Option('--format <format>', 'how to print the result')
      .choices([...formats])
      .default(formats[0]),
  )
}

/** Where the flags say that the policy is. */
export function policySource(io: Io, { policy, bundle }: PolicyFlags): PolicySource {
  if (bundle !== undefined) return { bundle: resolve(io.cwd, bundle) }
  return { folder: resolve(io.cwd, policy ?? '.') }
}

/** Adds examples to a command's help: what to type, and what it does. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [string, string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, about]) => `  $ ${line.padEnd(width)}  ${about}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}\n`)
}

/** @throws {PolicyError} USAGE_INVALID */
export function usage(message: string): PolicyError {
  return new PolicyError('USAGE_INVALID', message)
}

/** The policy repository that the flags name, absolute. */
export function policyFolder(io: Io, { policy }: { readonly policy?: string }): string {
  return resolve(io.cwd, policy ?? '.')
}

/** The folder as seen from the working directory, with forward slashes; empty when it is that, or lies elsewhere. */
export function folderBelow(io: Io, folder: string): string {
  const path = relative(io.cwd, folder).replaceAll('\\', '/')
  return path.startsWith('..') || isAbsolute(path) ? '' : path
}
