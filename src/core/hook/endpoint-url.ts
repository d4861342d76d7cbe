/** Which URLs a call can be made to at all. Whether it may be made is another question: see destination.ts. */

export type EndpointUrl =
  | { readonly kind: 'url'; readonly url: URL }
  /** Why no call can be made to it, as the end of a sentence that names what is wrong. */
  | { readonly kind: 'fault'; readonly message: string }

/**
 * Credentials are refused, as by Logto's HTTP client. Port 0 is no port (RFC 6335, section 6), and HTTP clients take it for
 * none at all: they would call the default one.
 */
export function parseEndpointUrl(text: string): EndpointUrl {
  const url = URL.parse(text)
  if (url === null) return { kind: 'fault', message: 'is not a URL' }
  const message = faultOf(url)
  return message === undefined ? { kind: 'url', url } : { kind: 'fault', message }
}

function faultOf({ protocol, username, password, port }: URL): string | undefined {
  if (protocol !== 'https:' && protocol !== 'http:') return 'must be an http or https URL'
  if (username !== '' || password !== '') return 'must not have credentials: use config.headers'
  return port === '0' ? 'must not be a URL with port 0' : undefined
}
