/**
 * Compresses and decompresses the records of a Kafka record batch. Decompression is bounded, because a hostile producer
 * could write a batch of a megabyte that decompresses to gigabytes.
 */
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import { asError } from '../../core/model/errors.ts'

export type Codec = 'gzip' | 'snappy' | 'lz4' | 'zstd'

interface Snappy {
  compress(plain: Buffer): Buffer
  /** Throws before it allocates memory if the block declares a larger size. */
  uncompress(block: Buffer, maxBytes: number): Buffer
}

interface Lz4 {
  compressFrame(plain: Buffer): Promise<Buffer>
  decompressFrame(frame: Buffer): Promise<Buffer>
}

/** The installation lacks the library for a compression. The records may still be valid. */
export class CodecMissingError extends Error {
  /** KafkaJS must not retry either. */
  readonly retriable = false
}

/** Loaded when first needed, because most topics need neither, and one of them is a native module. */
const requireFrom = createRequire(import.meta.url)
const snappy = () => load('snappyjs') as Snappy
const lz4 = () => load('lz4-napi') as Lz4

function load(name: string): unknown {
  try {
    return requireFrom(name)
  } catch (error) {
    throw new CodecMissingError(
      `${name} cannot be loaded (${asError(error).message}): install hooktide's packages anew on this machine, ` +
        'without --omit=optional, which leaves native modules out.',
      { cause: error },
    )
  }
}

const zip = { gzip: promisify(gzip), zstd: promisify(zstdCompress) }
const unzip = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) }

export async function compress(codec: Codec, plain: Buffer): Promise<Buffer> {
  switch (codec) {
    case 'gzip':
    case 'zstd':
      return await zip[codec](plain)
    case 'snappy':
      return snappyStream(plain)
    case 'lz4':
      return await lz4().compressFrame(plain)
  }
}

/** @throws {Error} when the bytes are broken, or would decompress to more than `maxBytes` */
export async function decompress(codec: Codec, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  switch (codec) {
    case 'gzip':
    case 'zstd':
      return await unzip[codec](bytes, { maxOutputLength: maxBytes })
    case 'snappy':
      return snappyPlain(bytes, maxBytes)
    case 'lz4':
      refuseLargerFrames(bytes, maxBytes)
      return await lz4().decompressFrame(bytes)
  }
}

// --- snappy: Java's stream of blocks (https://github.com/xerial/snappy-java), or one bare block --------

const snappyMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
/** The magic, and two versions that every writer since 2011 sets to 1. */
const snappyHeader = Buffer.concat([snappyMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** The size of blocks in Java. A block cannot refer to bytes before it. */
const snappyBlockBytes = 32 * 1024

function snappyStream(plain: Buffer): Buffer {
  const parts: Buffer[] = [snappyHeader]
  for (let start = 0; start < plain.length; start += snappyBlockBytes) {
    const block = snappy().compress(plain.subarray(start, start + snappyBlockBytes))
    const size = Buffer.alloc(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

function snappyPlain(bytes: Buffer, maxBytes: number): Buffer {
  const isStream = bytes.subarray(0, snappyMagic.length).equals(snappyMagic)
  if (!isStream) return snappy().uncompress(bytes, maxBytes)
  const parts: Buffer[] = []
  let room = maxBytes
  for (let at = snappyHeader.length; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new Error('a snappy block is cut off')
    const part = snappy().uncompress(bytes.subarray(at + 4, end), room)
    parts.push(part)
    room -= part.length
    at = end
  }
  return Buffer.concat(parts)
}

// --- lz4: frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md) -----------------------

const lz4Magic = 0x184d2204
/** No sequence of a block says more than this with a byte. */
const lz4MaxRatio = 255

/** The library has no bound, and a frame need not declare its size. So the size is bounded by the sizes of the blocks. */
function refuseLargerFrames(bytes: Buffer, maxBytes: number): void {
  let room = maxBytes
  for (let at = 0; at < bytes.length;) {
    if (bytes.readUInt32LE(at) !== lz4Magic) throw new Error('this is no lz4 frame')
    const flags = bytes.readUInt8(at + 4)
    const maxBlockBytes = 2 ** (8 + 2 * ((bytes.readUInt8(at + 5) >> 4) & 7))
    const [hasDictionary, hasSize] = [(flags & 0x01) !== 0, (flags & 0x08) !== 0]
    const [hasChecksum, hasBlockChecksums] = [(flags & 0x04) !== 0, (flags & 0x10) !== 0]
    at += 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0)
    for (;;) {
      const word = bytes.readUInt32LE(at)
      at += 4
      if (word === 0) break
      const isPlain = word > 0x7fff_ffff
      const size = word & 0x7fff_ffff
      room -= isPlain ? size : Math.min(maxBlockBytes, size * lz4MaxRatio)
      if (room < 0) throw new RangeError(`more than ${maxBytes} bytes`)
      at += size + (hasBlockChecksums ? 4 : 0)
    }
    if (hasChecksum) at += 4
  }
}
