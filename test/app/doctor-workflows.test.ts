import { expect, test } from 'vitest'
import { workflowFlaws } from '../../src/app/doctor-workflows.ts'

const PINNED = `actions/checkout@${'0123456789'.repeat(4)}`

function job(on: string, ...lines: readonly string[]): string {
  return [
    `on: ${on}`,
    'jobs:',
    '  a:',
    '    runs-on: x',
    ...lines.map((line) => `    ${line}`),
  ].join('\n')
}

test.for([
  { name: 'pinned', text: job('push', 'steps:', `  - uses: ${PINNED} # v6`), want: [] },
  { name: 'of the repository itself', text: job('push', 'steps:', '  - uses: ./'), want: [] },
  {
    name: 'by a tag',
    text: job('push', 'steps:', '  - uses: a/b@v1'),
    want: ['unpinned-action 6'],
  },
  {
    name: 'by a short digest',
    text: job('push', 'steps:', '  - uses: a/b@0123456'),
    want: ['unpinned-action 6'],
  },
  { name: 'by nothing', text: job('push', 'steps:', '  - uses: a/b'), want: ['unpinned-action 6'] },
  {
    name: 'an image by its tag',
    text: job('push', 'steps:', '  - uses: docker://alpine:3'),
    want: ['unpinned-action 6'],
  },
  {
    name: 'a reusable workflow by a branch',
    text: 'on: push\njobs:\n  a:\n    uses: a/b/.github/workflows/c.yml@main\n',
    want: ['unpinned-action 4'],
  },
  {
    name: 'all permissions for a job',
    text: job('push', 'permissions: write-all', 'steps: []'),
    want: ['write-all 5'],
  },
  {
    name: 'all permissions for all jobs',
    text: `permissions: write-all\n${job('push', 'steps: []')}`,
    want: ['write-all 1'],
  },
  {
    name: 'the head on pull_request',
    text: job(
      'pull_request',
      'steps:',
      `  - uses: ${PINNED}`,
      `    with: { ref: "\${{ github.head_ref }}" }`,
    ),
    want: [],
  },
  {
    name: 'the head on pull_request_target',
    text: job(
      '[push, pull_request_target]',
      'steps:',
      `  - uses: ${PINNED}`,
      `    with: { ref: "\${{ github.head_ref }}" }`,
    ),
    want: ['target-checkout 7'],
  },
  {
    name: "a fork's repository on pull_request_target",
    text: job(
      '{ pull_request_target: { types: [opened] } }',
      ...['steps:', `  - uses: ${PINNED}`],
      `    with: { repository: "\${{ github.event.pull_request.head.repo.full_name }}" }`,
    ),
    want: ['target-checkout 7'],
  },
  {
    name: 'the head by the command line on workflow_run',
    text: job('workflow_run', 'steps:', '  - run: gh pr checkout 12'),
    want: ['target-checkout 6'],
  },
  {
    name: 'the head by its number on pull_request_target',
    text: job(
      'pull_request_target',
      ...['steps:', `  - run: git fetch origin pull/\${{ github.event.number }}/head:pr`],
    ),
    want: ['target-checkout 6'],
  },
  {
    name: 'the head in YAML 1.1, where on is a truth',
    text: `%YAML 1.1\n---\n${job('pull_request_target', 'steps:', '  - run: gh pr checkout 1')}`,
    want: ['target-checkout 8'],
  },
  {
    name: 'the base on pull_request_target',
    text: job('pull_request_target', 'steps:', `  - uses: ${PINNED}`),
    want: [],
  },
  { name: 'no YAML', text: 'jobs: [', want: ['unreadable 1'] },
  { name: 'no workflow', text: 'name: x', want: ['unreadable 1'] },
  { name: 'a list', text: '- jobs', want: ['unreadable 1'] },
  {
    name: 'aliases without end',
    text: `a: &a [x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\njobs: {}`,
    want: ['unreadable 1'],
  },
])('$name -> $want', ({ text, want }) => {
  expect(workflowFlaws('w.yml', text).map(({ kind, line }) => `${kind} ${line}`)).toEqual(want)
})
