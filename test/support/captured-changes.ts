/**
 * Rows of Logto's `hooks` table as Debezium 3.1.1 wrote them of that table in PostgreSQL 15, by connector setting; only
 * times and positions were shortened.
 */

export const capturedId = 'w2f8p6u0c9ydj3ms7ealr'

export const hookRow = {
  tenant_id: 'default',
  id: capturedId,
  name: 'CRM',
  event: null,
  events: '["PostRegister"]',
  config: '{"url": "https://crm.example/hook", "headers": {"x-team": "growth"}}',
  signing_key: 'Qm3Vx8Zc1Lk6Jh9Gf4Ds7Aa2Pp5Oo0Ii',
  enabled: true,
  created_at: '2026-09-14T09:02:11.019123Z',
}
/** The row in a delete when the replica identity is the default: only the key. */
export const emptiedRow = {
  tenant_id: '',
  id: capturedId,
  name: '',
  event: null,
  events: '[]',
  config: '',
  signing_key: '',
  enabled: true,
  created_at: '1970-01-01T00:00:00.000000Z',
}
export const source = {
  version: '3.1.1.Final',
  connector: 'postgresql',
  name: 'logto',
  ts_ms: 1_789_376_531_019,
  snapshot: 'false',
  db: 'postgres',
  schema: 'public',
  table: 'hooks',
  txId: 733,
  lsn: 22_260_000,
  xmin: null,
}
export const change = (op: string, before: unknown, after: unknown) => ({
  before,
  after,
  source,
  transaction: null,
  op,
  ts_ms: 1_789_376_531_019,
})
export const connectSchema = {
  type: 'struct',
  fields: [{ type: 'string', optional: false, field: 'id' }],
  optional: true,
  name: 'logto.public.hooks.Value',
}
export const wrapped = (payload: unknown) => ({ schema: connectSchema, payload })
/** The fields that `add.fields` of `ExtractNewRecordState` adds. */
export const flatteningFields = { __op: 'c', __lsn: 22_571_128, __source_ts_ms: 1_789_376_531_019 }
