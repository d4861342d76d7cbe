/** The demo as data: who has which hooks, what happens in which order, and what has to come of it. */
import { deliveryIdOf } from '../../src/core/model/identity.ts'
import type {
  DeliveryId,
  HookId,
  Outcome,
  RejectionReason,
  TenantId,
} from '../../src/core/model/model.ts'

export interface DemoHook {
  readonly id: HookId
  readonly tenantId: TenantId
  readonly name: string
  readonly events: readonly string[]
  /** Where its endpoint is on the demo's receiver. */
  readonly path: string
}

export interface DemoDelivery {
  readonly hookId: HookId
  readonly path: string
  /** Status codes of the endpoint's answers, one for each attempt. */
  readonly answers: readonly number[]
}

export type Step =
  | {
      readonly kind: 'send'
      /** File in this folder. */
      readonly sample: string
      readonly tenantId: TenantId
      readonly eventId: string
      readonly deliveries: readonly DemoDelivery[]
    }
  /** A webhook as Logto sends it, to `hooktide ingest`. Its only tenant is {@link webhookTenant}. */
  | {
      readonly kind: 'webhook'
      /** File in this folder. */
      readonly sample: string
      readonly tenantId: TenantId
      /** `ingest` makes it from the payload: see docs/ingest.md. */
      readonly eventId: string
      readonly deliveries: readonly DemoDelivery[]
    }
  /** Written past `events send`, which would refuse it. */
  | {
      readonly kind: 'send-faulty'
      readonly sample: string
      readonly key: string
      readonly reason: RejectionReason
      readonly field: string
    }
  | { readonly kind: 'move-hook'; readonly hookId: HookId; readonly path: string }
  | { readonly kind: 'delete-hook'; readonly hookId: HookId }

/** An act ends when each of its deliveries has ended. */
export interface Act {
  readonly title: string
  readonly about: string
  readonly steps: readonly Step[]
}

export const hooks: readonly DemoHook[] = [
  {
    id: 'acme-sign-ins',
    tenantId: 'acme',
    name: 'Sign-ins to the fraud desk',
    events: ['PostRegister', 'PostSignIn'],
    path: '/acme/sign-ins',
  },
  {
    id: 'acme-users',
    tenantId: 'acme',
    name: 'Users to the data warehouse',
    events: ['User.Created', 'User.Data.Updated'],
    path: '/acme/users',
  },
  {
    id: 'globex-audit',
    tenantId: 'globex',
    name: 'Audit trail',
    events: ['PostSignIn', 'User.Data.Updated'],
    path: '/globex/audit',
  },
  {
    id: 'globex-crm',
    tenantId: 'globex',
    name: 'Users to the CRM',
    events: ['User.Created', 'User.Data.Updated'],
    path: '/globex/crm',
  },
]

/** What an endpoint answers to its first calls. After them, and everywhere else, it is 200. */
export const firstAnswers: Readonly<Record<string, readonly number[]>> = {
  '/globex/audit': [500, 500],
}

/** The tenant of the Logto that sends webhooks. */
export const webhookTenant = 'acme'

