import { expect, test } from 'vitest'
import { AWS } from '../../../../src/decide/rego/builtins/aws.ts'
import type { Value } from '../../../../src/decide/rego/values/value.ts'
import { objectGet } from '../../../../src/decide/rego/values/value.ts'
import { caller } from './tagged-values.ts'

const call = caller(AWS)
const NAME = 'providers.aws.sign_req'

const CONFIG = {
  aws_access_key: 'AKIDEXAMPLE',
  aws_secret_access_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  aws_service: 'iam',
  aws_region: 'us-east-1',
}
const REQUEST = { method: 'GET', url: 'https://iam.amazonaws.com/' }
const TIME_NS = 1_440_938_160_000_000_000n // 2015-08-30T12:36:00Z.

// The worked example of AWS's Signature Version 4 documentation.
// https://docs.aws.amazon.com/general/latest/gr/sigv4-create-canonical-request.html
test('the documented request -> the documented signature', () => {
  const signed = call(
    NAME,
    {
      method: 'GET',
      url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
    },
    CONFIG,
    TIME_NS,
  )
  expect(header(signed, 'Authorization')).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,' +
      'SignedHeaders=content-type;host;x-amz-date,' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  )
  expect(header(signed, 'x-amz-date')).toBe('20150830T123600Z')
  expect(header(signed, 'Content-Type')).toBe('application/x-www-form-urlencoded; charset=utf-8')
})

test('anything else in the request -> another signature', () => {
  const signatures = [
    [REQUEST, CONFIG, TIME_NS],
    [{ ...REQUEST, method: 'POST' }, CONFIG, TIME_NS],
    [{ ...REQUEST, url: 'https://iam.amazonaws.com/x' }, CONFIG, TIME_NS],
    [{ ...REQUEST, url: 'https://iam.amazonaws.com/?x' }, CONFIG, TIME_NS],
    [{ ...REQUEST, url: 'https://other.amazonaws.com/' }, CONFIG, TIME_NS],
    [{ ...REQUEST, headers: { a: 'b' } }, CONFIG, TIME_NS],
    [{ ...REQUEST, raw_body: 'x' }, CONFIG, TIME_NS],
    [{ ...REQUEST, body: 'x' }, CONFIG, TIME_NS],
    [REQUEST, { ...CONFIG, aws_region: 'eu-west-1' }, TIME_NS],
    [REQUEST, { ...CONFIG, aws_session_token: 'x' }, TIME_NS],
    [REQUEST, CONFIG, TIME_NS + 1_000_000_000n],
  ].map(([request, config, time]) => {
    const signed = call(NAME, request as Value, config as Value, time as Value)
    return /Signature=(.*)$/.exec(header(signed, 'Authorization'))?.[1]
  })
  expect(new Set(signatures).size).toBe(signatures.length)
})

test.for([
  { name: 'a missing method', request: { url: 'x' }, message: /missing required .*\{"method"\}/ },
  { name: 'a parameter of none', request: { ...REQUEST, zz: 1 }, message: /invalid .*\{"zz"\}/ },
  { name: 'a URL of another type', request: { ...REQUEST, url: 1 }, message: /\{"url"\}/ },
  { name: 'headers of another type', request: { ...REQUEST, headers: 1 }, message: /operand 0/ },
  { name: 'no config', config: {}, message: /missing required AWS .*"aws_access_key"/ },
  { name: 'a region of another type', config: { ...CONFIG, aws_region: 1 }, message: /aws_region/ },
  { name: 'a time before 1970', time: -1, message: /could not convert time_ns/ },
  { name: 'a time with a fraction', time: 1.5, message: /could not convert time_ns/ },
  { name: 'a time beyond 64 bits', time: 2n ** 63n, message: /could not convert time_ns/ },
])('$name -> refused as an operand', ({ request, config, time, message }) => {
  const run = () => call(NAME, request ?? REQUEST, config ?? CONFIG, time ?? TIME_NS)
  expect(run).toThrow(message)
  expect(run).toThrow(expect.objectContaining({ code: 'eval_type_error' }))
})

test('the request that is handed in stays as it is', () => {
  const request = { ...REQUEST, headers: { a: 'b' } }
  call(NAME, request, CONFIG, TIME_NS)
  expect(request).toEqual({ ...REQUEST, headers: { a: 'b' } })
})

function header(signed: Value | undefined, name: string): string {
  const headers = objectGet(signed as never, 'headers')
  return objectGet(headers as never, name) as string
}
