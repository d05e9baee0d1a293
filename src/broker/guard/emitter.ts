// Aedes delivers through an emitter that finds subscribers by filter. Delivery is done elsewhere (delivery/), so Aedes is
// given an emitter that knows nobody; what it tells about itself under $SYS/<id>, which names every client, ends here.

type Done = (error?: Error | null) => void

export function createSilentEmitter() {
  return {
    on: (_topic: string, _listener: unknown, done?: Done): void => done?.(),
    removeListener: (_topic: string, _listener: unknown, done?: Done): void => done?.(),
    emit: (_message: unknown, done?: Done): void => done?.(),
    close: (done?: Done): void => done?.(),
  }
}
