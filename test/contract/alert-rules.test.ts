import { describe, expect, it } from 'vitest'
import { promtool } from '../support/installed-program.ts'

describe('the alert rules', () => {
  it('are accepted by Prometheus', async (context) => {
    const { code, output } = await promtool(context, [
      'check',
      'rules',
      'deploy/prometheus-rules.yml',
    ])
    expect(output).not.toContain('FAILED')
    expect(code).toBe(0)
  })

  it('fire for the condition that they describe, and not for a similar one', async (context) => {
    const { code, output } = await promtool(context, [
      'test',
      'rules',
      'deploy/prometheus-rules.test.yml',
    ])
    expect(output).not.toContain('FAILED')
    expect(code).toBe(0)
  })
})
