// A box to publish to a topic.

import { useSignal } from '@preact/signals'
import { ask } from '../../api.ts'
import { attempt, tell } from '../../parts/toast.tsx'

export function PublishBox({ topic }: { topic: string }) {
  const isBusy = useSignal(false)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    const payload = form.get('payload')
    const json = {
      topic,
      payload: typeof payload === 'string' ? payload : '',
      qos: Number(form.get('qos')),
      retain: form.get('retain') !== null,
    }
    isBusy.value = true
    await attempt(async () => {
      const { seq } = await ask<{ seq: number }>('/api/v1/publish', { method: 'POST', json })
      tell(`Published and stored as reading ${seq}.`)
    }, null)
    isBusy.value = false
  }
  return (
    <form class="publish" onSubmit={(event) => void submit(event)} aria-label="Publish">
      <label>
        Publish to this topic
        <textarea name="payload" rows={2} spellcheck={false} class="code" placeholder="Payload" />
      </label>
      <div class="actions">
        <label class="check">
          QoS
          <select name="qos">
            <option>0</option>
            <option selected>1</option>
            <option>2</option>
          </select>
        </label>
        <label class="check">
          <input type="checkbox" name="retain" /> retained
        </label>
        <button type="submit" class="primary" disabled={isBusy.value}>
          Publish
        </button>
      </div>
    </form>
  )
}
