/**
 * Seeds that found something, with a line on what. They are run whatever range of seeds is. What a seed draws changes with
 * `plan*.ts`: a seed whose world no longer shows what it found is replaced by one that does, or taken out.
 */
export const keptSeeds: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 14, found: 'runs never ended whose retry or deferral was taken for a repeat' },
  { seed: 16, found: 'deferrals of a well endpoint outlived the deliveries' },
  { seed: 24, found: 'runs of a well hook waited on a tier while its lane was idle' },
  { seed: 34, found: 'an orderly join repeated calls whose siblings still waited' },
  { seed: 117, found: 'jitter cost a retry a second hop' },
  { seed: 205, found: 'a well tenant waited for seconds behind others' },
  {
    seed: 324,
    found:
      'a hook that waited for its rate took the place of another one, and the lanes never ended',
  },
  {
    seed: 632,
    found: 'a run that had ended was called for from another record of it, which waited meanwhile',
  },
  { seed: 688, found: 'hundreds of hooks that hang kept a well tenant waiting' },
  { seed: 3593, found: 'hooks of hundreds of tenants that hang stopped all partitions' },
  {
    seed: 8177,
    found: 'a hook that answers waited for slots among hooks of which nothing was known',
  },
]
