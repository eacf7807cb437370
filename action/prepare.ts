import { prepareRegoCompiler } from '../src/host/rego-compiler/compiler.ts'

// Every mode compiles, and the compiler takes a third of a second to load: beside all else.
prepareRegoCompiler()
