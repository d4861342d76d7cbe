/**
 * Seeds that found something, with a line on what. They are run whatever range of seeds is. What a seed draws changes with
 * `plan*.ts`: a seed whose world no longer shows what it found is replaced by one that does, or taken out.
 */
export const keptSeeds: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 5, found: 'runs of a well hook waited on a tier while its lane was idle' },
  { seed: 6, found: 'an event sent again under its id lost its retry' },
  { seed: 21, found: 'a burst for a slow hook was put off though its lane had nothing to do' },
  { seed: 31, found: 'deferrals of a well endpoint outlived the deliveries' },
  { seed: 45, found: 'jitter cost a first retry a second hop' },
  { seed: 57, found: 'an orderly join repeated calls whose siblings still waited' },
  { seed: 66, found: 'a run was called for from a record that waited while another one ended it' },
  {
    seed: 91,
    found: 'a run that had ended was called for again from the record of another process',
  },
  { seed: 201, found: 'a well tenant waited for seconds behind one that misbehaved' },
  { seed: 912, found: 'a retry that a former owner had written was made after the run had ended' },
  {
    seed: 3991,
    found:
      'a run that ended in an ownership that was over was called for again by the same process',
  },
]
