import { resolve } from 'node:path'
import { closeParts, openAsOwner } from '../../app/engine/open-engine.ts'
import type { Parts } from '../../app/engine/parts.ts'
import { type PolicyFlags, policySource } from './options.ts'
import type { Cli } from './output.ts'

export type EngineFlags = PolicyFlags & {
  readonly data: string
  readonly role?: string
  readonly withSecrets?: boolean
  /** Set by commands that people review with. */
  readonly reviews?: true
}

/** Opens the engine that the flags name, runs the command on it, and closes it whatever happens. */
export async function withEngine<T>(
  cli: Cli,
  flags: EngineFlags,
  work: (parts: Parts) => Promise<T>,
): Promise<T> {
  const source = policySource(cli.io, flags)
  const parts = await openAsOwner(
    {
      ...('bundle' in source ? { bundle: source.bundle } : { policy: source.folder }),
      store: resolve(cli.io.cwd, flags.data),
      ...(flags.withSecrets === true ? { secrets: 'follow' as const } : {}),
      ...(flags.reviews === true ? { opensPulls: false } : {}),
    },
    flags.role,
  )
  try {
    return await work(parts)
  } finally {
    await closeParts(parts)
  }
}

/** All of standard input as text. */
export async function readInput(cli: Cli): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  for await (const chunk of cli.io.stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
