import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { PolicyError } from '../../src/base/errors.ts'
import { openLocalForge } from '../../src/host/forge-local.ts'
import type { Forge } from '../../src/model/ports.ts'
import { temporaryFolder } from '../app/support.ts'
import { testApprovals } from '../contract/approvals.ts'

testApprovals('approvals on the local forge', async () => {
  const folder = join(temporaryFolder(), 'forge.git')
  let away = false
  const open = (): Forge => {
    const forge = openLocalForge({ folder, base: 'main', now: Date.now })
    return new Proxy(forge, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function' || name === 'where') return value
        return (...given: unknown[]) => {
          if (!away) return Reflect.apply(value, target, given)
          return Promise.reject(new PolicyError('FORGE_UNREACHABLE', 'away', { retryable: true }))
        }
      },
    })
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', folder, ...args], { encoding: 'utf8' })
  return {
    settings: 'kind: local',
    accounts: {},
    open,
    down: async () => {
      away = true
    },
    up: async () => {
      away = false
    },
    said: async (pull) => {
      const ref = `refs/pull/${pull}/meta`
      const names = git('ls-tree', '--name-only', '-r', ref).split('\n')
      return names
        .filter((name) => name.startsWith('notices/'))
        .map((name) => ({ name, at: Number(git('log', '-1', '--format=%ct', ref, '--', name)) }))
        .sort((a, b) => a.at - b.at || (a.name < b.name ? 1 : -1))
        .map(({ name }) => git('show', `${ref}:${name}`))
    },
    close: async () => undefined,
  }
})
