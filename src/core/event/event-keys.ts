/** Event keys of Logto (its webhook reference, section 1), in Logto's order. The list grows: any key of the form counts. */

/** What gives an event its shape: who caused it, and which fields the payload has beside `event` and `createdAt`. */
export type EventFamily = 'interaction' | 'data' | 'exception'

export const eventKeysOf = {
  interaction: [
    'PostRegister',
    'PostSignIn',
    'PostSignInAdaptiveMfaTriggered',
    'PostResetPassword',
  ],
  data: [
    'User.Created',
    'User.Deleted',
    'User.Data.Updated',
    'User.SuspensionStatus.Updated',
    'TrustedDevice.Created',
    'TrustedDevice.Deleted',
    'Role.Created',
    'Role.Deleted',
    'Role.Data.Updated',
    'Role.Scopes.Updated',
    'Scope.Created',
    'Scope.Deleted',
    'Scope.Data.Updated',
    'Organization.Created',
    'Organization.Deleted',
    'Organization.Data.Updated',
    'Organization.Membership.Updated',
    'OrganizationRole.Created',
    'OrganizationRole.Deleted',
    'OrganizationRole.Data.Updated',
    'OrganizationRole.Scopes.Updated',
    'OrganizationScope.Created',
    'OrganizationScope.Deleted',
    'OrganizationScope.Data.Updated',
  ],
  exception: ['Identifier.Lockout', 'Message.RateLimited', 'Grant.LimitExceeded'],
} as const satisfies Readonly<Record<EventFamily, readonly string[]>>

/** The 31 keys that Logto defines. */
export const eventKeys: readonly string[] = Object.values(eventKeysOf).flat()

/** Event keys of hooktide's own notices (docs/notices.md). */
export const noticeKeys = [
  'Hooktide.Endpoint.Failing',
  'Hooktide.Endpoint.Open',
  'Hooktide.Endpoint.Disabled',
  'Hooktide.Endpoint.Recovered',
  'Hooktide.Deliveries.Lost',
] as const
export type NoticeKey = (typeof noticeKeys)[number]

/** All keys that are defined: Logto's, and those of notices. */
export const knownEventKeys: readonly string[] = [...eventKeys, ...noticeKeys]

/** Longest event key, as in Logto's `hooks` table. */
const maxEventKeyLength = 128
const form = /^[A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)*$/

/** Whether the text has the form of an event key, known or not. */
export function isEventKey(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxEventKeyLength && form.test(value)
}
