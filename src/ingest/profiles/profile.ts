// What a profile is: a name to ask for it by, and rules.

import type { FieldSource, RuleSource, TimeSource } from '../rules/schema.ts'

export interface Profile {
  name: string
  /** Whose messages these are. */
  title: string
  rules: readonly RuleSource[]
}

/** Field or pattern → unit, as rules write it. */
export function units(table: Readonly<Record<string, string>>): Record<string, FieldSource> {
  return Object.fromEntries(Object.entries(table).map(([field, unit]) => [field, { unit }]))
}

/** Rules for topics that carry one bare value each: filter → unit. */
export function valueRules(
  name: string,
  tags: NonNullable<RuleSource['tags']>,
  table: Readonly<Record<string, string>>,
): RuleSource[] {
  return Object.entries(table).map(([topic, unit]) => ({
    name: `${name}: ${topic}`,
    topic,
    tags,
    fields: { value: { unit } },
  }))
}

/** Names that say what moment it is, of UTC. */
const utcNames =
  'utc UTC dateutc timeutc time_utc utc_time utcTime utctime UTCtime UTCTime timestamp_utc utc_timestamp timestampUtc timestampUTC datetime_utc dateTimeUtc'
/** Names of numbers since 1970. */
const epochNames =
  'unixtime unixTime unix_time UnixTime unixtimestamp unixTimestamp unix_timestamp timestamp_unix epoch Epoch epochTime epoch_time timestamp_ms timestampMs time_ms timeMs ts_ms tsMs timestamp_us timestampUs ts_us tsUs timestamp_ns timestampNs ts_ns tsNs rxuxtime now'
/** When it was measured, which is before it was sent. */
const measuredNames =
  'measured_at measuredAt measurement_time measurementTime measure_time measureTime sampled_at sampledAt sample_time sampleTime recorded_at recordedAt observed_at observedAt captured_at capturedAt reading_time readingTime event_time eventTime phenomenonTime timeOfSample time_of_sample time_fired TimeInstant fixTime fix_time gps_time gpsTime deviceTime device_time SourceTimestamp sourceTimestamp'
const plainNames =
  'timestamp Timestamp TimeStamp timeStamp TIMESTAMP time_stamp _timestamp @timestamp time Time TIME ts Ts TS datetime dateTime DateTime Datetime date_time dateTime.$date time.$date timestamp.$date time.$date.$numberLong timestamp.$date.$numberLong dt tstamp Zeitstempel zeitstempel Zeit zeit horodatage fecha systemTime system_time'
const sentNames =
  'resultTime reported_at reportedAt sent_at sentAt published_at publishedAt received_at receivedAt recvTime recv_time publishTime publish_time enqueuedTime enqueued_at creation-time'
/** Members of a message that hold what the rest is about. */
const parts =
  'header Header head Head meta metadata data payload message body values fields d state.reported'.split(' ')
const nestedNames = ['timestamp', 'Timestamp', 'time', 'ts']
/** Lists of samples, by what stands before the number. */
const lists = ['', 'metrics.', 'data.', 'values.', 'samples.', 'Messages.', 'rxpk.']

/**
 * Where a message of which nothing else is known says when it was: names that leave no doubt, epochs and UTC before what may be
 * local. Never when something was made, changed or seen last: that was another moment.
 */
export const anyTime: readonly TimeSource[] = [
  ...utcNames.split(' ').map((path): TimeSource => ({ path, zone: 'UTC' })),
  ...epochNames.split(' ').map((path): TimeSource => ({ path })),
  ...measuredNames.split(' ').map((path): TimeSource => ({ path })),
  ...plainNames.split(' ').map((path): TimeSource => ({ path })),
  // Else it is a temperature, or a counter: that it comes to a second of this week by chance is next to impossible.
  { path: 't', format: 'iso8601' },
  { path: 't', max_age: '1w' },
  { path: 'tm', format: 'iso8601' },
  { path: 'date' },
  { path: 'Datum' },
  ...['date time', 'Date Time', 'DATE TIME', 'datum zeit', 'Datum Zeit', 'Datum Uhrzeit', 'day time'].map(
    (pair): TimeSource => {
      const [date = '', path = ''] = pair.split(' ')
      return { path, date }
    },
  ),
  ...sentNames.split(' ').map((path): TimeSource => ({ path })),
  ...parts.flatMap((part) => nestedNames.map((name): TimeSource => ({ path: `${part}.${name}` }))),
  // Of a list only when it is of one: others may have other times.
  ...lists.flatMap((list) =>
    nestedNames.map((name): TimeSource => ({ path: `${list}0.${name}`, if: { [`${list}1.${name}`]: null } })),
  ),
  // WeatherFlow.
  { path: 'ob.0', format: 'epoch_s', max_age: '1d', if: { type: 'rapid_wind' } },
  { path: 'evt.0', format: 'epoch_s', max_age: '1d', if: { type: ['evt_strike', 'evt_precip'] } },
  // A number would be that of a clock, in Hz.
  { path: 'clock', format: 'iso8601' },
  { path: '*' },
  { path: '**' },
]

/** What sensors that have fallen off, and fields that were never filled, say instead of a temperature: no device can mean them. */
export const noTemperature = [
  -127, -999, -9999, 163.835, 327.67, -327.68, 3276.7, -3276.8, 6553.5, 32_767, -32_768, 65_535,
]
const noHumidity = [-999, -9999, 163.835, 327.67, 655.35, 6553.5, 32_767, 65_535]

/** Values that stand for none, by what fields are mostly called. */
export const anyMissing: NonNullable<RuleSource['fields']> = Object.fromEntries([
  ...['*emperature*', 'temp', 'Temp', 'TEMP', '*.temp', '*_temp', '*Temp', 'temp_*', '*tempc', '*tempC'].map(
    (name) => [name, { missing: noTemperature }],
  ),
  ...['*umidity*', 'hum', '*.hum', '*_hum', 'hum_*'].map((name) => [name, { missing: noHumidity }]),
])
