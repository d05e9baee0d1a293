// When messages of many makers were made, with all profiles: every time that can be one, and the numbers beside it that only look
// like one.

import { describe, expect, test } from 'vitest'
import { applier } from '../rules/apply.ts'

const receivedAt = Date.parse('2026-11-24T12:00:00Z')
const at = '2026-11-24T11:59:50.000Z'
const clean = applier('profiles: all\nzone: Europe/Berlin\n')
const timeOf = async (topic: string, payload: string): Promise<string> => {
  const [made] = await clean(topic, payload, receivedAt)
  return new Date(made?.time ?? 0).toISOString()
}

test.each([
  [
    'Tasmota, STATUS7',
    'stat/x/STATUS7',
    '{"StatusTIM":{"UTC":"2026-11-24T11:59:50","Local":"2026-11-24T12:59:50","StartDST":"2026-03-29T02:00:00"}}',
  ],
  [
    'Shelly, first generation',
    'shellies/shellyht-1/info',
    '{"time":"12:59","unixtime":1795521590,"uptime":1234567890}',
  ],
  [
    'Shelly, second generation',
    'shellyplus1-a/status/sys',
    '{"time":"12:59","unixtime":1795521590,"uptime":1234,"cfg_rev":10}',
  ],
  [
    'Shelly BLU',
    'shellyblugwg3-1/status/bthomesensor:200',
    '{"id":200,"value":21.3,"last_updated_ts":1795521590}',
  ],
  [
    'Zigbee2MQTT, a name with a level',
    'zigbee2mqtt/kitchen/temp',
    '{"last_seen":"2026-11-24T12:59:50+01:00","temperature":21.5}',
  ],
  ['Zigbee2MQTT, health', 'zigbee2mqtt/bridge/health', '{"response_time":1795521590000}'],
  [
    'OpenMQTTGateway',
    'home/OMG/BTtoMQTT/A4C138000000',
    '{"id":"A4:C1:38:00:00:00","tempc":21.5,"UTCtime":"2026-11-24T11:59:50Z","unixtime":1795521590}',
  ],
  [
    'ChirpStack 4, gateway',
    'eu868/gateway/0016c001f153a14c/event/up',
    '{"rxInfo":{"uplinkId":123,"gwTime":"2026-11-24T11:59:50Z","timeSinceGpsEpoch":"1479556808s"}}',
  ],
  [
    'ChirpStack 3',
    'application/3/device/02/event/up',
    '{"rxInfo":[{"time":null}],"publishedAt":"2026-11-24T11:59:50.000Z"}',
  ],
  [
    'The Things Network 2',
    'app/devices/dev/up',
    '{"metadata":{"time":"2026-11-24T11:59:50Z","gateways":[{"timestamp":1276394164}]}}',
  ],
  ['Helium', 'helium/dev/rx', '{"fcnt":5,"reported_at":1795521590000}'],
  ['LORIOT', 'loriot/x', '{"cmd":"rx","ts":1795521590000,"fcnt":3}'],
  ['Everynet', 'everynet/up', '{"meta":{"time":1795521590.0},"type":"uplink"}'],
  ['Dragino NB-IoT', 'dragino/1', '{"temperature":21.5,"time":"2026/11/24 12:59:50"}'],
  ['PurpleAir', 'purpleair/x', '{"DateTime":"2026/11/24T11:59:50z","pm2.5_aqi":15,"uptime":1234}'],
  ['WeeWX', 'weather/loop', '{"dateTime":"1795521590.0","outTemp_F":"45.3"}'],
  ['Ecowitt', 'ecowitt/gw', 'stationtype=GW1100A&dateutc=2026-11-24+11:59:50&tempinf=72.3'],
  ['Fronius', 'fronius/push', '{"Body":{},"Head":{"Timestamp":"2026-11-24T12:59:50+01:00"}}'],
  ['Meross', '/appliance/1/publish', '{"header":{"timestamp":1795521590,"timestampMs":123},"payload":{}}'],
  ['Losant', 'losant/5/state', '{"time":{"$date":"2026-11-24T11:59:50.000Z"},"data":{"t":1}}'],
  ['AWS IoT', '$aws/things/x/shadow/update/accepted', '{"version":3,"timestamp":1795521590}'],
  ['Teltonika', 'router/data', '{"TIMESTAMP":"1795521590","DATA":"[21]"}'],
  ['Advantech', 'Advantech/00D0C9E5/data', '{"s":1,"t":"2026-11-24T11:59:50Z","di1":true}'],
  ['Frigate, stats', 'frigate/stats', '{"service":{"last_updated":1795521590,"uptime":99999}}'],
  ['mqtt-smarthome, three levels', 'knx/status/light', '{"val":1,"ts":1795521590000,"lc":1795521585000}'],
  ['collectd', 'collectd/host/cpu-0/cpu-user', '1795521590.000:12.5\0'],
  ['an uplink of nobody known', 'x/y/uplink', '{"time":"2026-11-24T11:59:50Z"}'],
  ['a temperature of nobody known', 'house/temperature/hall', '{"timestamp":1795521590,"value":21.5}'],
  ['Domoticz', 'domoticz/out', '{"idx":3,"LastUpdate":"2026-11-24 12:59:50","svalue1":"21.5"}'],
  ['SensorThings', 'v1.1/Observations', `{"phenomenonTime":"${at}","resultTime":"2026-11-24T11:59:55Z"}`],
  [
    'Traccar',
    'traccar',
    `{"deviceTime":"2026-11-24T11:59:49Z","fixTime":"${at}","serverTime":"2026-11-24T11:59:55Z"}`,
  ],
  ['ThingsBoard, a list of one', 'v1/devices/me/telemetry', '[{"ts":1795521590000,"values":{"t":1}}]'],
  ['Semtech, one packet', 'gw/rx', '{"rxpk":[{"tmst":3512348611,"time":"2026-11-24T11:59:50.000000Z"}]}'],
  ['OPC UA', 'opcua', '{"Messages":[{"Timestamp":"2026-11-24T11:59:50Z","Payload":{"T":{"Value":21.5}}}]}'],
  ['AIS-catcher', 'ais', '{"rxtime":"20261124115950","rxuxtime":1795521590,"mmsi":211234560}'],
  ['readsb', 'adsb', '{"now":1795521590.0,"messages":123,"aircraft":[{"seen":0.2}]}'],
  ['OpenWeather', 'owm', '{"dt":1795521590,"sys":{"sunrise":1795502000},"timezone":3600}'],
  ['Elasticsearch', 'logs', '{"@timestamp":"2026-11-24T11:59:50.000Z"}'],
  ['when it was measured before when it was sent', 'a', `{"measured_at":"${at}","timestamp":1795521595}`],
  ['UTC before what may be local', 'a', `{"time":"2026-11-24 11:00:00","time_utc":"2026-11-24T11:59:50"}`],
])('%s', async (_name, topic, payload) => expect(await timeOf(topic, payload)).toBe(at))

