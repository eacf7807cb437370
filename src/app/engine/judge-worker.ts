/** Evaluates one bundle's questions in a thread of its own. Started by `judge.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { hmacKey } from '../../base/digest.ts'
import { PolicyError } from '../../base/errors.ts'
import { evaluate, loadPolicy } from '../../decide/evaluate/index.ts'
import { readBundle } from '../../policy/bundle/index.ts'
import type { JudgeMessage, Question } from './judge.ts'

const { bundle, key } = workerData as { bundle: Uint8Array; key: Uint8Array }
const policy = loadPolicy(readBundle(bundle))
const hmac = hmacKey(key)

parentPort?.on('message', (question: Question) => {
  parentPort?.postMessage(answer(question))
})
parentPort?.postMessage('ready')

function answer(question: Question): JudgeMessage {
  try {
    return { evaluation: evaluate(policy, { ...question, key: hmac }) }
  } catch (error) {
    const code = error instanceof PolicyError ? error.code : 'ENGINE_FAILED'
    // What a stranger's error says may hold a value.
    const message = error instanceof PolicyError ? error.message : 'the evaluation failed'
    return { error: { code, message } }
  }
}
