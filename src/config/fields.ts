// The kinds of values a configuration key can have, each with its default and its reason: what the schema is written in.

import { Type } from '@sinclair/typebox'

export const port = (value: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: value, description })
export const count = (value: number, description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, default: value, description })
export const text = (value: string, description: string) => Type.String({ default: value, description })
export const texts = (description: string) => Type.Array(Type.String(), { default: [], description })
export const flag = (value: boolean, description: string) => Type.Boolean({ default: value, description })
export const choice = <const T extends readonly string[]>(values: T, value: T[number], description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], default: value, description })