describe('a time is read', () => {
  test.each([
    ['1795521590', at],
    ['1795521590.5', '2026-11-24T11:59:50.500Z'],
    ['1795521590123', '2026-11-24T11:59:50.123Z'],
    ['1795521590123456', '2026-11-24T11:59:50.123Z'],
    ['1795521590123456789', '2026-11-24T11:59:50.123Z'],
    ['"1795521590"', at],
    ['"2026-11-24 12:59:50.25+01"', '2026-11-24T11:59:50.250Z'],
    ['"2026-11-24 11:59:50 UTC"', at],
    ['"2026-11-24T12:59:50+0100"', at],
    ['"20261124T115950Z"', at],
    ['"2026.11.24 12:59:50"', at],
    ['"24.11.2026 12:59:50"', at],
    ['"24.11.2026, 12:59"', '2026-11-24T11:59:00.000Z'],
    ['"Tue, 24 Nov 2026 11:59:50 GMT"', at],
    ['"24 Nov 2026 12:59:50 +0100"', at],
    ['"Tue Nov 24 12:59:50 2026"', at],
    ['"24-Nov-2026 12:59:50"', at],
    ['"24/Nov/2026:11:59:50 +0000"', at],
    ['"Tuesday, 24-Nov-26 11:59:50 GMT"', at],
    ['"Nov 24, 2026 12:59:50 PM"', at],
    ['"2026-11-24 12:59:50 CET"', at],
    ['"2026:11:24 12:59:50"', at],
    ['"24-11-2026 12:59:50"', at],
    ['"261124125950W"', at],
    // Where only one reading is of the last minutes, it is that one.
    ['20261124115950', at],
    ['"20261124_125950"', at],
    ['817214390', at],
    ['4004510390', at],
    ['1479556808', at],
    ['46350.49988426', at],
    ['639311183900000000', at],
    ['134399951900000000', at],
    ['"0x6b057c36"', at],
  ])('of %s', async (text, time) => expect(await timeOf('a', `{"time":${text},"t":21.5}`)).toBe(time))
})

