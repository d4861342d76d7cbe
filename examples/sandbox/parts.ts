/** What the sandbox is made of, whichever way each part is started. */

/** Something that accepts Kafka's clients. */
export interface Broker {
  /** `host:port`, as clients want it. */
  readonly brokers: readonly string[]
  stop(): Promise<void>
}

/** Something that speaks the protocol of Confluent's registry. */
export interface Registry {
  /** For `SCHEMA_REGISTRY_URL`. */
  readonly url: string
  stop(): Promise<void>
}

/** Tells a person what is going on, one line at a time. */
export type Progress = (message: string) => void

export const silent: Progress = () => {}
