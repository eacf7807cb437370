/**
 * CPU time of this process so far, in milliseconds. What must not blow up is bounded by it, many times over: unlike wall
 * time it does not run while others have the machine.
 */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