describe('no time is', () => {
  test.each([
    ['an uptime', '{"ts":123456}'],
    ['milliseconds since the start', '{"time":86400000}'],
    ['a clock that was never set', '{"time":"1970-01-01T00:00:12Z"}'],
    ['the end of the era of NTP', '{"timestamp":"2036-02-07T06:28:16Z"}'],
    ['a time of day', '{"time":"12:59:50"}'],
    ['hours, minutes and seconds', '{"time":"115950.00"}'],
    ['a date alone', '{"time":"2026-11-24","date":"2026-11-24"}'],
    // AIS receivers mean UTC by them, others their own time.
    ['digits of a date', '{"time":20261124095950}'],
    ['digits of a short date', '{"time":261124095950}'],
    ['a date whose order nobody can tell', '{"timestamp":"03/04/2026 12:59:50"}'],
    ['a day that is none', '{"time":"31.11.2026 12:00:00"}'],
    ['a month that is none', '{"time":"24 Foo 2026 12:00:00 GMT"}'],
    ['a counter called t', '{"t":1234567890,"v":1}'],
    [
      'when it was made, changed or seen last',
      `{"created_at":"${at}","updated_at":"${at}","last_seen":"${at}"}`,
    ],
    ['days of a spreadsheet of another hour', '{"time":46350.40}'],
    ['seconds of another start, of another hour', '{"time":817210000}'],
    ['a zone that means several', '{"time":"2026-11-24 12:59:50 IST"}'],
    ['when something moved', '{"motion":{"at":"2026-11-24T03:00:00Z"},"battery":80}'],
    ['the parts of a date of a plan', '{"year":2026,"month":11,"day":22,"hour":7,"min":30}'],
    ['a monotonic clock', '{"eventtime":1236795.17}'],
    ['the offset of a zone', '{"utc":"+01:00"}'],
    ['one of several in a list, one of which has none', `[{"ts":1795521590,"t":1},{"ts":17,"t":2}]`],
    ['when a device started', '{"StatusPRM":{"StartupUTC":"2026-11-20T09:00:00"}}'],
  ])('%s', async (_name, payload) => expect(await timeOf('a', payload)).toBe('2026-11-24T12:00:00.000Z'))

  test('the move of a Shelly', async () => {
    const payload =
      '{"id":0,"state":"stopped","move_started_at":1795521490,"aenergy":{"minute_ts":1795521540}}'
    expect(await timeOf('shellyplus2pm/status/cover:0', payload)).toBe('2026-11-24T12:00:00.000Z')
  })
})

test('of a long list of names the first in order counts, and a name that is no time lets the next one be', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((path) => `{ path: ${path} }`).join(', ')
  const rule = applier(`rules:\n  - name: n\n    topic: t\n    time: [${names}]\n`)
  const time = async (payload: string) => (await rule('t', payload, receivedAt))[0]?.time
  expect(await time('{"h":1795521590,"b":1795521580,"x":1}')).toBe(1795521580_000)
  expect(await time('{"h":1795521590,"b":"soon"}')).toBe(1795521590_000)
  expect(await time('{"x":1795521590}')).toBe(receivedAt)
})
