// One figure of the overview, with its last minutes as a line.

import { Sparkline } from '../../parts/sparkline.tsx'

interface TileProps {
  label: string
  value: string
  note?: string
  history?: readonly (number | null)[]
  tone?: 'good' | 'warn' | 'bad'
}

export function Tile({ label, value, note, history, tone }: TileProps) {
  return (
    <div class="tile card">
      <p class="small quiet">{label}</p>
      <p class={tone ? `tile-value ${tone}-text` : 'tile-value'}>{value}</p>
      <div class="tile-foot">
        <span class="small quiet">{note}</span>
        {history && <Sparkline values={history} label={`${label}, the last minutes`} width={84} />}
      </div>
    </div>
  )
}
