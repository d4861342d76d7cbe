/** Grants and revokes rights, as an administrator does. */
import { kafkajs } from '../../src/edge/kafka/kafkajs.ts'
import type { Operation, Right } from '../../src/edge/kafka/needed-rights.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

const operations: Readonly<Record<Operation, kafkajs.AclOperationTypes>> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
}

export async function grant(
  admin: kafkajs.Admin,
  principal: string,
  rights: readonly Right[],
): Promise<void> {
  await admin.createAcls({ acl: rights.map((right) => entryOf(principal, right)) })
}

export async function revoke(
  admin: kafkajs.Admin,
  principal: string,
  rights: readonly Right[],
): Promise<void> {
  await admin.deleteAcls({ filters: rights.map((right) => entryOf(principal, right)) })
}

function entryOf(
  principal: string,
  { operation, resource, name, isPrefix }: Right,
): kafkajs.AclEntry {
  return {
    principal,
    host: '*',
    operation: operations[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: resource === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
    resourceName: name,
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  }
}
