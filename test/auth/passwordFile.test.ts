import { describe, expect, test } from 'vitest'
import { parsePasswordFile, passwordFileWarnings } from '../../src/auth/passwordFile.ts'
import { AppError } from '../../src/domain/errors.ts'
import { vectors } from './files.ts'

const accounts = (text: string) =>
  [...parsePasswordFile(text, 'passwd').values()].map(({ name, hash, line, form }) => [
    name,
    hash.kind,
    line,
    form,
  ])

describe('lines', () => {
  test('every format, comments, blank lines, CRLF and a byte order mark are read', () => {
    const text = `\uFEFF# accounts\r\n\r\nann:${vectors.pbkdf2.hash}\r\nbob:${vectors.sha512.hash} \n  # more\ncy d:${vectors.argon2id.hash}\neve:plain\nuser admin 12345678`
    expect(accounts(text)).toEqual([
      ['ann', 'sha512-pbkdf2', 3, 'colon'],
      ['bob', 'sha512', 4, 'colon'],
      ['cy d', 'argon2id', 6, 'colon'],
      ['eve', 'plain', 7, 'colon'],
      ['admin', 'plain', 8, 'words'],
    ])
  })

  test('a plain password may hold colons, spaces and $', () => {
    expect(parsePasswordFile('ann:a:b $c', 'passwd').get('ann')?.hash).toEqual({
      kind: 'plain',
      text: 'a:b $c',
    })
    expect(parsePasswordFile('user ann a:b c', 'passwd').get('ann')?.hash.text).toBe('a:b c')
  })

  test('a user whose name begins with "user" and has a hash is no old line', () => {
    expect(accounts(`user x y:${vectors.sha512.hash}`)).toEqual([['user x y', 'sha512', 1, 'colon']])
  })

  test('names from prototypes are ordinary names', () => {
    expect(accounts('__proto__:x\nconstructor:y').map(([name]) => name)).toEqual(['__proto__', 'constructor'])
    expect(parsePasswordFile('', 'passwd').get('toString')).toBeUndefined()
  })

  test.each([
    ['ann', /passwd:2: there is no ":"/],
    [':hash', /passwd:2: there is no name/],
    ['ann:', /passwd:2: the user ann has no password/],
    ['ann:$2b$10$abc', /passwd:2: .*\$2b\$ is not known/],
    ['ann:$7$101$xx$yy', /passwd:2: .*cannot be checked/],
    [`first:again`, /passwd:2: the user first is already on line 1/],
    ['\u001b[31m:', /passwd:2: the user \\u001b\[31m has no password/],
  ])('%j is an error that says line and remedy', (line, message) => {
    const parse = () => parsePasswordFile(`first:x\n${line}\n`, 'passwd')
    expect(parse).toThrow(AppError)
    expect(parse).toThrow(message)
    expect(parse).toThrow(expect.objectContaining({ code: 'bad_password_file' }))
  })
})

describe('warnings', () => {
  test('each weak form is one line with the command that ends it', () => {
    const found = parsePasswordFile(`a:1\nb:2\nuser c 3\nd:${vectors.sha512.hash}`, 'passwd')
    expect(passwordFileWarnings(found, 'passwd', 'amber')).toEqual([
      'passwd: passwords in plain text on lines 1, 2; hash the file with: amber passwd -U passwd',
      'passwd: old "user NAME PASSWORD" lines in plain text on line 3; hash the file with: amber passwd -U passwd',
    ])
  })

  test('a file of hashes has none', () => {
    const found = parsePasswordFile(`d:${vectors.sha512.hash}`, 'passwd')
    expect(passwordFileWarnings(found, 'passwd', 'amber')).toEqual([])
  })
})
