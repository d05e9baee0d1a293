// A line as small as a word: the shape of the last values, drawn as one path.

interface SparklineProps {
  values: readonly (number | null)[]
  label: string
  width?: number
  height?: number
}

export function Sparkline({ values, label, width = 96, height = 24 }: SparklineProps) {
  const known = values.filter((value): value is number => value !== null)
  if (known.length < 2) return <svg class="spark" width={width} height={height} aria-hidden="true" />
  const low = Math.min(...known)
  const span = Math.max(...known) - low || 1
  const step = width / (values.length - 1)
  let path = ''
  let isDown = false
  for (const [i, value] of values.entries()) {
    if (value === null) {
      isDown = false
      continue
    }
    const y = height - 2 - ((value - low) / span) * (height - 4)
    path += `${isDown ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}`
    isDown = true
  }
  return (
    <svg
      class="spark"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
    >
      <path d={path} />
    </svg>
  )
}
