import { AGGREGATES } from './aggregates.ts'
import { ARRAYS } from './arrays.ts'
import { AWS } from './aws.ts'
import { BITS } from './bits.ts'
import type { Builtin } from './builtin.ts'
import { CRYPTO } from './crypto.ts'
import { ENCODING } from './encoding.ts'
import { GLOB } from './glob.ts'
import { GRAPH } from './graph.ts'
import { GRAPHQL } from './graphql.ts'
import { JSON_PATCH } from './json-patch.ts'
import { JSON_PATHS } from './json-paths.ts'
import { JSON_SCHEMA } from './json-schema.ts'
import { JSON_TEXT } from './json-text.ts'
import { JWT } from './jwt.ts'
import { NET } from './net.ts'
import { NUMBERS } from './numbers.ts'
import { OBJECTS } from './objects.ts'
import { REGEX } from './regex.ts'
import { REPLACE } from './replace.ts'
import { SEMVER } from './semver.ts'
import { SETS } from './sets.ts'
import { SPRINTF } from './sprintf.ts'
import { STRINGS } from './strings.ts'
import { TEMPLATE } from './template.ts'
import { TEMPLATE_STRING } from './template-string.ts'
import { TIME } from './time.ts'
import { TRIM } from './trim.ts'
import { TYPES } from './types.ts'
import { UNITS } from './units.ts'
import { URI } from './uri.ts'
import { UUID } from './uuid.ts'
import { X509 } from './x509.ts'
import { YAML_TEXT } from './yaml-text.ts'

/** Every built-in that a policy may call, by OPA's name. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  [
    AGGREGATES,
    ARRAYS,
    AWS,
    BITS,
    CRYPTO,
    ENCODING,
    GLOB,
    GRAPH,
    GRAPHQL,
    JSON_PATCH,
    JSON_PATHS,
    JSON_SCHEMA,
    JSON_TEXT,
    JWT,
    NET,
    NUMBERS,
    OBJECTS,
    REGEX,
    REPLACE,
    SEMVER,
    SETS,
    SPRINTF,
    STRINGS,
    TEMPLATE,
    TEMPLATE_STRING,
    TIME,
    TRIM,
    TYPES,
    UNITS,
    URI,
    UUID,
    X509,
    YAML_TEXT,
  ].flatMap((family) => Object.entries(family)),
)

/** OPA's names of them, sorted: what the compiler lets a policy call. */
export const BUILTIN_NAMES: readonly string[] = [...BUILTINS.keys()].sort()
