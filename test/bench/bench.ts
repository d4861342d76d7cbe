/** `npm run bench [events]` measures throughput, `npm run bench isolation [seconds]` what dead endpoints cost others. */
if (process.argv[2] === 'isolation') await import('./isolation.ts')
else await import('./throughput.ts')
