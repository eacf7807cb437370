/** What an action asks for, on one line. */
export function toolOf(request: object): string {
  const [service, action, agent] = ['service', 'action', 'agent'].map((key) => field(request, key))
  return `${service}.${action} for ${agent}`
}

export function field(object: object, key: string): string {
  const value: unknown = Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined
  return typeof value === 'string' ? plain(value, 100) : 'unknown'
}

/** One line: an agent chooses some of these words, and a line of its own could pass for one of ours. */
export function plain(text: string, lengthMax: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > lengthMax ? `${line.slice(0, lengthMax).toWellFormed()}…` : line
}
