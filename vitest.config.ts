import { defineConfig } from 'vitest/config'

/** Suites that take long, or need real peers: `npm run test:integration`. */
const SLOW = [
  'test/integration/**/*.test.ts',
  'test/fail-open/**/*.test.ts',
  'test/app/approvals/approvals.test.ts',
  'test/app/baseline/poisoning.test.ts',
  'test/app/baseline/propose.test.ts',
  'test/app/baseline/pull.test.ts',
  'test/app/doctor-github.test.ts',
  'test/app/engine/hostile.test.ts',
  'test/app/receipts/attest.test.ts',
  'test/app/changes/judge-change-github.test.ts',
  'test/app/changes/judge-change.test.ts',
  'test/app/engine/judge.test.ts',
  'test/app/gate/policy.test.ts',
  'test/app/policy/rego-tests.test.ts',
  'test/app/policy/rule-library.test.ts',
  'test/host/forge-github.test.ts',
  'test/host/forge-local.test.ts',
  'test/policy/compile/baselines.test.ts',
  'test/shells/cli/bin.test.ts',
  'test/shells/cli/diff.test.ts',
  'test/bench.test.ts',
  'test/crash/custody.test.ts',
  'test/docs.test.ts',
]

export default defineConfig({
  test: {
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: SLOW,
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: SLOW,
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
