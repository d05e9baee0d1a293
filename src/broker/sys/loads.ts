// Moving averages a minute over 1, 5 and 15 minutes, as a load average is made: each interval counts for what it brought,
// weighed against everything before it.

const minutes = [1, 5, 15] as const

export class Load {
  readonly #averages: number[] = minutes.map(() => 0)
  #total = 0

  /** `total` as counted until now, `seconds` after the call before. */
  update(total: number, seconds: number): void {
    const perMinute = ((total - this.#total) * 60) / seconds
    this.#total = total
    for (const [index, minute] of minutes.entries()) {
      const kept = Math.exp(-seconds / (60 * minute))
      this.#averages[index] = perMinute + kept * ((this.#averages[index] as number) - perMinute)
    }
  }

  /** `1min` → `0.00`, and so on. */
  texts(): [string, string][] {
    return minutes.map((minute, index) => [`${minute}min`, (this.#averages[index] as number).toFixed(2)])
  }
}
