/** Suggests a known name for a misspelt one. */

/**
 * The known name with the smallest edit distance, or the only one that begins with `name`. `undefined` if no known name is
 * near enough, or if `name` itself is known.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined
  const completions = name.length >= 3 ? known.filter((one) => one.startsWith(name)) : []
  if (completions.length === 1) return completions[0]
  let nearest: string | undefined
  let smallest = Math.min(3, Math.floor(name.length / 3)) + 1
  for (const one of known) {
    const distance = editDistance(name, one)
    if (distance >= smallest) continue
    nearest = one
    smallest = distance
  }
  return nearest
}

/** The number of letters to insert, delete, replace or swap with a neighbour (optimal string alignment distance). */
export function editDistance(one: string, other: string): number {
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
