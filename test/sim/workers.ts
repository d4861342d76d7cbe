/** Waits for workers that run seeds. */
import type { Worker } from 'node:worker_threads'
import type { SeedBatch } from './seed-worker.ts'

/**
 * Resolves when the worker has ended.
 *
 * @param onBatch called for each batch that the worker sends
 */
export function ended(worker: Worker, onBatch: (batch: SeedBatch) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', onBatch)
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}
