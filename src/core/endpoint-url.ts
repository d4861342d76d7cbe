/** Which URLs a call can be made to at all. Whether it may be made is another question: see destination.ts. */

/**
 * Why no call can be made to a URL, as the end of a sentence that names its field; `undefined` when one can. Port 0 is no
 * port (RFC 6335, section 6), and HTTP clients take it for none at all: they would call the default one.
 */
export function urlFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return 'is not a URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an http or https URL'
  if (url.username !== '' || url.password !== '') {
    return 'must not have credentials: use config.headers'
  }
  return url.port === '0' ? 'must not be a URL with port 0' : undefined
}
