// A PromQL expression as a tree, after the meaning of its words has been checked: what the evaluator walks.

export type MatchOperator = '=' | '!=' | '=~' | '!~'

export interface LabelMatcher {
  name: string
  operator: MatchOperator
  value: string
}

/** Where in time a selector or subquery looks. */
export interface Shift {
  offsetMs: number
  /** `@`: milliseconds, or an end of the query. */
  at: number | 'start' | 'end' | null
}

export interface VectorSelector {
  kind: 'vector'
  matchers: LabelMatcher[]
  shift: Shift
}

export interface MatrixSelector {
  kind: 'matrix'
  selector: VectorSelector
  rangeMs: number
}

export interface Subquery {
  kind: 'subquery'
  inner: Node
  rangeMs: number
  /** `null`: the step of the server. */
  stepMs: number | null
  shift: Shift
}

export interface Matching {
  on: boolean
  labels: string[]
  /** Which side may have many of a signature. */
  many: 'left' | 'right' | null
  /** Labels taken over from the other side. */
  include: string[]
}

export interface Binary {
  kind: 'binary'
  operator: string
  bool: boolean
  matching: Matching | null
  left: Node
  right: Node
}

export interface Aggregation {
  kind: 'aggregation'
  operator: string
  by: boolean
  labels: string[]
  parameter: Node | null
  inner: Node
}

export interface Call {
  kind: 'call'
  name: string
  args: Node[]
}

export type Node =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'negate'; inner: Node }
  | { kind: 'paren'; inner: Node }
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Binary
  | Aggregation
  | Call

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix'
