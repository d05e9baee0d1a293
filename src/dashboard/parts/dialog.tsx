// A dialog of the browser's own kind: it keeps the focus inside, closes with Escape and gives the focus back.

import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { Icon } from './icon.tsx'

export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string
  onClose: () => void
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    // The browser does so only for a dialog that is closed, not for one that is taken away.
    return () => {
      // Behind an open dialog nothing takes the focus: it is gone a moment later.
      queueMicrotask(() => {
        if (before instanceof HTMLElement && before.isConnected) before.focus()
      })
    }
  }, [])
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose}>
      <div class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  )
}

/** Asks before something that cannot be taken back. */
export function Confirm({
  title,
  text,
  action,
  onYes,
  onClose,
}: {
  title: string
  text: ComponentChildren
  action: string
  onYes: () => void
  onClose: () => void
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="danger" onClick={() => (onYes(), onClose())}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
