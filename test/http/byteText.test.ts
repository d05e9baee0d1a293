import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteText } from '../../src/http/byteText.ts'

test('whole numbers are written as String writes them', () => {
  const number = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(2 ** 31 - 1),
    fc.constantFrom(0, 9, 10, 99_999, 1e9 - 1, 1e9, 2 ** 32 - 1, 2 ** 32, 1e10, 1e12 + 7, 1e15, 2 ** 53 - 1),
  )
  fc.assert(
    fc.property(fc.array(number, { maxLength: 50 }), (numbers) => {
      const to = new ByteText()
      for (const one of numbers) {
        to.integer(one)
        to.text(' ')
      }
      expect(to.take().toString()).toBe(numbers.map((one) => `${one} `).join(''))
    }),
  )
})
