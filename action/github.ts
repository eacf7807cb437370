import { PolicyError } from '../src/base/errors.ts'
import { openGithubChanges } from '../src/host/changes/github.ts'
import { type ActionsApi, openActionsApi, type Posted } from '../src/host/github/actions-api.ts'
import { GITHUB_API_URL, readGithubCredentials } from '../src/host/github/credentials.ts'

export type PullNamed = {
  readonly number: number
  readonly baseRef: string
  readonly headSha: string
}

export type GithubPulls = {
  one(number: number): Promise<PullNamed>
  /** Those that are open into the branch that the job runs for. */
  open(): Promise<readonly PullNamed[]>
}

/** The repository that the workflow runs for: where verdicts are shown. */
export type Github = {
  readonly pulls: GithubPulls
} & Pick<ActionsApi, 'stickyComment' | 'checkRun'>

/** Opens it; nothing is asked yet. @param environment - with the job's token as `GITHUB_TOKEN` */
export function openGithub(environment: NodeJS.ProcessEnv): Github {
  const apiUrl = environment['GITHUB_API_URL'] ?? GITHUB_API_URL
  const repository = environment['GITHUB_REPOSITORY'] ?? ''
  const token = environment['GITHUB_TOKEN'] ?? ''
  const credentials = () => readGithubCredentials(environment, apiUrl)
  let opened: ActionsApi | null = null
  const api = (): ActionsApi => {
    opened ??= openActionsApi({ apiUrl, repository, token })
    return opened
  }
  const unlessTokenless = async (post: () => Promise<Posted>): Promise<Posted> =>
    token === '' ? { posted: false, why: 'the job gives no token' } : post()
  return {
    pulls: {
      one: async (number) => openGithubChanges({ repository, apiUrl, credentials }).change(number),
      open: async () => api().openPulls(branchOf(environment)),
    },
    stickyComment: (comment) => unlessTokenless(() => api().stickyComment(comment)),
    checkRun: (run) => unlessTokenless(() => api().checkRun(run)),
  }
}

function branchOf({ GITHUB_REF: ref = '' }: NodeJS.ProcessEnv): string {
  const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1]
  if (name !== undefined) return name
  throw new PolicyError('USAGE_INVALID', `expected GITHUB_REF to name a branch, found '${ref}'`)
}
