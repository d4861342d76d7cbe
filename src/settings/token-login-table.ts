/** Settings of the login to Kafka by token, a part of the table. */
import { filePath, optionalText, tokenEndpoint, tokenParameters } from './parsers.ts'
import { secret, setting } from './setting.ts'

export const tokenLoginTable = {
  oauthTokenEndpoint: {
    ...setting(
      'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT',
      '',
      tokenEndpoint,
      'For oauthbearer: URL of the token endpoint. HTTPS, or HTTP on this machine.',
    ),
    // It may have a key in its query.
    show: (value: unknown) => (typeof value === 'string' ? value.replace(/\?.*/s, '?…') : value),
    flagFault: (text: string) =>
      text.includes('?')
        ? 'must have no query, since arguments show in the list of processes: set KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT'
        : undefined,
  },
  oauthCa: setting(
    'KAFKA_SASL_OAUTHBEARER_CA',
    '',
    filePath,
    'PEM file with the CAs of the token endpoint. The default is the CAs that Node trusts.',
  ),
  oauthClientId: setting(
    'KAFKA_SASL_OAUTHBEARER_CLIENT_ID',
    '',
    optionalText,
    'Client id for the token endpoint.',
  ),
  oauthClientSecret: secret(
    'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET',
    'Client secret for the token endpoint.',
  ),
  oauthClientSecretFile: setting(
    'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE',
    '',
    filePath,
    'File with the client secret, read again for each token.',
  ),
  oauthScope: setting(
    'KAFKA_SASL_OAUTHBEARER_SCOPE',
    '',
    optionalText,
    'Scopes to request, separated by spaces.',
  ),
  oauthParameters: setting(
    'KAFKA_SASL_OAUTHBEARER_PARAMETERS',
    '',
    tokenParameters,
    'Further parameters of the token request, as in a query, such as `resource=https://kafka.example`.',
  ),
} as const
