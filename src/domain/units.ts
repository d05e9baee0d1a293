// Units of measurement: the spellings devices use, one canonical name for each, and conversions within a dimension.

interface Unit {
  /** What may be converted into what. */
  dimension: string
  /** `canonical base value = value × factor + offset`. */
  factor: number
  offset: number
}

/** Canonical name: dimension, factor and offset to its base unit, other spellings. Case matters unless told otherwise. */
const table: [name: string, dimension: string, factor: number, offset: number, spellings: string][] = [
  ['°C', 'temperature', 1, 0, 'Cel ℃ degC deg_C celsius C ºC'],
  ['°F', 'temperature', 5 / 9, -160 / 9, '℉ degF deg_F fahrenheit F ºF'],
  ['K', 'temperature', 1, -273.15, 'kelvin'],
  ['%', 'ratio', 1, 0, '%RH %rH %EL %hum percent pct /100'],
  ['mW', 'power', 1e-3, 0, ''],
  ['W', 'power', 1, 0, 'watt watts Watt Watts'],
  ['kW', 'power', 1e3, 0, ''],
  ['MW', 'power', 1e6, 0, ''],
  ['VA', 'apparent power', 1, 0, ''],
  ['kVA', 'apparent power', 1e3, 0, ''],
  ['var', 'reactive power', 1, 0, 'VAR VAr'],
  ['kvar', 'reactive power', 1e3, 0, 'kVAR kVAr'],
  ['Wh', 'energy', 1, 0, ''],
  ['Wmin', 'energy', 1 / 60, 0, 'W·min watt-minute'],
  ['kWh', 'energy', 1e3, 0, 'KWh kwh'],
  ['MWh', 'energy', 1e6, 0, ''],
  ['GWh', 'energy', 1e9, 0, ''],
  ['J', 'energy', 1 / 3600, 0, ''],
  ['kJ', 'energy', 1 / 3.6, 0, ''],
  ['MJ', 'energy', 1e3 / 3.6, 0, ''],
  ['GJ', 'energy', 1e6 / 3.6, 0, ''],
  ['kvarh', 'reactive energy', 1e3, 0, 'kVArh kVARh'],
  ['varh', 'reactive energy', 1, 0, 'VArh VARh'],
  ['mV', 'voltage', 1e-3, 0, ''],
  ['V', 'voltage', 1, 0, 'volt volts Volt Volts'],
  ['kV', 'voltage', 1e3, 0, ''],
  ['mA', 'current', 1e-3, 0, ''],
  ['A', 'current', 1, 0, 'amp amps ampere'],
  ['Ah', 'charge', 1, 0, ''],
  ['mAh', 'charge', 1e-3, 0, ''],
  ['Hz', 'frequency', 1, 0, ''],
  ['kHz', 'frequency', 1e3, 0, ''],
  ['MHz', 'frequency', 1e6, 0, ''],
  ['Pa', 'pressure', 1e-2, 0, ''],
  ['hPa', 'pressure', 1, 0, 'mbar mBar'],
  ['kPa', 'pressure', 10, 0, ''],
  ['bar', 'pressure', 1000, 0, 'Bar'],
  ['psi', 'pressure', 68.947_572_931_683_6, 0, 'PSI'],
  ['inHg', 'pressure', 33.863_886_666_667, 0, ''],
  ['mmHg', 'pressure', 1.333_223_684_211, 0, ''],
  ['lx', 'illuminance', 1, 0, 'lux Lux'],
  ['W/m²', 'irradiance', 1, 0, 'W/m2 W/m^2'],
  ['klx', 'illuminance', 1e3, 0, 'klux'],
  ['m/s', 'speed', 1, 0, 'mps'],
  ['km/h', 'speed', 1 / 3.6, 0, 'kph kmh'],
  ['mph', 'speed', 0.447_04, 0, ''],
  ['kn', 'speed', 0.514_444_444_444, 0, 'kt knots'],
  ['mm', 'length', 1e-3, 0, ''],
  ['cm', 'length', 1e-2, 0, ''],
  ['m', 'length', 1, 0, 'meter metre'],
  ['km', 'length', 1e3, 0, ''],
  ['in', 'length', 0.0254, 0, 'inch'],
  ['ft', 'length', 0.3048, 0, ''],
  ['mi', 'length', 1609.344, 0, ''],
  ['mm/h', 'rain rate', 1, 0, ''],
  ['mL', 'volume', 1e-6, 0, 'ml'],
  ['L', 'volume', 1e-3, 0, 'l liter litre'],
  ['m³', 'volume', 1, 0, 'm3 m^3'],
  ['ft³', 'volume', 0.028_316_846_592, 0, 'ft3 cuft'],
  ['gal', 'volume', 0.003_785_411_784, 0, ''],
  ['L/min', 'flow', 0.06, 0, 'l/min L/m lpm'],
  ['L/h', 'flow', 1e-3, 0, 'l/h'],
  ['L/s', 'flow', 3.6, 0, 'l/s'],
  ['m³/h', 'flow', 1, 0, 'm3/h m^3/h'],
  ['m³/s', 'flow', 3600, 0, 'm3/s m^3/s'],
  ['g', 'mass', 1e-3, 0, ''],
  ['kg', 'mass', 1, 0, ''],
  ['t', 'mass', 1e3, 0, ''],
  ['lb', 'mass', 0.453_592_37, 0, 'lbs'],
  ['ms', 'time', 1e-3, 0, ''],
  ['s', 'time', 1, 0, 'sec'],
  ['min', 'time', 60, 0, ''],
  ['h', 'time', 3600, 0, 'hr'],
  ['d', 'time', 86_400, 0, ''],
  ['dB', 'level', 1, 0, ''],
  ['dBA', 'sound level', 1, 0, 'dB(A)'],
  ['dBm', 'signal', 1, 0, 'dBmW'],
  ['ppm', 'fraction', 1, 0, 'PPM'],
  ['ppb', 'fraction', 1e-3, 0, 'PPB'],
  ['µg/m³', 'concentration', 1, 0, 'ug/m3 μg/m³ µg/m3 μg/m3 ug/m³'],
  ['mg/m³', 'concentration', 1e3, 0, 'mg/m3'],
  ['µS/cm', 'conductivity', 1, 0, 'uS/cm μS/cm'],
  ['mS/cm', 'conductivity', 1e3, 0, ''],
  ['Ω', 'resistance', 1, 0, 'ohm Ohm Ohms ohms'],
  ['kΩ', 'resistance', 1e3, 0, 'kOhm kohm'],
  ['MΩ', 'resistance', 1e6, 0, 'MOhm'],
  ['µSv/h', 'dose rate', 1, 0, 'uSv/h μSv/h'],
  ['nSv/h', 'dose rate', 1e-3, 0, ''],
  ['mSv/h', 'dose rate', 1e3, 0, ''],
  ['Bq/m³', 'radon', 1, 0, 'Bq/m3 Bq/m^3'],
  ['pCi/L', 'radon', 37, 0, 'pCi/l'],
  ['cpm', 'count rate', 1, 0, 'CPM'],
  ['mg/L', 'mass in volume', 1, 0, 'mg/l'],
  ['µg/L', 'mass in volume', 1e-3, 0, 'ug/L ug/l µg/l'],
  ['NTU', 'turbidity', 1, 0, ''],
  ['lm', 'luminous flux', 1, 0, ''],
  ['rpm', 'rotation', 1, 0, 'RPM'],
  ['°', 'angle', 1, 0, 'deg º degrees'],
  ['rad', 'angle', 180 / Math.PI, 0, ''],
  ['B', 'data', 1, 0, 'bytes'],
  ['kB', 'data', 1e3, 0, 'KB'],
  ['MB', 'data', 1e6, 0, ''],
  ['GB', 'data', 1e9, 0, ''],
]

