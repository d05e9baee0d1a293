// Numbers that look like the weather and like people at home, each a pure function of time: history and the present fit
// together, and the same history comes out again.

const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/** 0 to 1, always the same for a seed and a number (a xorshift of both). */
export function chance(seed: number, n: number): number {
  let h = (Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(n | 0, 0xc2b2_ae35)) >>> 0
  h = Math.imul(h ^ (h >>> 15), 0x2c1b_3c6d) >>> 0
  h = Math.imul(h ^ (h >>> 12), 0x297a_2d39) >>> 0
  return ((h ^ (h >>> 15)) >>> 0) / 0x1_0000_0000
}

/** -1 to 1 without jumps, a new direction every `stepMs`. */
export function drift(seed: number, time: number, stepMs: number): number {
  const n = Math.floor(time / stepMs)
  const t = time / stepMs - n
  const smooth = t * t * (3 - 2 * t)
  const [a, b] = [chance(seed, n), chance(seed, n + 1)]
  return (a + (b - a) * smooth) * 2 - 1
}

/** Hours since midnight, as the clock of this machine shows them. */
export function hourOf(time: number): number {
  const date = new Date(time)
  return date.getHours() + date.getMinutes() / 60 + date.getSeconds() / 3600
}

/** -1 at five in the morning, 1 at five in the afternoon: how warm a day is. */
export function warmth(time: number): number {
  return -Math.cos(((hourOf(time) - 5) / 24) * 2 * Math.PI)
}

/** 0 at night, 1 when the sun is highest. */
export function sun(time: number): number {
  return Math.max(0, Math.sin(((hourOf(time) - 6.5) / 13) * Math.PI))
}

/** 0 to 1: how much is on in a house, little at night, most in the evening. */
export function bustle(time: number): number {
  const hour = hourOf(time)
  const around = (peak: number, width: number): number => Math.exp(-(((hour - peak) / width) ** 2))
  return Math.min(1, 0.12 + 0.6 * around(7.5, 1.2) + 0.3 * around(12.5, 1.5) + 0.9 * around(19.5, 2.2))
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
