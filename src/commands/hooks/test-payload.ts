/**
 * The payload that Logto sends when a webhook is tested in its console (Logto's webhook reference, section 2.5), with fixed
 * made-up values. As in Logto, exception events get the fields of data events here.
 */
import { eventKeysOf } from '../../core/event/event-keys.ts'
import type { EpochMs } from '../../core/model/model.ts'

/** JSON text of the payload, without `hookId`, which each delivery adds. */
export function testPayload(event: string, now: EpochMs, createdAt: string): Buffer {
  const isInteraction = eventKeysOf.interaction.some((key) => key === event)
  const payload = {
    event,
    createdAt,
    userAgent: 'fake-user-agent',
    ...(isInteraction ? interactionFields(now) : dataFields),
  }
  return Buffer.from(JSON.stringify(payload))
}

const userId = 'fake-id'
const applicationId = 'fake-spa-application-id'

function interactionFields(now: EpochMs) {
  return {
    sessionId: 'fake-session-id',
    userIp: 'fake-user-ip',
    userId,
    user: {
      id: userId,
      username: 'fake-user',
      primaryEmail: 'fake-user@fake-service.com',
      primaryPhone: '1234567890',
      name: 'Fake User',
      avatar: 'https://fake-service.com/avatars/fake-user.png',
      customData: { theme: 'light' },
      identities: {
        google: {
          userId: 'fake-google-user-id',
          details: { id: 'fake-google-user-id', email: 'fake-user@fake-service.com' },
        },
      },
      lastSignInAt: now,
      createdAt: now,
      updatedAt: now,
      profile: {},
      applicationId,
      cimdClientId: null,
      isSuspended: false,
    },
    application: {
      id: applicationId,
      type: 'SPA',
      name: 'Fake application',
      description: 'Stands for the application that a user signs in to',
    },
  }
}

const dataFields = {
  path: '/fake-path/:id',
  method: 'POST',
  status: 200,
  params: { id: userId },
  data: { result: 'success' },
} as const
