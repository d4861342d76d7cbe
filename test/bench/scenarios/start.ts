/** S11: how long a process takes until it is ready with 10,000 hooks, and how long commands take. */
import type { Figures } from '../figures.ts'
import { prepare, runCommand, startProduct, succeed, type Environment } from '../product.ts'
import type { Rig } from '../rig.ts'
import type { Scenario, Subject } from '../scenario.ts'

const hookCount = 10_000
const tenants = 1_000
const ready = `run, until ready with ${hookCount} hooks`
const commands: Readonly<Record<string, readonly string[]>> = {
  'hooktide --version': ['--version'],
  'hooktide hooks put --help': ['hooks', 'put', '--help'],
  'hooktide endpoints list': ['endpoints', 'list'],
}

export const startScenario: Scenario = {
  targets: [
    { subject: ready, figure: 'seconds', limit: { atMost: 1.5 } },
    ...Object.keys(commands).map((subject) => ({
      subject,
      figure: 'seconds',
      limit: { atMost: 0.35 },
    })),
  ],
  async prepare(rig) {
    const environment = rig.environment()
    const hooks = Array.from({ length: hookCount }, (_, n) =>
      rig.hook(`hook${n}`, 'ok', { tenantId: `tenant${n % tenants}` }),
    )
    await prepare(environment, { hooks })
    // What Node keeps of the source that it has compiled once is there from here on, as it is for users.
    for (const args of Object.values(commands)) await succeed(args, environment)
    return [
      { name: ready, measure: () => untilReady(environment, rig) },
      ...Object.entries(commands).map(([name, args]): Subject => ({
        name,
        measure: async () => {
          const startedAt = performance.now()
          const { code, stderr } = await runCommand(args, environment)
          if (code !== 0) throw new Error(`${name} failed: ${stderr}`)
          return { seconds: (performance.now() - startedAt) / 1_000 }
        },
      })),
    ]
  },
}

async function untilReady(environment: Environment, rig: Rig): Promise<Figures> {
  // Another group each time: the last member of the same one may not be forgotten yet.
  const own = { ...environment, HOOKTIDE_GROUP_ID: rig.newName() }
  await succeed(['init', '--from', 'latest'], own)
  const startedAt = performance.now()
  await using running = await startProduct(own)
  const seconds = (performance.now() - startedAt) / 1_000
  await running.stop()
  return { seconds }
}
