// A chart of uPlot that follows its data, its box and the colours of the page.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { harmless } from '../../words.ts'
import { isDark } from '../../theme.ts'
import type { ChartData, Range } from './series.ts'

interface PlotProps {
  data: ChartData
  height: number
  label: string
  /** Asked for another range, by dragging. */
  onZoom?: (range: Range) => void
}

export const seriesMax = 8

function colourOf(index: number): string {
  const style = getComputedStyle(document.documentElement)
  return style.getPropertyValue(`--series-${(index % seriesMax) + 1}`).trim()
}

export function Plot({ data, height, label, onZoom }: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const zoom = useRef(onZoom)
  zoom.current = onZoom
  const names = data.series.map(({ name }) => `${name.topic}|${name.field}`).join('\n')
  const hasBand = data.everyMs > 0
  const dark = isDark.value
  useLayoutEffect(() => {
    const { current } = box
    if (!current) return
    const made = new UPlot(
      optionsOf(data, { width: current.clientWidth, height, zoom }),
      valuesOf(data),
      current,
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }))
    observer.observe(current)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [names, hasBand, height, dark, zoom.current === undefined])
  useEffect(() => {
    const { current } = plot
    if (!current) return
    current.setData(valuesOf(data), false)
    current.setScale('x', { min: data.range.from / 1000, max: data.range.to / 1000 })
  }, [data])
  return <div class="plot" ref={box} role="img" aria-label={label} />
}

/** Times, then for each series its mean and, of buckets, its least and most. */
function valuesOf({ times, series, everyMs }: ChartData): UPlot.AlignedData {
  const columns = series.flatMap(({ mean, min, max }) => (everyMs > 0 ? [mean, max, min] : [mean]))
  return [times, ...columns] as UPlot.AlignedData
}

interface PlotSetting {
  width: number
  height: number
  zoom: { readonly current: ((range: Range) => void) | undefined }
}

const minute = new Intl.DateTimeFormat(navigator.language, { hour: '2-digit', minute: '2-digit' })
const second = new Intl.DateTimeFormat(navigator.language, { timeStyle: 'medium' })
const day = new Intl.DateTimeFormat(navigator.language, { day: 'numeric', month: 'short' })

/** Clock times, with the day below the first of each day; days alone where the steps are that long. */
function tickTexts(splits: readonly number[], stepS: number): string[] {
  let last = ''
  return splits.map((at) => {
    const date = new Date(at * 1000)
    const today = day.format(date)
    if (stepS >= 86_400) return today
    const clock = (stepS < 60 ? second : minute).format(date)
    const text = today === last ? clock : `${clock}\n${today}`
    last = today
    return text
  })
}

function optionsOf(data: ChartData, { width, height, zoom }: PlotSetting): UPlot.Options {
  const { series, everyMs, range } = data
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--text-quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
    font: `11px ${colour('--font')}`,
  }
  const lines: UPlot.Series[] = series.flatMap(({ name }, i) => {
    const stroke = colourOf(i)
    const line: UPlot.Series = {
      label: harmless(
        series.every((one) => one.name.topic === name.topic) ? name.field : `${name.topic} ${name.field}`,
        80,
      ),
      stroke,
      width: 1.6,
      spanGaps: everyMs === 0 && series.length > 1,
      points: { show: everyMs === 0 && data.times.length < 300, size: 4 },
      value: (_plot, value) =>
        value === null || value === undefined ? '–' : String(Number(value.toPrecision(6))),
    }
    const edge: UPlot.Series = { class: 'edge', stroke: 'transparent', width: 0, points: { show: false } }
    return everyMs > 0 ? [line, { ...edge, label: 'max' }, { ...edge, label: 'min' }] : [line]
  })
  const bands: UPlot.Band[] =
    everyMs > 0 ? series.map((_one, i) => ({ series: [i * 3 + 2, i * 3 + 3], fill: `${colourOf(i)}2e` })) : []
  return {
    width,
    height,
    series: [{}, ...lines],
    bands,
    axes: [
      { ...axis, values: (_plot, splits, _axis, _space, step) => tickTexts(splits, step) },
      { ...axis, size: 56 },
    ],
    scales: { x: { time: true, min: range.from / 1000, max: range.to / 1000 } },
    legend: { show: zoom.current !== undefined, live: true },
    cursor: { drag: { x: zoom.current !== undefined, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select
          if (wide < 4 || !zoom.current) return
          const from = Math.round(plot.posToVal(left, 'x') * 1000)
          const to = Math.round(plot.posToVal(left + wide, 'x') * 1000)
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          zoom.current({ from, to })
        },
      ],
    },
  }
}
