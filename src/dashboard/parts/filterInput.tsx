// The box for a topic filter, the same wherever one is asked for.

import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

export interface FilterInputProps {
  /** What is typed; without it the form around reads the box. */
  value?: Signal<string>
  label?: ComponentChildren
  /** What an empty box means. */
  placeholder?: string
  isRequired?: boolean
}

export function FilterInput(props: FilterInputProps) {
  const { value, label = 'Topic filter', placeholder = '#', isRequired = false } = props
  return (
    <label>
      {label}
      <input
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        autocapitalize="none"
        required={isRequired}
        {...(value && {
          value: value.value,
          onInput: (event: InputEvent) => (value.value = (event.currentTarget as HTMLInputElement).value),
        })}
      />
    </label>
  )
}
