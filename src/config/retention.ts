// One entry of `store.retention`: which topics, and how old or how large their readings may get.

import { Type, type Static } from '@sinclair/typebox'
import { count } from './fields.ts'

export const retentionSchema = Type.Object({
  filter: Type.String({
    minLength: 1,
    description: 'Topic filter. The first entry that matches a topic holds for it.',
  }),
  max_age_s: count(0, 'Readings older than this are removed, in seconds. 0: none.'),
  max_bytes: count(
    0,
    'Bytes on disk of all topics of the filter together, estimated; above it the oldest readings are removed. 0: any.',
  ),
})

export type RetentionRule = Static<typeof retentionSchema>
