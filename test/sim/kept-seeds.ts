/**
 * Seeds that found something, with a line on what. They are run whatever range of seeds is. What a seed draws changes with
 * `plan*.ts`: a seed whose world no longer shows what it found is replaced by one that does, or taken out.
 */
export const keptSeeds: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 5, found: 'runs of a well hook waited on a tier while its lane was idle' },
  { seed: 6, found: 'an event sent again under its id lost its retry' },
  {
    seed: 9,
    found: 'an event with a slow sibling was called again 20 s after it had been delivered',
  },
  { seed: 21, found: 'a burst for a slow hook was put off though its lane had nothing to do' },
  { seed: 23, found: 'an orderly join repeated calls whose siblings still waited' },
  { seed: 31, found: 'deferrals of a well endpoint outlived the deliveries' },
  { seed: 84, found: 'jitter cost a first retry a second hop' },
  {
    seed: 91,
    found: 'a run that had ended was called for again from the record of another process',
  },
  {
    seed: 173,
    found: 'a crowd of calls was started until after the proof of membership was too old',
  },
  {
    seed: 507,
    found:
      'an event whose first end was acknowledged while its group drained was not split, and repeated',
  },
]
