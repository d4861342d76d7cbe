/** Times and durations of filters, by CEL's language definition and its own tests. */
import { describe, expect, it } from 'vitest'
import { filtered } from '../../support/filters.ts'

const t = true

function table(rows: readonly (readonly [text: string, expected: unknown])[]) {
  it.each(rows)('%s is %s', (text, expected) => {
    expect(filtered(text)).toBe(expected)
  })
}

describe('a time', () => {
  table([
    ['timestamp(event.createdAt) == timestamp("2026-09-14T09:02:11.019Z")', t],
    ['timestamp("2026-09-14T11:02:11.019+02:00") == timestamp(event.createdAt)', t],
    ['timestamp(1789376531) == timestamp("2026-09-14T09:02:11Z")', t],
    ['timestamp(timestamp(0)) == timestamp("1970-01-01T00:00:00Z")', t],
    ['timestamp("2026-01-31T00:00:00.000000001Z") > timestamp("2026-01-31T00:00:00Z")', t],
    ['timestamp("yesterday") > timestamp(0)', 'range'],
    ['timestamp("2026-02-30T00:00:00Z") > timestamp(0)', 'range'],
    ['timestamp("2026-01-31") > timestamp(0)', 'range'],
    ['timestamp("0000-01-01T00:00:00Z") < timestamp(0)', 'range'],
    ['timestamp("10000-01-01T00:00:00Z") > timestamp(0)', 'range'],
    ['timestamp(253402300800) > timestamp(0)', 'range'],
    ['timestamp(9223372036854775807) > timestamp(0)', 'range'],
    ['timestamp(event.status) > timestamp(0)', 'type'],
    ['int(timestamp("1970-01-01T00:01:00.9Z")) == 60', t],
    ['int(timestamp("1969-12-31T23:59:59.5Z")) == -1', t],
    ['string(timestamp(event.createdAt)) == event.createdAt', t],
    ['string(timestamp("2026-01-31T10:20:30Z")) == "2026-01-31T10:20:30Z"', t],
    ['string(timestamp("2026-01-31T10:20:30.1Z")) == "2026-01-31T10:20:30.1Z"', t],
    ['string(timestamp("9999-12-31T23:59:59.999999999Z")) == "9999-12-31T23:59:59.999999999Z"', t],
    ['string(timestamp("1969-12-31T23:59:59.999999999Z")) == "1969-12-31T23:59:59.999999999Z"', t],
  ])
})

describe('a duration', () => {
  table([
    ['duration("1h30m") == duration("1.5h") && duration("90s") == duration("1m30s")', t],
    ['duration("1.005s") == duration("1005ms")', t],
    ['duration("0.1ms") + duration("0.2ms") == duration("0.3ms")', t],
    ['duration("1us") == duration("1000ns") && duration("1\u00b5s") == duration("1\u03bcs")', t],
    ['duration("-1.5h") == duration("-90m") && duration("+1h") == duration("60m")', t],
    ['duration(".5s") == duration("500ms") && duration("1.s") == duration("1s")', t],
    ['duration("0") == duration("0s") && duration("0.1ns") == duration("0s")', t],
    ['duration("1h2m3s4ms5us6ns") == duration("3723004005006ns")', t],
    ['duration("") == duration("0s")', 'range'],
    ['duration("1") == duration("1s")', 'range'],
    ['duration("s") == duration("1s")', 'range'],
    ['duration(".s") == duration("1s")', 'range'],
    ['duration("1 h") == duration("1h")', 'range'],
    ['duration("1h ") == duration("1h")', 'range'],
    ['duration("1d") == duration("24h")', 'range'],
    ['duration("9223372036s") > duration("0s") && duration("-9223372036s") < duration("0s")', t],
    ['duration("9223372037s") > duration("0s")', 'range'],
    ['duration("99999999999999999999h") > duration("0s")', 'range'],
    ['duration(event.status) > duration("0s")', 'type'],
    ['string(duration("1000000s")) == "1000000s"', t],
    ['string(duration("1500ms")) == "1.5s" && string(duration("-1500ms")) == "-1.5s"', t],
    ['string(duration("1ns")) == "0.000000001s" && string(duration("0")) == "0s"', t],
  ])
})

describe('counting with them', () => {
  table([
    ['timestamp("2026-01-31T00:00:00Z") + duration("24h") == timestamp("2026-02-01T00:00:00Z")', t],
    ['duration("1h") + timestamp("2026-01-31T00:00:00Z") == timestamp("2026-01-31T01:00:00Z")', t],
    ['timestamp("2026-02-01T00:00:00Z") - duration("24h") == timestamp("2026-01-31T00:00:00Z")', t],
    ['timestamp("2026-02-01T00:00:00Z") - timestamp("2026-01-31T00:00:00Z") == duration("24h")', t],
    ['duration("1h") - duration("2h") == duration("-1h")', t],
    [
      'timestamp("0001-01-01T00:00:01.000000001Z") + duration("-999999999ns") == timestamp("0001-01-01T00:00:00.000000002Z")',
      t,
    ],
    ['timestamp("9999-12-31T23:59:59.999999999Z") + duration("1ns") > timestamp(0)', 'range'],
    ['timestamp("0001-01-01T00:00:00Z") + duration("-1ns") < timestamp(0)', 'range'],
    [
      'timestamp("9999-12-31T23:59:59Z") - timestamp("0001-01-01T00:00:00Z") > duration("1s")',
      'range',
    ],
    ['duration("9223372036s") + duration("1s") > duration("0s")', 'range'],
    ['duration("-9223372036s") - duration("1s") < duration("0s")', 'range'],
    ['event.roles + dyn(duration("1s")) == 1', 'type'],
    ['dyn(timestamp(0)) + dyn(timestamp(0)) == 1', 'type'],
    ['-dyn(duration("1s")) == duration("-1s")', 'type'],
  ])
})

describe('the parts', () => {
  table([
    ['timestamp(event.createdAt).getFullYear() == 2026', t],
    ['timestamp(event.createdAt).getMonth() == 8', t],
    ['timestamp(event.createdAt).getDate() == 14', t],
    ['timestamp(event.createdAt).getDayOfMonth() == 13', t],
    ['timestamp("2026-01-01T00:00:00Z").getDayOfYear() == 0', t],
    ['timestamp("2024-12-31T23:59:59Z").getDayOfYear() == 365', t],
    ['timestamp(event.createdAt).getDayOfWeek() == 1', t],
    ['timestamp("1969-12-31T00:00:00Z").getDayOfWeek() == 3', t],
    ['timestamp(event.createdAt).getHours() == 9', t],
    ['timestamp(event.createdAt).getMinutes() == 2', t],
    ['timestamp(event.createdAt).getSeconds() == 11', t],
    ['timestamp(event.createdAt).getMilliseconds() == 19', t],
    ['timestamp("1969-12-31T23:59:59.123456789Z").getMilliseconds() == 123', t],
    ['timestamp("0001-01-01T00:00:00Z").getFullYear() == 1', t],
    ['duration("90m").getHours() == 1 && duration("90m").getMinutes() == 90', t],
    [
      'duration("3730s").getSeconds() == 3730 && duration("123.321456789s").getMilliseconds() == 321',
      t,
    ],
    ['duration("-1500ms").getSeconds() == -1 && duration("-1500ms").getMilliseconds() == -500', t],
    ['dyn(duration("1s")).getFullYear() == 1', 'type'],
    ['event.createdAt.getHours() == 1', 'type'],
    ['!event.isSuspended && timestamp(event.none).getHours() == 1', 'type'],
  ])
})
