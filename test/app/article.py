"""The article's client as a paho user writes it: log in, listen to $SYS and the data, publish JSON, print what arrives."""

import json
import sys

import paho.mqtt.client as mqtt

port, username, password, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
topic = "home/article/climate"
arrived = {"data": 0, "sys": 0}


def on_connect(client, userdata, flags, rc):
    if rc != 0:
        print(f"refused {rc}", flush=True)
        client.disconnect()
        return
    client.subscribe([("$SYS/#", 0), (topic, 1)])


def on_subscribe(client, userdata, mid, granted):
    print(f"subscribed {list(granted)}", flush=True)
    for n in range(count):
        client.publish(topic, json.dumps({"n": n, "temperature": 20 + n / 10}), qos=1)


def on_message(client, userdata, message):
    kind = "sys" if message.topic.startswith("$SYS/") else "data"
    if kind == "sys":
        json.loads(message.payload)
    arrived[kind] += 1
    if kind == "data":
        print(f"{message.topic} {message.payload.decode()}", flush=True)
    elif arrived["sys"] == 1:
        print("$SYS arrives", flush=True)
    if arrived["data"] >= count and arrived["sys"] >= 50:
        print("$SYS parsed", flush=True)
        client.disconnect()


if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, client_id="article")
else:
    client = mqtt.Client(client_id="article")
client.username_pw_set(username, password)
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_message = on_message
client.connect("127.0.0.1", port, 60)
client.loop_forever()
