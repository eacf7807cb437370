/** The meta-schemas of json-schema.org, without which no schema that refers to them could be read offline. */
export const META_SCHEMAS: ReadonlyMap<string, string> = new Map([
  [
    'http://json-schema.org/draft-04/schema',
    '{"id":"http://json-schema.org/draft-04/schema#","$schema":"http://json-schema.org/draft-04' +
      '/schema#","description":"Core schema meta-schema","definitions":{"schemaArray":{"type":"ar' +
      'ray","minItems":1,"items":{"$ref":"#"}},"positiveInteger":{"type":"integer","minimum":0},"' +
      'positiveIntegerDefault0":{"allOf":[{"$ref":"#/definitions/positiveInteger"},{"default":0}]' +
      '},"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"]},"' +
      'stringArray":{"type":"array","items":{"type":"string"},"minItems":1,"uniqueItems":true}},"' +
      'type":"object","properties":{"id":{"type":"string"},"$schema":{"type":"string"},"title":{"' +
      'type":"string"},"description":{"type":"string"},"default":{},"multipleOf":{"type":"number"' +
      ',"minimum":0,"exclusiveMinimum":true},"maximum":{"type":"number"},"exclusiveMaximum":{"typ' +
      'e":"boolean","default":false},"minimum":{"type":"number"},"exclusiveMinimum":{"type":"bool' +
      'ean","default":false},"maxLength":{"$ref":"#/definitions/positiveInteger"},"minLength":{"$' +
      'ref":"#/definitions/positiveIntegerDefault0"},"pattern":{"type":"string","format":"regex"}' +
      ',"additionalItems":{"anyOf":[{"type":"boolean"},{"$ref":"#"}],"default":{}},"items":{"anyO' +
      'f":[{"$ref":"#"},{"$ref":"#/definitions/schemaArray"}],"default":{}},"maxItems":{"$ref":"#' +
      '/definitions/positiveInteger"},"minItems":{"$ref":"#/definitions/positiveIntegerDefault0"}' +
      ',"uniqueItems":{"type":"boolean","default":false},"maxProperties":{"$ref":"#/definitions/p' +
      'ositiveInteger"},"minProperties":{"$ref":"#/definitions/positiveIntegerDefault0"},"require' +
      'd":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"anyOf":[{"type":"boolean"' +
      '},{"$ref":"#"}],"default":{}},"definitions":{"type":"object","additionalProperties":{"$ref' +
      '":"#"},"default":{}},"properties":{"type":"object","additionalProperties":{"$ref":"#"},"de' +
      'fault":{}},"patternProperties":{"type":"object","additionalProperties":{"$ref":"#"},"defau' +
      'lt":{}},"dependencies":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#"},{"$r' +
      'ef":"#/definitions/stringArray"}]}},"enum":{"type":"array","minItems":1,"uniqueItems":true' +
      '},"type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},{"type":"array","items":{"$ref":"#' +
      '/definitions/simpleTypes"},"minItems":1,"uniqueItems":true}]},"format":{"type":"string"},"' +
      'allOf":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},"' +
      'oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}},"dependencies":{"exclusive' +
      'Maximum":["maximum"],"exclusiveMinimum":["minimum"]},"default":{}}',
  ],
  [
    'http://json-schema.org/draft-06/schema',
    '{"$schema":"http://json-schema.org/draft-06/schema#","$id":"http://json-schema.org/draft-0' +
      '6/schema#","title":"Core schema meta-schema","definitions":{"schemaArray":{"type":"array",' +
      '"minItems":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},"no' +
      'nNegativeIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default"' +
      ':0}]},"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"' +
      ']},"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]' +
      '}},"type":["object","boolean"],"properties":{"$id":{"type":"string","format":"uri-referenc' +
      'e"},"$schema":{"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-refer' +
      'ence"},"title":{"type":"string"},"description":{"type":"string"},"default":{},"examples":{' +
      '"type":"array","items":{}},"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{' +
      '"type":"number"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"exclusi' +
      'veMinimum":{"type":"number"},"maxLength":{"$ref":"#/definitions/nonNegativeInteger"},"minL' +
      'ength":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"pattern":{"type":"string","for' +
      'mat":"regex"},"additionalItems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/def' +
      'initions/schemaArray"}],"default":{}},"maxItems":{"$ref":"#/definitions/nonNegativeInteger' +
      '"},"minItems":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"uniqueItems":{"type":"b' +
      'oolean","default":false},"contains":{"$ref":"#"},"maxProperties":{"$ref":"#/definitions/no' +
      'nNegativeInteger"},"minProperties":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"re' +
      'quired":{"$ref":"#/definitions/stringArray"},"additionalProperties":{"$ref":"#"},"definiti' +
      'ons":{"type":"object","additionalProperties":{"$ref":"#"},"default":{}},"properties":{"typ' +
      'e":"object","additionalProperties":{"$ref":"#"},"default":{}},"patternProperties":{"type":' +
      '"object","additionalProperties":{"$ref":"#"},"default":{}},"dependencies":{"type":"object"' +
      ',"additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/stringArray"}]}},"pr' +
      'opertyNames":{"$ref":"#"},"const":{},"enum":{"type":"array","minItems":1,"uniqueItems":tru' +
      'e},"type":{"anyOf":[{"$ref":"#/definitions/simpleTypes"},{"type":"array","items":{"$ref":"' +
      '#/definitions/simpleTypes"},"minItems":1,"uniqueItems":true}]},"format":{"type":"string"},' +
      '"allOf":{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},' +
      '"oneOf":{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}},"default":{}}',
  ],
  [
    'http://json-schema.org/draft-07/schema',
    '{"$schema":"http://json-schema.org/draft-07/schema#","$id":"http://json-schema.org/draft-0' +
      '7/schema#","title":"Core schema meta-schema","definitions":{"schemaArray":{"type":"array",' +
      '"minItems":1,"items":{"$ref":"#"}},"nonNegativeInteger":{"type":"integer","minimum":0},"no' +
      'nNegativeIntegerDefault0":{"allOf":[{"$ref":"#/definitions/nonNegativeInteger"},{"default"' +
      ':0}]},"simpleTypes":{"enum":["array","boolean","integer","null","number","object","string"' +
      ']},"stringArray":{"type":"array","items":{"type":"string"},"uniqueItems":true,"default":[]' +
      '}},"type":["object","boolean"],"properties":{"$id":{"type":"string","format":"uri-referenc' +
      'e"},"$schema":{"type":"string","format":"uri"},"$ref":{"type":"string","format":"uri-refer' +
      'ence"},"$comment":{"type":"string"},"title":{"type":"string"},"description":{"type":"strin' +
      'g"},"default":true,"readOnly":{"type":"boolean","default":false},"examples":{"type":"array' +
      '","items":true},"multipleOf":{"type":"number","exclusiveMinimum":0},"maximum":{"type":"num' +
      'ber"},"exclusiveMaximum":{"type":"number"},"minimum":{"type":"number"},"exclusiveMinimum":' +
      '{"type":"number"},"maxLength":{"$ref":"#/definitions/nonNegativeInteger"},"minLength":{"$r' +
      'ef":"#/definitions/nonNegativeIntegerDefault0"},"pattern":{"type":"string","format":"regex' +
      '"},"additionalItems":{"$ref":"#"},"items":{"anyOf":[{"$ref":"#"},{"$ref":"#/definitions/sc' +
      'hemaArray"}],"default":true},"maxItems":{"$ref":"#/definitions/nonNegativeInteger"},"minIt' +
      'ems":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"uniqueItems":{"type":"boolean","' +
      'default":false},"contains":{"$ref":"#"},"maxProperties":{"$ref":"#/definitions/nonNegative' +
      'Integer"},"minProperties":{"$ref":"#/definitions/nonNegativeIntegerDefault0"},"required":{' +
      '"$ref":"#/definitions/stringArray"},"additionalProperties":{"$ref":"#"},"definitions":{"ty' +
      'pe":"object","additionalProperties":{"$ref":"#"},"default":{}},"properties":{"type":"objec' +
      't","additionalProperties":{"$ref":"#"},"default":{}},"patternProperties":{"type":"object",' +
      '"additionalProperties":{"$ref":"#"},"propertyNames":{"format":"regex"},"default":{}},"depe' +
      'ndencies":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#"},{"$ref":"#/defini' +
      'tions/stringArray"}]}},"propertyNames":{"$ref":"#"},"const":true,"enum":{"type":"array","i' +
      'tems":true,"minItems":1,"uniqueItems":true},"type":{"anyOf":[{"$ref":"#/definitions/simple' +
      'Types"},{"type":"array","items":{"$ref":"#/definitions/simpleTypes"},"minItems":1,"uniqueI' +
      'tems":true}]},"format":{"type":"string"},"contentMediaType":{"type":"string"},"contentEnco' +
      'ding":{"type":"string"},"if":{"$ref":"#"},"then":{"$ref":"#"},"else":{"$ref":"#"},"allOf":' +
      '{"$ref":"#/definitions/schemaArray"},"anyOf":{"$ref":"#/definitions/schemaArray"},"oneOf":' +
      '{"$ref":"#/definitions/schemaArray"},"not":{"$ref":"#"}},"default":true}',
  ],
])
