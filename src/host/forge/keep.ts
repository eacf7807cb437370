/** Keeps a value in a map of at most so many: the one that was kept first goes. */
export function keep<T>(map: Map<string, T>, max: number, key: string, value: T): void {
  if (map.size >= max) map.delete(map.keys().next().value ?? '')
  map.set(key, value)
}

/** Keeps the first value that is read; an error is not kept. */
export function once<T>(read: () => Promise<T>): () => Promise<T> {
  let known: T | undefined
  return async () => {
    known ??= await read()
    return known
  }
}
