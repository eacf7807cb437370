import { expect, test } from 'vitest'
import { openEnvironment } from '../../../src/host/secrets/environment.ts'

const VALUE = ['v', 'a', 'l', '1'].join('')
const environment = { STRIPE_KEY: VALUE, EMPTY: '', HOME: '/root', BROKEN: '\ud800' }
const provider = openEnvironment(
  ['STRIPE_*', 'EMPTY', 'BROKEN', 'toString', '__proto__'],
  environment,
)

test('a variable that the policy lists -> its value', async () => {
  expect(await provider.read('STRIPE_KEY')).toBe(VALUE)
})

test.for(['HOME', 'STRIPE_OTHER', 'EMPTY', 'BROKEN', 'toString', '__proto__', ''])(
  '%j -> SECRET_MISSING',
  async (name) => {
    await expect(provider.read(name)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      retryable: false,
    })
  },
)

test('a variable that comes later is found', async () => {
  const later: Record<string, string> = {}
  const other = openEnvironment(['A'], later)
  await expect(other.read('A')).rejects.toMatchObject({ code: 'SECRET_MISSING' })
  later['A'] = 'x'
  expect(await other.read('A')).toBe('x')
})
