import { ask } from './http.ts'

/** Whether a service gives any answer, whatever it says. */
export async function isReachable(url: string, timeoutMs: number): Promise<boolean> {
  try {
    await ask('the service', url, {}, timeoutMs)
    return true
  } catch {
    return false
  }
}
