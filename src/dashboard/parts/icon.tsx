// The few drawings of the page, as paths in a square of 24.

const paths = {
  drop: 'M12 2.500c4.500 4.300 7.500 8.200 7.500 12.100A7.500 7.500 0 0 1 12 22a7.500 7.500 0 0 1-7.500-7.400C4.500 10.700 7.500 6.800 12 2.500z',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  plug: 'M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0zm6 9v4',
  filter: 'M4 5h16l-6 8v5l-4 2v-7z',
  disk: 'M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3zm0 0v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3',
  key: 'M14.500 9.500a5 5 0 1 1-3.700-3.700M21 3l-9.500 9.500M17 7l3 3',
  leave: 'M14 4h5a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1h-5M4 12h11m-4-4 4 4-4 4',
  sun: 'M12 7.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.400 1.400m11.200 11.200L19 19M5 19l1.400-1.400M17.600 6.400 19 5',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z',
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.500 10 17.500 19 7',
  tree: 'M5 4v14a2 2 0 0 0 2 2h4M5 9h6M14 6.500h6v5h-6zM14 17.500h6v5h-6zM2.500 1.500h5v3h-5z',
  chart: 'M4 4v16h16M7 15l4-5 3 3 5-7',
  search: 'M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500L21 21',
  plus: 'M12 5v14M5 12h14',
  back: 'M15 5l-7 7 7 7',
  chevron: 'M9 6l6 6-6 6',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="drawing" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
