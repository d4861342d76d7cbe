/** What starts workers that run seeds, and waits for them. */
import type { Worker } from 'node:worker_threads'
import type { SeedBatch } from './seed-worker.ts'

/**
 * Resolves when the worker has ended.
 *
 * @param hear called for each batch that it sends
 */
export function ended(worker: Worker, hear: (batch: SeedBatch) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', hear)
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}
