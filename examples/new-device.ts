/**
 * Tells a user of a sign-in from a device that was not seen before: `SIGNING_KEY=… node examples/new-device.ts`.
 *
 * A device is a browser on an operating system, without their versions, or each update would be a new one. The first of a user
 * is told to nobody: it is the one of the sign-up.
 */
import { receive, type Payload } from './receiving.ts'

/** Stands for a table of users and their devices. */
const devices = new Map<string, Set<string>>()

async function onSignIn({ event, user, userAgent, userIp, createdAt }: Payload): Promise<void> {
  if (event !== 'PostSignIn' || !user) return
  const known = devices.get(user.id) ?? new Set()
  devices.set(user.id, known)
  const device = deviceOf(userAgent ?? '')
  const isFirst = known.size === 0
  if (known.has(device)) return
  known.add(device)
  if (isFirst || !user.primaryEmail) return
  await sendMail({
    to: user.primaryEmail,
    text: `Somebody signed in as you with ${device} from ${userIp ?? 'an unknown address'} at ${createdAt}. Was it you?`,
  })
}

function deviceOf(userAgent: string): string {
  const browser = /Edg|OPR|Firefox|Chrome|Safari/.exec(userAgent)?.[0] ?? 'another program'
  const system =
    /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0] ?? 'another system'
  return `${browser} on ${system}`
}

/** Stands for your mail service. */
async function sendMail(mail: { readonly to: string; readonly text: string }): Promise<void> {
  console.log(JSON.stringify({ mail }))
}

receive(
  { signingKey: process.env['SIGNING_KEY'] ?? '', port: Number(process.env['PORT'] ?? 8080) },
  onSignIn,
)
