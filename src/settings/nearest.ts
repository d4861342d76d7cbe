/** Which known name a misspelt one was probably meant to be. */

/**
 * The known name that is fewest slips away: a letter too many, missing, wrong, or two swapped. A name that was begun and
 * not ended counts as found too. `undefined` when none is near enough to be worth a guess, or `name` itself is known.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined
  const begun = name.length >= 3 ? known.filter((one) => one.startsWith(name)) : []
  if (begun.length === 1) return begun[0]
  let nearest: string | undefined
  let fewest = Math.min(3, Math.floor(name.length / 3)) + 1
  for (const one of known) {
    const slips = slipsBetween(name, one)
    if (slips >= fewest) continue
    nearest = one
    fewest = slips
  }
  return nearest
}

/** Edit distance where swapping two neighbours is one edit (optimal string alignment). */
export function slipsBetween(one: string, other: string): number {
  let beforeLast: readonly number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          row > 1 && column > 1 && isSwapped
            ? at(beforeLast, column - 2) + 1
            : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, other.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
