// What a store says to writers in each of its states.

import { AppError } from '../../domain/errors.ts'
import type { StoreStatus } from '../store.ts'

/** Why a write is refused just now, or `null`. */
export function refusalIn(state: StoreStatus['state']): AppError | null {
  if (state === 'ok') return null
  if (state === 'closed') return new AppError('shutting_down', 'the server is shutting down')
  if (state === 'full')
    return new AppError('store_full', 'the disk is full; nothing is stored until there is space')
  return new AppError('store_unavailable', 'the store cannot take writes just now; it is being opened again')
}
