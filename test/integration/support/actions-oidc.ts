import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT } from 'jose'

/** What a job is, as its token says it. */
export type Workflow = {
  /** `owner/name`. */
  readonly repository: string
  /** `.github/workflows/deploy.yml`. */
  readonly file: string
  /** `refs/heads/main`. */
  readonly ref: string
  readonly sha: string
  readonly event: string
}

export type ActionsOidc = Awaited<ReturnType<typeof startActionsOidc>>

/**
 * GitHub's issuer of tokens for jobs: its discovery and keys, and the address that a job with the permission
 * `id-token: write` asks, with a token of its own for that alone.
 * https://docs.github.com/en/actions/reference/security/oidc
 */
export async function startActionsOidc() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const jobs = new Map<string, Workflow>()
  /** Tokens that were given out. */
  const issued: string[] = []
  let issuer = ''
  const sign = (job: Workflow, audience: string): Promise<string> =>
    new SignJWT(claimsOf(job))
      .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(`repo:${job.repository}:ref:${job.ref}`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (url.pathname === '/.well-known/openid-configuration') {
      const signing = { id_token_signing_alg_values_supported: ['RS256'] }
      const supported = {
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
      }
      return answer(200, { issuer, jwks_uri: `${issuer}/jwks`, ...supported, ...signing })
    }
    if (url.pathname === '/jwks') return answer(200, { keys: [jwk] })
    const bearer = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const job = jobs.get(bearer ?? '')
    if (url.pathname !== '/idtoken' || job === undefined) return answer(401, { message: 'no' })
    // A trap: what is in the address must stay there.
    if (url.searchParams.get('api-version') !== '2.0') return answer(400, { message: 'version' })
    const value = await sign(job, url.searchParams.get('audience') ?? `https://github.com/acme`)
    issued.push(value)
    answer(200, { count: value.length, value })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    issued,
    /** What the runner puts into the environment of a job with the permission. */
    permit: (job: Workflow): Readonly<Record<string, string>> => {
      const token = `request-${randomUUID()}`
      jobs.set(token, job)
      return {
        ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer}/idtoken?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
      }
    },
    /** Whom Fulcio certifies a job as. */
    subjectOf: ({ repository, file, ref }: Workflow): string =>
      `https://github.com/${repository}/${file}@${ref}`,
    close: (): void => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function claimsOf({ repository, file, ref, sha, event }: Workflow): Record<string, string> {
  const [owner = ''] = repository.split('/')
  const workflow = `${repository}/${file}@${ref}`
  return {
    ...{ actor: 'pat', actor_id: '100004', event_name: event, ref, ref_type: 'branch', sha },
    ...{ repository, repository_id: '987654321', repository_visibility: 'private' },
    ...{ repository_owner: owner, repository_owner_id: '1', runner_environment: 'self-hosted' },
    ...{ workflow: 'Deploy', workflow_ref: workflow, workflow_sha: sha },
    ...{ job_workflow_ref: workflow, job_workflow_sha: sha, run_id: '1', run_number: '1' },
    ...{ run_attempt: '1', base_ref: '', head_ref: '' },
  }
}
