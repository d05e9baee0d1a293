// A text area for code: numbered lines, the faulty ones marked where they are, and the faults below as a way to their lines.

import { useRef } from 'preact/hooks'
import type { Problem } from '../api.ts'
import { plural } from '../words.ts'

export interface Fault {
  /** Counted from 1; `null` when it is of no line. */
  line: number | null
  message: string
}

/** `rules.yaml:5` is line 5. */
export function faultsOf(problems: readonly Problem[], detail: string): Fault[] {
  if (problems.length === 0) return [{ line: null, message: detail }]
  return problems.map(({ path, message }) => {
    const [, line] = /:(\d+)(?::\d+)?$/.exec(path) ?? []
    return { line: line === undefined ? null : Number(line), message }
  })
}

interface EditorProps {
  label: string
  text: string
  faults: readonly Fault[]
  isReadOnly?: boolean
  onInput: (text: string) => void
}

const linesLeast = 14

export function Editor({ label, text, faults, isReadOnly = false, onInput }: EditorProps) {
  const area = useRef<HTMLTextAreaElement>(null)
  const count = text.split('\n').length
  const shown = Math.max(count, linesLeast)
  const faulty = new Set(faults.map(({ line }) => line))
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.isComposing) return
    const indent = indentAt(event.currentTarget as HTMLTextAreaElement)
    if (indent === '') return
    event.preventDefault()
    // As typed, so that it can be taken back.
    document.execCommand('insertText', false, `\n${indent}`)
  }
  return (
    <div class="editor">
      <div class="editor-text">
        <ol class="gutter" aria-hidden="true">
          {Array.from({ length: count }, (_one, index) => (
            <li key={index} class={faulty.has(index + 1) ? 'faulty' : undefined}>
              {index + 1}
            </li>
          ))}
        </ol>
        <div class="editor-lines">
          {[...faulty].map((line) =>
            line === null ? null : (
              <span
                key={line}
                class="band"
                aria-hidden="true"
                ref={(band) => void (band && (band.style.top = `${(line - 1) * 1.5}em`))}
              />
            ),
          )}
          <textarea
            ref={area}
            class="code"
            aria-label={label}
            aria-invalid={faults.length > 0}
            aria-describedby="editor-faults"
            wrap="off"
            spellcheck={false}
            autocapitalize="none"
            autocomplete="off"
            rows={shown}
            readOnly={isReadOnly}
            value={text}
            onInput={(event) => onInput(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
        </div>
      </div>
      <Faults faults={faults} onLine={(line) => goToLine(area.current, line)} />
    </div>
  )
}

function Faults({ faults, onLine }: { faults: readonly Fault[]; onLine: (line: number) => void }) {
  return (
    <div id="editor-faults" aria-live="polite">
      {faults.length === 0 ? null : (
        <>
          <p class="bad-text">{plural(faults.length, 'fault')}</p>
          <ul class="faults">
            {faults.slice(0, 20).map(({ line, message }) => (
              <li key={`${line}${message}`}>
                {line === null ? null : (
                  <button type="button" class="line-link" onClick={() => onLine(line)}>
                    Line {line}
                  </button>
                )}
                <span>{message}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

/** The blanks the line of the cursor begins with. */
function indentAt({ value, selectionStart }: HTMLTextAreaElement): string {
  const start = value.lastIndexOf('\n', selectionStart - 1) + 1
  return /^ */.exec(value.slice(start, selectionStart))?.[0] ?? ''
}

function goToLine(area: HTMLTextAreaElement | null, line: number): void {
  if (area === null) return
  const lines = area.value.split('\n')
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0)
  area.focus()
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0))
}
