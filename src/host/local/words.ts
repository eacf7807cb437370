import { plainLine } from '../forge/plain.ts'

/** What an action asks for, on one line. */
export function toolOf(request: object): string {
  const [service, action, agent] = ['service', 'action', 'agent'].map((key) => field(request, key))
  return `${service}.${action} for ${agent}`
}

export function field(object: object, key: string): string {
  const value: unknown = Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined
  return typeof value === 'string' ? plainLine(value, 100) : 'unknown'
}
