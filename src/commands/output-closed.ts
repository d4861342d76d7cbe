/** Why the signal of a command aborts when the reader of its output has closed the pipe: nobody waits for the rest. */
export const outputClosed = 'EPIPE'
