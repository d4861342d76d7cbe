/** Planted secrets, and the search for them in everything that a program wrote. */
import { randomBytes } from 'node:crypto'
import type { RunningProcess } from './hooktide-process.ts'

/** Secrets that differ from everything else in tests, with only characters that all forms write in the same way. */
export function canary(): string {
  return `c4N${randomBytes(9).toString('hex')}Ry7`
}

/** A finding: the name of the secret, its form, and the text around it. */
export interface Sighting {
  readonly secret: string
  readonly form: string
  readonly where: string
  readonly around: string
}

/** Everything that was written, by its writer. */
export class Writings {
  readonly #texts: (readonly [where: string, text: string])[] = []

  add(where: string, text: string): void {
    this.#texts.push([where, text])
  }

  ofProcess(where: string, { lines, errorOutput }: RunningProcess): void {
    this.add(`${where}: log`, JSON.stringify(lines))
    this.add(`${where}: standard error`, errorOutput())
  }

  sightings(known: Readonly<Record<string, string>>): readonly Sighting[] {
    return this.#texts.flatMap(([where, text]) => sightings(where, text, known))
  }
}

const shownAround = 60

/**
 * Every place of `text` that has one of the secrets: unchanged, in any case, backwards, percent-encoded, in hex, as numbers,
 * in base64 at each of its three alignments, and with anything but letters and digits between its characters.
 *
 * @param secrets by name
 */
export function sightings(
  where: string,
  text: string,
  secrets: Readonly<Record<string, string>>,
): readonly Sighting[] {
  const flat = text.toLowerCase()
  const bare = flat.replaceAll(/[^a-z\d]/g, '')
  return Object.entries(secrets).flatMap(([secret, value]) =>
    Object.entries(formsOf(value)).flatMap(([form, { part, isBare }]) => {
      const searched = isBare ? bare : form.startsWith('base64') ? text : flat
      const at = searched.indexOf(part)
      if (at < 0) return []
      const around = searched.slice(Math.max(0, at - shownAround), at + part.length + shownAround)
      return [{ secret, form, where, around }]
    }),
  )
}

interface Form {
  readonly part: string
  /** Searched for in the text after everything except letters and digits was removed. */
  readonly isBare: boolean
}

function formsOf(secret: string): Readonly<Record<string, Form>> {
  const flat = secret.toLowerCase()
  const bytes = Buffer.from(secret)
  const form = (part: string, isBare = false): Form => ({ part, isBare })
  return {
    plain: form(flat),
    reversed: form(Array.from(flat).toReversed().join('')),
    'percent-encoded': form(encodeURIComponent(secret).toLowerCase()),
    'percent-encoded whole': form([...bytes].map((byte) => `%${byte.toString(16)}`).join('')),
    'JSON-escaped': form(Array.from(flat, (one) => `\\u00${hexOf(one)}`).join('')),
    hex: form(bytes.toString('hex')),
    // The form in which JSON has bytes.
    numbers: form(bytes.join(',')),
    'base64 at 0': form(base64At(bytes, 0)),
    'base64 at 1': form(base64At(bytes, 1)),
    'base64 at 2': form(base64At(bytes, 2)),
    split: form(flat.replaceAll(/[^a-z\d]/g, ''), true),
  }
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0')
}

/** The digits that do not depend on the text around the secret, if it begins `before` bytes into a group. */
function base64At(bytes: Buffer, before: 0 | 1 | 2): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replaceAll('=', '')
  return text.slice(before === 0 ? 0 : before + 1, -1)
}
