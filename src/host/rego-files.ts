import { readdir, readFile, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'
import { fromUtf8 } from '../base/digest.ts'
import { PolicyError } from '../base/errors.ts'
import { POLICY_BYTES_MAX, POLICY_FILES_MAX } from '../base/limits.ts'
import { compareText } from '../base/position.ts'
import { BuiltinError } from '../decide/rego/builtins/builtin.ts'
import { YamlFault } from '../decide/rego/builtins/yaml-text-cursor.ts'
import { decodeYaml } from '../decide/rego/builtins/yaml-text-decode.ts'
import { parseYaml } from '../decide/rego/builtins/yaml-text-parse.ts'
import { Evaluation, EvaluationError } from '../decide/rego/engine/evaluation.ts'
import { parseValue } from '../decide/rego/values/json.ts'
import type { AnyObject, RegoObject, Value } from '../decide/rego/values/value.ts'
import { copyObject, isObject, objectKeys, objectOf } from '../decide/rego/values/value.ts'

/** Rego modules by path, and the documents beside them as one object. */
export type RegoSources = {
  readonly files: Readonly<Record<string, string>>
  readonly data: Value
}

/**
 * Reads what `opa eval --data` reads: files, and folders with all that is below them. `.rego` files are modules; `.json`,
 * `.yaml` and `.yml` files are documents, which stand below `data` at the path of their folder, and are put together.
 * Hidden files and `node_modules` are passed over, unless they are asked for.
 *
 * @param paths - absolute
 * @param cwd - absolute; modules are named as seen from there
 * @throws {PolicyError} FILE_UNREADABLE, also for a file of another kind; DOCUMENT_TOO_LARGE; DOCUMENT_INVALID where two
 *   documents give one name two values, or one that is to stand at the top is no object; the codes of parseDocument
 */
export async function readRegoSources(paths: readonly string[], cwd: string): Promise<RegoSources> {
  const walk: Walk = { cwd, found: [] }
  for (const path of paths) await list(walk, path, path)
  const files: Record<string, string> = {}
  let data: RegoObject = objectOf([])
  let bytes = 0
  for (const { path, folder } of walk.found.sort((a, b) => compareText(a.path, b.path))) {
    const name = nameOf(path, cwd)
    const text = await readText(path, name)
    bytes += text.length
    if (bytes > POLICY_BYTES_MAX) {
      const message = `expected at most ${POLICY_BYTES_MAX} bytes in all files`
      throw new PolicyError('DOCUMENT_TOO_LARGE', message, { file: name })
    }
    if (path.endsWith('.rego')) files[name] = text
    else data = addDocument(data, folder, parseDocument(text, name), name)
  }
  return { files, data }
}

/**
 * Reads a document, as YAML where the file's name says so, else as JSON, with every digit of a number. YAML is read as
 * OPA reads it: fractions are doubles, and of several documents in a file the first counts.
 *
 * @param file - for errors
 * @throws {PolicyError} JSON_MALFORMED, YAML_MALFORMED, VALUE_NOT_JSON, REGO_NUMBER_TOO_LONG, ACTION_TOO_DEEP, with the
 *   file
 */
export function parseDocument(text: string, file: string): Value {
  try {
    return /\.ya?ml$/.test(file) ? parseYamlDocument(text) : parseValue(text)
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw new PolicyError(cause.code, cause.message, { cause, file })
  }
}

type Walk = { readonly cwd: string; readonly found: Found[] }

type Found = {
  readonly path: string
  /** Names of the folders between the one that was asked for and the file. */
  readonly folder: readonly string[]
}

const READ = /\.(?:rego|json|ya?ml)$/

async function list(walk: Walk, root: string, path: string): Promise<void> {
  const { isFolder, names } = await lookAt(walk, path)
  if (!isFolder) {
    if (!READ.test(path)) {
      if (path !== root) return
      const message = 'expected a folder, or a file that ends in .rego, .json, .yaml or .yml'
      throw new PolicyError('FILE_UNREADABLE', message, { file: nameOf(path, walk.cwd) })
    }
    if (walk.found.length >= POLICY_FILES_MAX) {
      throw new PolicyError('DOCUMENT_TOO_LARGE', `expected at most ${POLICY_FILES_MAX} files`)
    }
    walk.found.push({ path, folder: relative(root, path).split(sep).slice(0, -1) })
    return
  }
  for (const name of names) {
    if (!name.startsWith('.') && name !== 'node_modules') await list(walk, root, join(path, name))
  }
}

async function lookAt(
  { cwd }: Walk,
  path: string,
): Promise<{ readonly isFolder: boolean; readonly names: readonly string[] }> {
  try {
    const isFolder = (await stat(path)).isDirectory()
    return { isFolder, names: isFolder ? (await readdir(path)).sort() : [] }
  } catch (cause) {
    throw unreadable(nameOf(path, cwd), cause)
  }
}

async function readText(path: string, name: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw unreadable(name, cause)
  }
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new PolicyError('FILE_UNREADABLE', 'expected UTF-8 text', { cause, file: name })
  }
}

/** As seen from the working directory, with forward slashes; as it is where it lies elsewhere. */
function nameOf(path: string, cwd: string): string {
  const name = relative(cwd, path)
  return (name === '' || name.startsWith('..') || isAbsolute(name) ? path : name)
    .split(sep)
    .join('/')
}

/** What one document may cost: aliases repeat what they stand for. */
const YAML_BUDGET = { steps: 200_000_000, outputBytes: 512 * 1024 * 1024 }

function parseYamlDocument(text: string): Value {
  try {
    const [document] = parseYaml(text)
    const call = new Evaluation(YAML_BUDGET, new Map(), 0)
    return document === undefined ? null : decodeYaml(call, document)
  } catch (cause) {
    if (cause instanceof YamlFault) {
      throw new PolicyError('YAML_MALFORMED', cause.message, { cause })
    }
    if (!(cause instanceof EvaluationError || cause instanceof BuiltinError)) throw cause
    throw new PolicyError('DOCUMENT_TOO_LARGE', 'the document has too many values', { cause })
  }
}

function addDocument(
  data: RegoObject,
  folder: readonly string[],
  document: Value,
  file: string,
): RegoObject {
  const placed = folder.reduceRight<Value>((below, name) => objectOf([[name, below]]), document)
  if (!isObject(placed)) {
    throw new PolicyError('DOCUMENT_INVALID', 'expected an object below data', { file })
  }
  return joinObjects(data, placed, [], file)
}

function joinObjects(
  a: AnyObject,
  b: AnyObject,
  path: readonly string[],
  file: string,
): RegoObject {
  const joined = copyObject(a)
  const added = copyObject(b)
  for (const key of objectKeys(b)) {
    const [left, right] = [joined.get(key), added.get(key) as Value]
    const at = [...path, String(key)]
    if (left === undefined) joined.set(key, right)
    else if (isObject(left) && isObject(right)) joined.set(key, joinObjects(left, right, at, file))
    else {
      const message = `data.${at.join('.')} is given twice; another file has it too`
      throw new PolicyError('DOCUMENT_INVALID', message, { file })
    }
  }
  return joined
}

function unreadable(name: string, cause: unknown): PolicyError {
  const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
  const message = isMissing ? 'there is no such file or folder' : 'it cannot be read'
  return new PolicyError('FILE_UNREADABLE', message, { cause, file: name })
}
