/** Every kind of fault. */
import type { FaultKind } from '../plan.ts'
import { brokerFull, brokerKill, brokerLost, brokerPause } from './broker-away.ts'
import { churn } from './churn.ts'
import { clockStep } from './clock-step.ts'
import { endpointHalfOpen, endpointSliced, kafkaHalfOpen, kafkaSliced } from './connections.ts'
import { endpointsThat } from './endpoints-misbehave.ts'
import type { FaultOf } from './fault.ts'
import { hooksEdited } from './hooks-edited.ts'
import { kill, term } from './processor-ends.ts'
import { loopBlocked, stop } from './processor-stalls.ts'
import { registryGone } from './registry-gone.ts'
import { resultsUnwritable } from './results-unwritable.ts'

export const faultsByKind: Readonly<Record<FaultKind, FaultOf>> = {
  kill,
  term,
  stop,
  'loop-blocked': loopBlocked,
  churn,
  'clock-step': clockStep,
  'broker-kill': brokerKill,
  'broker-pause': brokerPause,
  'broker-full': brokerFull,
  'broker-lost': brokerLost,
  'results-unwritable': resultsUnwritable,
  'registry-gone': registryGone,
  'kafka-sliced': kafkaSliced,
  'kafka-half-open': kafkaHalfOpen,
  'endpoint-reset': endpointsThat('reset'),
  'endpoint-hang': endpointsThat('hang'),
  'endpoint-flood': endpointsThat('flood'),
  'endpoint-late': endpointsThat('late'),
  'endpoint-sliced': endpointSliced,
  'endpoint-half-open': endpointHalfOpen,
  'hooks-edited': hooksEdited,
}
