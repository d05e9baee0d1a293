import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createRuleFiles, readProtobuf } from '../../../src/ingest/rules/ruleFiles.ts'

const above = mkdtempSync(join(tmpdir(), 'amber-rules-'))
afterAll(() => rmSync(above, { recursive: true }))

const [rules, elsewhere] = [join(above, 'rules'), join(above, 'rules-elsewhere')]
for (const directory of [rules, elsewhere]) mkdirSync(directory)
const text = 'syntax = "proto3"; message A { int32 x = 1; }'
writeFileSync(join(elsewhere, 'a.proto'), text)
writeFileSync(join(rules, 'own.proto'), text)
writeFileSync(join(rules, 'import.proto'), 'syntax = "proto3"; import "link.proto"; message B { A a = 1; }')
symlinkSync(join(elsewhere, 'a.proto'), join(rules, 'link.proto'))
symlinkSync(join(rules, 'own.proto'), join(rules, 'inside.proto'))
symlinkSync(elsewhere, join(rules, 'sub'))

const read = (file: string): unknown => readProtobuf(createRuleFiles(rules), { file, message: 'A' })

test.each(['link.proto', 'sub/a.proto', '../rules-elsewhere/a.proto', 'import.proto'])(
  'what %s leads to outside the directory of the rules is refused',
  (file) => expect(() => read(file)).toThrow('files of rules stay beside the rules file'),
)

test('a link within the directory is followed', () => expect(() => read('inside.proto')).not.toThrow())
