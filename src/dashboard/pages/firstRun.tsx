// Nothing is stored yet: the lines that send the first message, with the name this server is called by, ready to copy.

import { useSignal } from '@preact/signals'
import { Copyable } from '../parts/copy.tsx'
import { me } from '../session.ts'

interface Place {
  host: string
  port: number
  user: string | null
}

interface Way {
  name: string
  label: string
  text: (place: Place) => string
}

const ways: readonly Way[] = [
  {
    name: 'Command line',
    label: 'command for mosquitto_pub',
    text: ({ host, port, user }) =>
      `mosquitto_pub -h ${host} -p ${port}${user === null ? '' : ` -u ${shellWord(user)} -P PASSWORD`} -q 1 \\\n  -t home/kitchen/temperature -m 21.5`,
  },
  {
    name: 'Python',
    label: 'program in Python',
    text: ({ host, port, user }) =>
      [
        '# pip install paho-mqtt',
        'from paho.mqtt import publish',
        '',
        'publish.single("home/kitchen/temperature", "21.5", qos=1,',
        `               hostname="${host}", port=${port}${user === null ? ')' : ','}`,
        ...(user === null
          ? []
          : [`               auth={"username": ${JSON.stringify(user)}, "password": "PASSWORD"})`]),
      ].join('\n'),
  },
  {
    name: 'ESP and Arduino',
    label: 'sketch for an ESP',
    text: ({ host, port, user }) =>
      [
        '#include <WiFi.h>          // ESP8266: <ESP8266WiFi.h>',
        '#include <PubSubClient.h>',
        '',
        'WiFiClient wifi;',
        `PubSubClient mqtt("${host}", ${port}, wifi);`,
        '',
        'void setup() {',
        '  WiFi.begin("NETWORK", "PASSWORD");',
        '  while (WiFi.status() != WL_CONNECTED) delay(100);',
        '}',
        '',
        'void loop() {',
        `  if (!mqtt.connected()) mqtt.connect("kitchen-sensor"${user === null ? '' : `, ${JSON.stringify(user)}, "PASSWORD"`});`,
        '  mqtt.loop();',
        '  mqtt.publish("home/kitchen/temperature", "21.5");',
        '  delay(10000);',
        '}',
      ].join('\n'),
  },
  {
    name: 'Home Assistant',
    label: 'settings for Home Assistant',
    text: ({ host, port, user }) =>
      [
        '# Settings > Devices & services > Add integration > MQTT',
        `# Broker: ${host}   Port: ${port}${user === null ? '' : `   User: ${user}   Password: PASSWORD`}`,
        '# Then, in configuration.yaml, what to send here:',
        'mqtt_statestream:',
        '  base_topic: homeassistant',
        '  publish_attributes: false',
        '  publish_timestamps: true',
      ].join('\n'),
  },
]

export function FirstRun() {
  const chosen = useSignal(0)
  const listener = me.value?.server.listeners.find(({ protocol, tls }) => protocol === 'mqtt' && !tls)
  const host = location.hostname.replaceAll(/[[\]]/g, '')
  const place = { host, port: listener?.port ?? 1883, user: me.value?.kind === 'user' ? me.value.name : null }
  const way = ways[chosen.value] ?? ways[0]
  return (
    <section class="page narrow">
      <h1>Send the first message</h1>
      <p class="lead">
        Nothing is stored yet. The moment a device publishes to <code>{`${place.host}:${place.port}`}</code>,
        this page shows it.
      </p>
      <div class="card">
        <div class="tabs" role="tablist" aria-label="Ways to publish">
          {ways.map(({ name }, index) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`way-${index}`}
              aria-selected={chosen.value === index}
              aria-controls="way"
              tabIndex={chosen.value === index ? 0 : -1}
              onClick={() => (chosen.value = index)}
              onKeyDown={(event) => {
                const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
                if (step === 0) return
                chosen.value = (chosen.value + step + ways.length) % ways.length
                document.getElementById(`way-${chosen.value}`)?.focus()
              }}
            >
              {name}
            </button>
          ))}
        </div>
        <div id="way" role="tabpanel" aria-labelledby={`way-${chosen.value}`}>
          {way === undefined ? null : <Copyable text={way.text(place)} label={way.label} />}
        </div>
      </div>
      <p class="listening" role="status">
        <span class="dot live" aria-hidden="true" /> Listening for the first message
      </p>
      <p class="quiet">
        No device at hand? <code>amber demo{place.user === null ? '' : ` -u ${place.user} -P PASSWORD`}</code>{' '}
        plays a house full of them, with a week of past.
      </p>
    </section>
  )
}

function shellWord(text: string): string {
  return /^[\w.@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
