/**
 * Extracts the operations that the GitHub forge uses from GitHub's OpenAPI description, with the schemas that they refer
 * to, for the fake that tests it:
 *
 *     npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
 *     node scripts/github-openapi.ts package && npm run format
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OPERATIONS: readonly (readonly [method: string, path: string])[] = [
  ['get', '/repos/{owner}/{repo}'],
  ['get', '/repos/{owner}/{repo}/git/ref/{ref}'],
  ['post', '/repos/{owner}/{repo}/git/refs'],
  ['patch', '/repos/{owner}/{repo}/git/refs/{ref}'],
  ['delete', '/repos/{owner}/{repo}/git/refs/{ref}'],
  ['get', '/repos/{owner}/{repo}/git/commits/{commit_sha}'],
  ['post', '/repos/{owner}/{repo}/git/commits'],
  ['post', '/repos/{owner}/{repo}/git/trees'],
  ['get', '/repos/{owner}/{repo}/git/blobs/{file_sha}'],
  ['get', '/repos/{owner}/{repo}/commits/{ref}/status'],
  ['get', '/repos/{owner}/{repo}/commits/{ref}'],
  ['post', '/repos/{owner}/{repo}/statuses/{sha}'],
  ['get', '/repos/{owner}/{repo}/compare/{basehead}'],
  ['get', '/repos/{owner}/{repo}/contents/{path}'],
  ['get', '/repos/{owner}/{repo}/pulls'],
  ['post', '/repos/{owner}/{repo}/pulls'],
  ['get', '/repos/{owner}/{repo}/pulls/{pull_number}'],
  ['patch', '/repos/{owner}/{repo}/pulls/{pull_number}'],
  ['put', '/repos/{owner}/{repo}/pulls/{pull_number}/merge'],
  ['get', '/repos/{owner}/{repo}/pulls/{pull_number}/reviews'],
  ['post', '/repos/{owner}/{repo}/pulls/{pull_number}/reviews'],
  ['post', '/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers'],
  ['post', '/repos/{owner}/{repo}/issues/{issue_number}/labels'],
  ['get', '/repos/{owner}/{repo}/issues/{issue_number}/comments'],
  ['post', '/repos/{owner}/{repo}/issues/{issue_number}/comments'],
  ['patch', '/repos/{owner}/{repo}/issues/comments/{comment_id}'],
  ['post', '/repos/{owner}/{repo}/check-runs'],
  ['patch', '/repos/{owner}/{repo}/check-runs/{check_run_id}'],
  ['get', '/repos/{owner}/{repo}/commits/{ref}/check-runs'],
  // What keeps a policy repository: `doctor --github`. The ruleset that `init --github` writes is held against `post`.
  ['get', '/repos/{owner}/{repo}/branches/{branch}'],
  ['get', '/repos/{owner}/{repo}/branches/{branch}/protection'],
  ['get', '/repos/{owner}/{repo}/rules/branches/{branch}'],
  ['get', '/repos/{owner}/{repo}/rulesets/{ruleset_id}'],
  ['post', '/repos/{owner}/{repo}/rulesets'],
  ['get', '/repos/{owner}/{repo}/codeowners/errors'],
  ['get', '/repos/{owner}/{repo}/actions/permissions'],
  ['get', '/repos/{owner}/{repo}/actions/permissions/workflow'],
  ['get', '/user'],
  ['get', '/user/{account_id}'],
  ['get', '/users/{username}'],
  ['get', '/app'],
  ['post', '/app/installations/{installation_id}/access_tokens'],
]

/** What says nothing of which documents fit. */
const PROSE = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'tags'])

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('expected the folder of the unpacked @octokit/openapi')
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const whole = JSON.parse(readFileSync(join(folder, 'generated/api.github.com.json'), 'utf8'))

const components: Record<string, Record<string, Json>> = {}
const paths: Record<string, Record<string, Json>> = {}
for (const [method, path] of OPERATIONS) {
  const operation = whole.paths[path]?.[method]
  if (operation === undefined) throw new Error(`no operation ${method} ${path}`)
  const { operationId, parameters = [], requestBody, responses } = operation
  const kept = { operationId, parameters, ...(requestBody && { requestBody }), responses }
  paths[path] = { ...paths[path], [method]: slim(kept, 'operation') }
}

const subset = {
  openapi: whole.openapi,
  info: {
    title: "A subset of GitHub's OpenAPI description, without its prose",
    version: whole.info.version,
    license: whole.info.license,
    'x-source': `npm package @octokit/openapi ${version}, generated/api.github.com.json`,
    'x-copyright': readFileSync(join(folder, 'LICENSE'), 'utf8').trim(),
  },
  paths,
  components: sorted(components),
}
const target = join(import.meta.dirname, '../test/support/fake-github/openapi.json')
writeFileSync(target, `${JSON.stringify(subset)}\n`)

/** Copies without prose and examples, and takes along what is referred to. */
function slim(value: Json, parent: string): Json {
  if (Array.isArray(value)) return value.map((item) => slim(item, ''))
  if (typeof value !== 'object' || value === null) return value
  if (typeof value.$ref === 'string') {
    take(value.$ref)
    return { $ref: value.$ref }
  }
  const entries = Object.entries(value).filter(
    // Below `properties` these are names of fields.
    ([key]) => parent === 'properties' || !(PROSE.has(key) || key.startsWith('x-')),
  )
  return Object.fromEntries(entries.map(([key, item]) => [key, slim(item, key)]))
}

function take(reference: string): void {
  const [, , kind = '', name = ''] = reference.split('/')
  const group = components[kind] ?? {}
  components[kind] = group
  if (Object.hasOwn(group, name)) return
  group[name] = null // Schemas may refer to themselves.
  group[name] = slim(whole.components[kind][name], '')
}

function sorted(groups: Record<string, Record<string, Json>>): Json {
  const byName = (object: Record<string, Json>): Record<string, Json> =>
    Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
  return byName(
    Object.fromEntries(Object.entries(groups).map(([kind, group]) => [kind, byName(group)])),
  )
}
