// Text to take along: shown whole, with a button that copies it.

import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'

export function Copyable({ text, label }: { text: string; label: string }) {
  const isCopied = useSignal(false)
  const code = useRef<HTMLElement>(null)
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      // Without TLS there is no clipboard for pages: it is selected instead, and copied the old way.
      if (code.current !== null) getSelection()?.selectAllChildren(code.current)
      document.execCommand('copy')
    }
    isCopied.value = true
    setTimeout(() => (isCopied.value = false), 2000)
  }
  return (
    <div class="copyable">
      <pre tabIndex={0} aria-label={label}>
        <code ref={code}>{text}</code>
      </pre>
      <button
        type="button"
        class="icon"
        aria-label={`Copy: ${label}`}
        title="Copy"
        onClick={() => void copy()}
      >
        <Icon name={isCopied.value ? 'check' : 'copy'} />
      </button>
    </div>
  )
}
