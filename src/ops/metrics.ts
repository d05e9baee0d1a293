// What the server counts about itself, in Prometheus' conventions. The ledger is here:
// received = stored + rejected + deduplicated + discarded, by source. docs/metrics.md names each.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** A fresh registry: one a server, so that tests may run several in a process. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    received: new Counter({
      name: 'amber_publishes_received_total',
      help: 'Publishes that reached capture, by source.',
      labelNames: ['source'] as const,
      registers,
    }),
    stored: new Counter({
      name: 'amber_publishes_stored_total',
      help: 'Publishes that are durable, by source.',
      labelNames: ['source'] as const,
      registers,
    }),
    rejected: new Counter({
      name: 'amber_publishes_rejected_total',
      help: 'Publishes refused before they were stored, by source and reason (an error code).',
      labelNames: ['source', 'reason'] as const,
      registers,
    }),
    deduplicated: new Counter({
      name: 'amber_publishes_deduplicated_total',
      help: 'Publishes recognised as a second copy of a stored one, by source.',
      labelNames: ['source'] as const,
      registers,
    }),
    discarded: new Counter({
      name: 'amber_publishes_discarded_total',
      help: 'Publishes a rule says not to store (`store: none`, `dedupe`), by source.',
      labelNames: ['source'] as const,
      registers,
    }),
    ackSeconds: new Histogram({
      name: 'amber_acknowledgement_seconds',
      help: 'Time from capture to durable, for publishes somebody waits for.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'amber_http_request_seconds',
      help: 'Time from the head of a request to the end of its answer, by route and status.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    streams: new Gauge({
      name: 'amber_http_streams',
      help: 'Readers of GET /api/v1/stream connected now.',
      registers,
    }),
    streamsDropped: new Counter({
      name: 'amber_http_streams_dropped_total',
      help: 'Readers of GET /api/v1/stream let go because they were too slow.',
      registers,
    }),
    ...createStoreMetrics(registers),
    ...createQueryMetrics(registers),
    ...createMqttMetrics(registers),
  }
}

/** Group commits. */
function createStoreMetrics(registers: Registry[]) {
  return {
    commitReadings: new Histogram({
      name: 'amber_store_commit_readings',
      help: 'Readings written by one commit.',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 16_384],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'amber_store_commit_seconds',
      help: 'Time one commit took to be durable.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
  }
}

/** Questions under the ceiling. */
function createQueryMetrics(registers: Registry[]) {
  return {
    querySeconds: new Histogram({
      name: 'amber_query_seconds',
      help: 'Time a query took, waiting for its turn included, by kind.',
      labelNames: ['kind'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    queriesFailed: new Counter({
      name: 'amber_queries_failed_total',
      help: 'Queries that ended without an answer: refused, over a limit, or nobody waited any more.',
      labelNames: ['kind'] as const,
      registers,
    }),
    queriesRunning: new Gauge({ name: 'amber_queries_running', help: 'Queries running now.', registers }),
    queriesWaiting: new Gauge({
      name: 'amber_queries_waiting',
      help: 'Queries that wait for their turn (limits.query_concurrency).',
      registers,
    }),
    exports: new Gauge({ name: 'amber_http_exports', help: 'Exports running now.', registers }),
  }
}

/** Connections and deliveries. */
function createMqttMetrics(registers: Registry[]) {
  return {
    connections: new Gauge({
      name: 'amber_mqtt_connections',
      help: 'MQTT clients connected now.',
      registers,
    }),
    refused: new Counter({
      name: 'amber_connections_refused_total',
      help: 'Connections closed before their first MQTT byte, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
    dropped: new Counter({
      name: 'amber_messages_dropped_total',
      help: 'Deliveries to subscribers given up, by reason.',
      labelNames: ['reason'] as const,
      registers,
    }),
  }
}
