/** The processors may not write to the results topic, as if their right had been removed by mistake. */
import { kafkajs } from '../../../src/edge/kafka/kafkajs.ts'
import { createKafka } from '../../../src/edge/kafka/client.ts'
import { settingsOf, silentLog } from '../../support/kafka-tools.ts'
import { processorLogin } from '../brokers.ts'
import type { FaultOf } from './fault.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

/** A topic with an ACL entry is closed to all whom no entry allows. */
function entriesOf(topic: string): kafkajs.AclEntry[] {
  const everybody = {
    principal: 'User:*',
    host: '*',
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
  }
  return [
    { ...everybody, operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.ALLOW },
    {
      ...everybody,
      principal: `User:${processorLogin.user}`,
      operation: AclOperationTypes.WRITE,
      permissionType: AclPermissionTypes.DENY,
    },
  ]
}

const why = 'it may not write results, and reports this at its start'

export const resultsUnwritable: FaultOf = {
  async begin({ brokers, prefix, excuses }) {
    const topic = `${prefix}.webhook.results`
    const acl = entriesOf(topic)
    const admin = createKafka(settingsOf(brokers.addresses), silentLog, 'command').admin()
    await admin.connect()
    const excuse = { why, from: Date.now(), until: Number.POSITIVE_INFINITY }
    excuses.push(excuse)
    await admin.createAcls({ acl })
    return {
      what: 'no right to write results',
      countsFrom: 'end',
      async end() {
        await admin.deleteAcls({ filters: acl })
        await admin.disconnect()
        excuse.until = Date.now()
      },
    }
  },
}
