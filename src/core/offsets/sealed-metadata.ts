/**
 * The text that hooktide leaves as the metadata of a commit, sealed so that no other can be taken for it. Any program may
 * commit any text in a group, and what is read as completed offsets is never delivered. So a text is believed only with
 * its seal: a checksum over the content and the place that it was written for. Metadata of another program, of another
 * group, topic or partition, of another offset, or changed in one character, has none.
 *
 * The form is `hooktide1:`, eleven characters of checksum, then the content: text without white space around it.
 */
import { hash } from 'node:crypto'

/** What a commit is of. */
export interface CommitPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** The committed offset. */
  readonly offset: number
}

/** What a content is of: the text of one kind is not believed where the other is asked for. */
export type SealedKind = 'completed' | 'replay'

/** Kafka refuses metadata over `offset.metadata.max.bytes`, 4,096 by default. It counts characters. */
export const maxMetadataLength = 4_096

const magic = 'hooktide1:'
/** 64 bits as base64url. */
const checksumLength = 11
const sealLength = magic.length + checksumLength
/** Characters of a content whose sealed text Kafka takes. */
export const maxContentLength = maxMetadataLength - sealLength

/** @param content at most {@link maxContentLength} characters */
export function sealed(kind: SealedKind, place: CommitPlace, content: string): string {
  return magic + checksumOf(kind, place, content) + content
}

/** The content of a text that was sealed for this place; `undefined` for every other text. */
export function unsealed(kind: SealedKind, place: CommitPlace, text: string): string | undefined {
  // A broker may be set to keep longer ones, and then of anybody.
  if (text.length > maxMetadataLength || !text.startsWith(magic)) return undefined
  const content = text.slice(sealLength)
  const checksum = text.slice(magic.length, sealLength)
  return checksum === checksumOf(kind, place, content) ? content : undefined
}

/** A prefix of SHA-256 rather than a CRC: 64 bits, and nothing that differs is likely to have the same. */
function checksumOf(
  kind: SealedKind,
  { group, topic, partition, offset }: CommitPlace,
  content: string,
): string {
  const sealedText = JSON.stringify([kind, group, topic, partition, offset, content])
  return hash('sha256', sealedText, 'base64url').slice(0, checksumLength)
}
