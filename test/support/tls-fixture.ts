import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'

/**
 * A self-signed certificate for `localhost` and 127.0.0.1, valid until 2126, and its key. Made for these tests by
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost,IP:127.0.0.1`. It protects nothing.
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUMuwWDuecRkjXqBxAYPABFwxBQLwwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDEyMDIzOVoYDzIxMjYxMDMx
MTIwMjM5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ4jdCS+S61xXjAv/woJ/m4Ed+dHos+NKi/dQkn+gmtGsVc6J/GwrNX
Kyj4A9fF6rAQlRKQj7VwR0U4GiIFeZqOo28wbTAdBgNVHQ4EFgQUmoiVsKgAd2/c
K2L51ub/KcaxE/4wHwYDVR0jBBgwFoAUmoiVsKgAd2/cK2L51ub/KcaxE/4wGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIgW5TFE5dSKPqseTLiALejkxsCvB9VYGUGaTAhzlkKtlsCIQCN
jzLF5OEZQlf19eHolgbYe2tJNu2ob7GPW7EaQ48ILw==
-----END CERTIFICATE-----
`

export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrz8zRv9KWB8NinGS
aY/VYVscrbLPKsNlO1ouBu7aqOahRANCAAQ4jdCS+S61xXjAv/woJ/m4Ed+dHos+
NKi/dQkn+gmtGsVc6J/GwrNXKyj4A9fF6rAQlRKQj7VwR0U4GiIFeZqO
-----END PRIVATE KEY-----
`

/** Trusts the certificate, as `NODE_EXTRA_CA_CERTS` does at the start of a process. */
export function trustFixture(): void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  onTestFinished(() => setDefaultCACertificates(before))
}
