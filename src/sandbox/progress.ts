/** Tells a person what is going on, one line at a time. */
export type Progress = (message: string) => void

export const silent: Progress = () => {}