export const acts: readonly Act[] = [
  {
    title: 'Logto sends a webhook over HTTP',
    about: 'Its event goes through Kafka to all matching hooks. Logto needs only one webhook.',
    steps: [
      {
        kind: 'webhook',
        sample: 'user-new.json',
        tenantId: webhookTenant,
        eventId: 'logto-j6-1tWc8Rg2ng56bP8y0Up',
        deliveries: [{ hookId: 'acme-users', path: '/acme/users', answers: [200] }],
      },
    ],
  },
  {
    title: 'An event goes to the hooks of its tenant that want it',
    about: 'One call each, signed twice: by Logto’s rule and by that of Standard Webhooks.',
    steps: [
      {
        kind: 'send',
        sample: 'sign-in.json',
        tenantId: 'acme',
        eventId: 'evt-1',
        deliveries: [{ hookId: 'acme-sign-ins', path: '/acme/sign-ins', answers: [200] }],
      },
      {
        kind: 'send',
        sample: 'user-new.json',
        tenantId: 'acme',
        eventId: 'evt-2',
        deliveries: [{ hookId: 'acme-users', path: '/acme/users', answers: [200] }],
      },
    ],
  },
  {
    title: 'An endpoint fails twice and then accepts',
    about: 'Its retries wait in Kafka, and no other hook waits for them.',
    steps: [
      {
        kind: 'send',
        sample: 'sign-in.json',
        tenantId: 'globex',
        eventId: 'evt-3',
        deliveries: [{ hookId: 'globex-audit', path: '/globex/audit', answers: [500, 500, 200] }],
      },
      {
        kind: 'send',
        sample: 'user-new.json',
        tenantId: 'globex',
        eventId: 'evt-4',
        deliveries: [{ hookId: 'globex-crm', path: '/globex/crm', answers: [200] }],
      },
    ],
  },
  {
    title: 'A hook is edited while events come in',
    about: 'The next event of the same user goes to the new URL, signed with the same key.',
    steps: [
      { kind: 'move-hook', hookId: 'acme-users', path: '/acme/users-v2' },
      {
        kind: 'send',
        sample: 'user-edit.json',
        tenantId: 'acme',
        eventId: 'evt-5',
        deliveries: [{ hookId: 'acme-users', path: '/acme/users-v2', answers: [200] }],
      },
    ],
  },
  {
    title: 'A hook is deleted by a tombstone',
    about: 'Two hooks wanted the next event; one of them is no longer there.',
    steps: [
      { kind: 'delete-hook', hookId: 'globex-crm' },
      {
        kind: 'send',
        sample: 'user-edit.json',
        tenantId: 'globex',
        eventId: 'evt-6',
        deliveries: [{ hookId: 'globex-audit', path: '/globex/audit', answers: [200] }],
      },
    ],
  },
  {
    title: 'An event that is not valid holds up nobody',
    about:
      'It goes to a topic of its own, with the reason; the next event of its key is delivered.',
    steps: [
      {
        kind: 'send-faulty',
        sample: 'sign-in-without-time.json',
        key: 'm4x8t2kq7w1c',
        reason: 'missing-field',
        field: 'createdAt',
      },
      {
        kind: 'send',
        sample: 'sign-in.json',
        tenantId: 'acme',
        eventId: 'evt-7',
        deliveries: [{ hookId: 'acme-sign-ins', path: '/acme/sign-ins', answers: [200] }],
      },
    ],
  },
]

export function hookOf(hookId: HookId): DemoHook {
  const hook = hooks.find(({ id }) => id === hookId)
  if (hook === undefined) throw new Error(`The script has no hook ${hookId}`)
  return hook
}

/** The hook that has, or will have, its endpoint at a path. */
export function hookAt(path: string): DemoHook | undefined {
  const moves = acts.flatMap(({ steps }) => steps).filter((step) => step.kind === 'move-hook')
  const moved = moves.find((step) => step.path === path)
  return hooks.find((hook) => hook.id === moved?.hookId || hook.path === path)
}

/** One call that has to be made, and the result it has to have. */
export interface ExpectedCall {
  readonly deliveryId: DeliveryId
  readonly eventId: string
  readonly hookId: HookId
  readonly path: string
  readonly attempt: number
  readonly status: number
  readonly outcome: Outcome
}

export interface ExpectedRejection {
  readonly reason: string
  readonly field: string
}

export interface Expectation {
  readonly calls: readonly ExpectedCall[]
  readonly rejections: readonly ExpectedRejection[]
}

/** What has to come of these acts. */
export function expectationOf(played: readonly Act[]): Expectation {
  const steps = played.flatMap((act) => act.steps)
  return {
    calls: steps.flatMap((step) => (isSent(step) ? callsOf(step) : [])),
    rejections: steps.flatMap((step) => (step.kind === 'send-faulty' ? [step] : [])),
  }
}

/** A step that sends an event that is delivered. */
export type SentStep = Extract<Step, { readonly kind: 'send' | 'webhook' }>

export function isSent(step: Step): step is SentStep {
  return step.kind === 'send' || step.kind === 'webhook'
}

/** The delivery ids are computed here, not learnt from what is compared with them. */
export function callsOf({ tenantId, eventId, deliveries }: SentStep): readonly ExpectedCall[] {
  return deliveries.flatMap(({ hookId, path, answers }) =>
    answers.map((status, index) => ({
      deliveryId: deliveryIdOf(tenantId, '', eventId, hookId),
      eventId,
      hookId,
      path,
      attempt: index + 1,
      status,
      outcome: status >= 200 && status < 300 ? 'delivered' : 'retrying',
    })),
  )
}
