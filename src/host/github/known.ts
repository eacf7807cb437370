import type { GithubAnswer } from './client.ts'

/** What was read, or why it could not be. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string }

export function unknown(why: string): { readonly known: false; readonly why: string } {
  return { known: false, why }
}

/** @param what - for people: what was asked for */
export function readAnswer<T>(
  answer: GithubAnswer,
  what: string,
  read: (value: unknown) => T,
): Known<T> {
  if (answer.done) return { known: true, value: read(answer.value) }
  return unknown(`${what}: ${answer.status} ${answer.message}`.trim())
}
