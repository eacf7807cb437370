import { fromUtf8 } from '../../base/digest.ts'
import { WORKFLOWS_MAX } from '../../base/limits.ts'
import { textAt, valueAt } from '../forge/answer.ts'
import type { GithubClient } from './client.ts'
import { type Known, unknown } from './known.ts'

/** The text of a file on a branch; null when there is none. */
export async function readText(
  client: GithubClient,
  branch: string,
  path: string,
): Promise<Known<string | null>> {
  const asking = { path, ref: branch }
  const answer = await client.ask('GET /contents/{path}', asking, [403, 404])
  if (!answer.done) {
    if (answer.status === 404) return { known: true, value: null }
    return unknown(`${path}: ${answer.status} ${answer.message}`)
  }
  const { value } = answer
  // Of a large file GitHub gives no content, and of a folder a list.
  if (Array.isArray(value) || valueAt(value, ['encoding']) !== 'base64') {
    return unknown(`${path}: it is too large, or no file`)
  }
  try {
    return { known: true, value: fromUtf8(Buffer.from(textAt(value, 'content'), 'base64')) }
  } catch {
    return unknown(`${path}: it is no UTF-8`)
  }
}

/** The YAML files right below a folder of a branch; none when it is missing. */
export async function readFolder(
  client: GithubClient,
  branch: string,
  folder: string,
): Promise<Known<readonly { readonly path: string; readonly text: string }[]>> {
  const asking = { path: folder, ref: branch }
  const answer = await client.ask('GET /contents/{path}', asking, [403, 404])
  if (!answer.done) {
    if (answer.status === 404) return { known: true, value: [] }
    return unknown(`${folder}: ${answer.status} ${answer.message}`)
  }
  if (!Array.isArray(answer.value)) return unknown(`${folder}: it is no folder`)
  const paths = answer.value
    .filter((entry) => textAt(entry, 'type') !== 'dir')
    .map((entry) => textAt(entry, 'path'))
    .filter((path) => /\.ya?ml$/i.test(path))
  if (paths.length > WORKFLOWS_MAX) return unknown(`${folder}: more than ${WORKFLOWS_MAX} files`)
  const files: { path: string; text: string }[] = []
  for (const path of paths) {
    const text = await readText(client, branch, path)
    if (!text.known) return text
    if (text.value !== null) files.push({ path, text: text.value })
  }
  return { known: true, value: files }
}
