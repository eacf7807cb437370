import { BuiltinError } from '../builtin.ts'

/** Runs what may refuse its operand, and says in front of the refusal what was refused. */
export function explained<T>(message: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (!(cause instanceof BuiltinError)) throw cause
    throw new BuiltinError(`${message}: ${cause.message}`, cause.code, { cause })
  }
}
