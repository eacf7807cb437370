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

/** Suites of the engine, of Git and of the compiler that take seconds each: they run with the slow ones, in parallel. */
const HEAVY = [
  'test/app/approvals/batches.test.ts',
  'test/app/approvals/sweep-hostile.test.ts',
  'test/app/baseline/sessions.test.ts',
  'test/app/baseline/store.test.ts',
  'test/app/changes/judge-change-core.test.ts',
  'test/app/changes/judge-change-hostile.test.ts',
  'test/app/changes/rollback-policy.test.ts',
  'test/app/engine/custody.test.ts',
  'test/app/engine/grants.test.ts',
  'test/app/engine/rollback.test.ts',
  'test/app/gate/release-example.test.ts',
  'test/app/gate/release.test.ts',
  'test/app/policy/mutate-policy.test.ts',
  'test/app/receipts/erase.test.ts',
  'test/app/receipts/rederive-retail.test.ts',
  'test/app/receipts/rederive.test.ts',
  'test/crash/crash.test.ts',
  'test/crash/erase.test.ts',
  'test/decide/behaviour/text.test.ts',
  'test/decide/rego/engine/runaway.test.ts',
  'test/host/log-folder.test.ts',
  'test/host/rego-compiler.test.ts',
  'test/shells/cli/engine-commands.test.ts',
  'test/shells/cli/eval.test.ts',
  'test/shells/cli/gate-policy.test.ts',
  'test/shells/cli/gate.test.ts',
  'test/shells/cli/policy-commands.test.ts',
  'test/shells/cli/rollback.test.ts',
  'test/shells/cli/test-command.test.ts',
]

export default defineConfig({
  test: {
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...SLOW, ...HEAVY],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'heavy',
          include: HEAVY,
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: SLOW,
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
