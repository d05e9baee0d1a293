// Rules files as people write them wrong: each fault says the line, the key or the text that stands there, and what to write instead.

import { expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { ruleSet } from './apply.ts'

/** `line: message` of each fault. */
function faultsOf(text: string): string[] {
  try {
    ruleSet(text)
  } catch (error) {
    const problems = error instanceof AppError ? (error.problems ?? []) : []
    return problems.map(({ path, message }) => `${path.replace('rules.yaml:', '')}: ${message}`)
  }
  return []
}

const rule = (rest: string): string => `rules:\n  - name: a\n    topic: t\n    ${rest}\n`

test.each([
  [
    'a tab',
    'rules:\n  - name: a\n\ttopic: t\n',
    ['3: "topic: t": a tab cannot indent YAML; write two blanks for each level'],
  ],
  [
    'a key too far to the left',
    'rules:\n  - name: a\n   topic: t\n',
    [
      '3: "topic: t": this line is indented otherwise than its neighbours; align it with the keys of the same level',
    ],
  ],
  [
    'a pattern without quotes',
    rule('fields:\n      *temp: { unit: "°C" }'),
    [
      '5: "*temp: { unit: "°C" }": a name with * in front is an alias of YAML; put quotes around a pattern: "*temp"',
    ],
  ],
  [
    'a percent sign without quotes',
    rule('fields: { h: { unit: % } }'),
    ['4: "fields: { h: { unit: % } }": a value cannot begin with %, @ or `; put quotes around it'],
  ],
  [
    'a key twice',
    rule('topic: u'),
    ['4: "topic: u": there are two keys of this name; leave one of them out'],
  ],
  [
    'a bracket left open',
    rule('tags: { device: 2\n    also: true'),
    ['5: "also: true": a quote, bracket, comma or colon is missing here or above'],
  ],
  [
    'a hash, which begins a comment',
    'rules:\n  - name: a\n    topic: #\n',
    ['3: rule "a", topic must be text in quotes, or a list of such: topic: "attic/#", not left empty'],
  ],
  [
    'a star for a level',
    'rules:\n  - name: a\n    topic: attic/*\n',
    ['3: rule "a", topic: "attic/*" has a level "*"; write + for one level, or # for all that are left'],
  ],
  [
    'rules that are no list',
    'rules:\n  name: a\n',
    ['1: rules must be a list; begin each rule with a dash: - name: attic, not {"name":"a"}'],
  ],
  ['no map at all', 'hello', ['1: the file must be a map that begins with rules: or profiles:']],
  [
    'units of the rule',
    rule('units: { t: "°C" }'),
    ['4: there is no key "units" here; a unit belongs to its field: fields: { temperature: { unit: "°C" } }'],
  ],
  [
    'a range of the rule',
    rule('min: 3'),
    ['4: there is no key "min" here; it belongs to a field: fields: { temperature: { min: -40 } }'],
  ],
  [
    'a unit that is no unit',
    rule('fields:\n      h: { unit: "%" }\n      t: { unit: "F to C" }'),
    ['6: rule "a", fields.t: "F to C" is no unit; to convert write "F -> C"'],
  ],
  [
    'a conversion from nothing known',
    rule('fields:\n      t: { unit: "Fahr -> °C" }'),
    ['5: rule "a", fields.t: there is no conversion from "Fahr" to "°C": "Fahr" is no unit known here'],
  ],
  [
    'a conversion between quantities',
    rule('fields: { t: { unit: "°F -> hPa" } }'),
    ['4: rule "a", fields.t: there is no conversion from "°F" to "hPa": they measure different things'],
  ],
  [
    'numbers with quotes and units',
    rule('fields: { t: { min: "-40", max: 60C } }'),
    [
      '4: rule "a", fields.t.min must be a number without quotes or unit, not "-40"',
      '4: rule "a", fields.t.max must be a number without quotes or unit, not "60C"',
    ],
  ],
  [
    'a range the wrong way round',
    rule('fields: { t: { min: 60, max: -40 } }'),
    ['4: rule "a", fields.t: min 60 is above max -40; change them about'],
  ],
  [
    'a name for a map',
    rule('time: timestamp'),
    ['4: rule "a", time must be what says where the time is: { path: timestamp }, not "timestamp"'],
  ],
  [
    'a text for a list',
    rule('keep: temperature'),
    ['4: rule "a", keep must be a list of fields: ["temp*"], not "temperature"'],
  ],
  [
    'a length without a unit',
    rule('retention: 90'),
    ['4: rule "a", retention must be a length of time such as 90d, not 90'],
  ],
  [
    'JSONata that is none',
    rule('transform: "{ \'x\': $sum( }"'),
    [
      `4: rule "a", transform: The symbol "}" cannot be used as a unary operator at character 14, behind "{ 'x': $sum( }"`,
    ],
  ],
  [
    'a field without its map in CEL',
    rule('where: temperature > 5'),
    ['4: rule "a", where: there is no "temperature"; a field is fields.temperature, a tag tags.temperature'],
  ],
  [
    'an assignment in CEL',
    rule('where: fields.t = 5'),
    ['4: rule "a", where: Unexpected character: =; compare with =='],
  ],
  [
    'half an expression of CEL',
    rule('where: "fields.t >"'),
    ['4: rule "a", where: the expression is not complete; something is missing at its end'],
  ],
  [
    'a format in capitals',
    rule('on_range: drop\n    store: FIELDS'),
    [
      '4: there is no key "on_range" here; it may have name, topic, also, tags, decode, csv, protobuf, time, samples, parse_json, keep, drop, rename, fields, where, dedupe, deadband, transform, schema, store, retention',
      '5: rule "a", store must be one of raw+fields, fields, none, not "FIELDS"; did you mean "fields"?',
    ],
  ],
  [
    'one profile without a list',
    'profiles: tasmota\n',
    ['1: profiles must be `all` or a list: [tasmota, shelly], not "tasmota"'],
  ],
])('%s', (_name, text, faults) => expect(faultsOf(text)).toEqual(faults))

test('a profile that is misspelt is told by the one that was meant', () => {
  expect(faultsOf('profiles:\n  - tasmotta\n')[0]).toMatch(
    /^2: there is no profile "tasmotta"; did you mean "tasmota"\? there are tasmota, zigbee2mqtt/,
  )
})
