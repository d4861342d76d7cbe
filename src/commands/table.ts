/** Lines for people. */

/** Rows as columns. The last cell of a row is not padded. */
export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, printable(cell).length)
    }
  }
  return rows.map((row) =>
    row
      .map((cell, index) => printable(cell).padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Text that came from outside, without characters that move a terminal's cursor or change what it shows. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
