/** What is measured: one or more processes that read events and call the receiver. */
export interface Contender extends AsyncDisposable {
  readonly pids: readonly number[]
  /** Rejects when one of the processes ends. */
  readonly ended: Promise<never>
  /** Ends it in order. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}
