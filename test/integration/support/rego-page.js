// Runs in the browser: evaluates what the server sends and posts what came of it. See rego-browser.test.ts.
const names = (work) => {
  try {
    work()
    return null
  } catch (error) {
    return error.name
  }
}

async function evaluate() {
  const [{ loadPlan }, response] = await Promise.all([
    import('/dist/decide/rego/engine/program.js'),
    fetch('/families'),
  ])
  const { plan, data, entrypoints, inputs } = await response.json()
  const program = loadPlan({ plan, data })
  return {
    outcomes: inputs.map((input) => program.evaluateAll(entrypoints, input)),
    eval: names(() => new Function('return 1')()),
    generated: names(() => loadPlan({ plan, data }, { backEnd: 'generated' })),
    node: ['process', 'Buffer', 'require', 'global'].filter((name) => name in globalThis),
  }
}

const said = await evaluate().catch((error) => ({ error: `${error}\n${error.stack}` }))
await fetch('/said', { method: 'POST', body: JSON.stringify(said) })
