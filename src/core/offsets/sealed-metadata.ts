/**
 * The metadata of hooktide's commits, with a seal. Any program may commit any text in a group, and records whose offsets
 * count as completed are never delivered. So a text counts only with its seal: a checksum over the content and the place
 * that it was written for. Text of another program, group, topic, partition or offset has no such seal, and neither has
 * a text that was changed.
 *
 * The form is `hooktide1:`, a checksum of eleven characters, then the content, which has no white space around it.
 */
import { hash } from 'node:crypto'

/** The place that a commit is for. */
export interface CommitPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
  /** The committed offset. */
  readonly offset: number
}

/** The kind of a content. A text of one kind is not valid as the other. */
export type SealedKind = 'completed' | 'replay'

/** Kafka refuses metadata longer than `offset.metadata.max.bytes`, by default 4,096. It counts characters. */
export const maxMetadataLength = 4_096

const magic = 'hooktide1:'
/** The length of 64 bits as base64url. */
const checksumLength = 11
const sealLength = magic.length + checksumLength
/** The most characters of a content whose sealed text Kafka accepts. */
export const maxContentLength = maxMetadataLength - sealLength

/** @param content at most {@link maxContentLength} characters */
export function sealed(kind: SealedKind, place: CommitPlace, content: string): string {
  return magic + checksumOf(kind, place, content) + content
}

/** The content of a text that was sealed for this place; `undefined` for every other text. */
export function unsealed(kind: SealedKind, place: CommitPlace, text: string): string | undefined {
  // A broker may be configured to accept longer texts from other programs.
  if (text.length > maxMetadataLength || !text.startsWith(magic)) return undefined
  const content = text.slice(sealLength)
  const checksum = text.slice(magic.length, sealLength)
  return checksum === checksumOf(kind, place, content) ? content : undefined
}

/** The first 64 bits of SHA-256: long enough that two texts do not have the same by chance. */
function checksumOf(
  kind: SealedKind,
  { group, topic, partition, offset }: CommitPlace,
  content: string,
): string {
  const sealedText = JSON.stringify([kind, group, topic, partition, offset, content])
  return hash('sha256', sealedText, 'base64url').slice(0, checksumLength)
}
