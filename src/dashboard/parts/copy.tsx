// Text to take along: shown whole, with a button that copies it.

import { useSignal } from '@preact/signals'
import { Icon } from './icon.tsx'

export function CopyButton({ text, label }: { text: string; label: string }) {
  const isCopied = useSignal(false)
  const copy = async (): Promise<void> => {
    await copyText(text)
    isCopied.value = true
    setTimeout(() => (isCopied.value = false), 2000)
  }
  return (
    <button type="button" class="icon" aria-label={label} title={label} onClick={() => void copy()}>
      <Icon name={isCopied.value ? 'check' : 'copy'} />
    </button>
  )
}

/** Without TLS there is no clipboard for pages: then it is selected and copied the old way. */
async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    area.className = 'visually-hidden'
    document.body.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
}

export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <div class="copyable">
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={`Copy: ${label}`} />
    </div>
  )
}
