import { compileGlob } from '../../base/glob.ts'
import type { SecretProvider } from '../../model/ports.ts'
import { checkValue, missing } from './value.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Secrets from variables, and from those alone whose names the policy lists. */
export function openEnvironment(
  names: readonly string[],
  environment: Environment,
): SecretProvider {
  const listed = names.map(compileGlob)
  return {
    read: async (name) => {
      const reference = `secret://env/${name}`
      if (!listed.some((matches) => matches(name))) {
        throw missing(reference, 'countersign.yaml lets nobody read this variable')
      }
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      if (value === undefined) throw missing(reference, 'no such variable is set')
      return checkValue(reference, value)
    },
  }
}