const units = new Map<string, Unit>()
const canonical = new Map<string, string>()
for (const [name, dimension, factor, offset, spellings] of table) {
  units.set(name, { dimension, factor, offset })
  for (const spelling of [name, ...spellings.split(' ')]) if (spelling !== '') canonical.set(spelling, name)
}

/** The canonical name of a unit however it is spelt; `null` for what is no unit known here. */
export function unitOf(spelling: string): string | null {
  return canonical.get(spelling) ?? null
}

/** The same units under their canonical names; what is not known stays as it is spelt. */
export function canonicalUnits(named: Readonly<Record<string, string>>): Record<string, string> {
  const found = Object.create(null) as Record<string, string>
  for (const [field, spelling] of Object.entries(named)) found[field] = unitOf(spelling) ?? spelling
  return found
}

/** A function that converts between two units of one dimension, or `null` when there is none. */
export function conversion(from: string, to: string): ((value: number) => number) | null {
  const source = units.get(unitOf(from) ?? '')
  const target = units.get(unitOf(to) ?? '')
  if (!source || !target || source.dimension !== target.dimension) return null
  if (source === target) return (value) => value
  const factor = source.factor / target.factor
  const offset = (source.offset - target.offset) / target.factor
  // 12 digits are more than any sensor has, and fewer than rounding spoils.
  return (value) => Number((value * factor + offset).toPrecision(12))
}
