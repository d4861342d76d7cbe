import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readInput } from '../../src/commands/input/input-file.ts'
import { readSettingFile } from '../../src/edge/bounded-file.ts'

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooktide-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'file')
  writeFileSync(path, text)
  return path
}

it('a file that a setting names is read whole', () => {
  const text = 'Zürich '.repeat(20_000)
  expect(readSettingFile(fileOf(text))).toBe(text)
})

it('a file that a setting names may be no device that never ends', () => {
  expect(() => readSettingFile('/dev/zero')).toThrow('it has more than 1048576 bytes')
  expect(() => readSettingFile(fileOf('a'.repeat(1024 * 1024 + 1)))).toThrow('more than')
})

it('the input of a command is read whole, and may be no device that never ends', async () => {
  const { signal } = new AbortController()
  const inputOf = (file: string) => readInput({ options: { file }, signal })
  const text = '{"a":1}\n'.repeat(50_000)
  expect((await inputOf(fileOf(text))).bytes.toString()).toBe(text)
  await expect(inputOf('/dev/zero')).rejects.toThrow('/dev/zero is larger than 256 MiB')
})
