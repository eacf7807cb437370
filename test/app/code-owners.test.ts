import { expect, test } from 'vitest'
import { ownersOf } from '../../src/app/code-owners.ts'

// The examples of https://docs.github.com/articles/about-code-owners, and what hides a file from its owner.
test.for([
  { text: '* @a', path: 'deep/down/file', want: ['@a'] },
  { text: '*.js @a', path: 'deep/x.js', want: ['@a'] },
  { text: '*.js @a', path: 'deep/x.jsx', want: [] },
  { text: '/build/logs/ @a', path: 'build/logs/x/y', want: ['@a'] },
  { text: '/build/logs/ @a', path: 'more/build/logs/x', want: [] },
  { text: 'docs/* @a', path: 'docs/x.md', want: ['@a'] },
  { text: 'docs/* @a', path: 'docs/deep/x.md', want: [] },
  { text: 'apps/ @a', path: 'any/apps/x/y', want: ['@a'] },
  { text: '/docs/ @a', path: 'docs', want: [] },
  { text: '**/logs @a', path: 'deploy/logs/x', want: ['@a'] },
  { text: '/a/**/z @a', path: 'a/b/c/z', want: ['@a'] },
  { text: '/.github/ @a', path: '.github/workflows/x.yml', want: ['@a'] },
  { text: '* @a\n/.github/ @b @c/d', path: '.github/x', want: ['@b', '@c/d'] },
  { text: '* @a\n/.github/', path: '.github/x', want: [] },
  { text: '# * @a', path: 'x', want: [] },
  { text: '* @a # and @b', path: 'x', want: ['@a'] },
  { text: '', path: 'x', want: [] },
  { text: '/our\\ rules/ @a', path: 'our rules/x', want: ['@a'] },
  { text: '* @a\n/our\\ rules/', path: 'our rules/x', want: [] },
  { text: '* @a\r\n/docs/ @b\r\n', path: 'docs/x', want: ['@b'] },
  { text: `* @a\n/${'**/'.repeat(400)}x`, path: 'x', want: [] },
  { text: `* @a\n${'y\n'.repeat(60_000)}x`, path: 'x', want: [] },
  { text: `/${'*'.repeat(900)}x @a`, path: 'y'.repeat(200), want: [] },
])('$text owns $path -> $want', ({ text, path, want }) => {
  expect(ownersOf(text, path)).toEqual(want)
})
