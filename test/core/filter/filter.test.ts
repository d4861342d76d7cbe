/** The meaning of filters: CEL by its language definition, on events in JSON. */
import { describe, expect, it } from 'vitest'
import { filtered, hostileEvent } from '../../support/filters.ts'

const t = true
const f = false

function table(rows: readonly (readonly [text: string, expected: unknown])[]) {
  it.each(rows)('%s is %s', (text, expected) => {
    expect(filtered(text)).toBe(expected)
  })
}

describe('fields', () => {
  table([
    ['event.user.id == "u1"', t],
    ["event['user']['id'] == 'u1'", t],
    ['event.user.nothing == "x"', 'missing-key'],
    ['event.status.code == 1', 'type'],
    ['has(event.user.name)', t],
    ['has(event.user.nothing)', f],
    ['has(event.nobody.name)', 'missing-key'],
    ['has(event.none)', t],
    ['has(event.status.code)', 'type'],
    ['has(event["user"].id) && has(event.people[0].name) && has({"a": 1}.a)', t],
    ['has({"a": 1}.b)', f],
    ['event.package', 'missing-key'],
    ['event.roles[0] == "admin"', t],
    ['event.roles[2] == "admin"', 'range'],
    ['event.roles[-1] == "admin"', 'range'],
    ['event.roles[1.0] == "editor"', t],
    ['event.roles[0.5] == "editor"', 'range'],
    ['event.roles["a"] == "editor"', 'type'],
    ['event.none == null', t],
    ['event.isSuspended', f],
    ['event.status', 'not-boolean'],
    ['tenant == "acme"', t],
    ['headers["x-region"] == "eu"', t],
    ['headers["x-nothing"] == "eu"', 'missing-key'],
    ['"x-region" in headers', t],
  ])
})

describe('equality', () => {
  table([
    ['event.status == 200', t],
    ['event.status == 200u', t],
    ['event.status != 201', t],
    ['event.status == "200"', f],
    ['event.levels == [1, 2, 3]', t],
    ['event.levels == [1, 2]', f],
    ['event.levels == [1, 2, "3"]', f],
    ['event.user.customData == {}', t],
    ['event.user == {"id": "u1"}', f],
    ['{"a": [1, {"b": null}]} == {"a": [1.0, {"b": null}]}', t],
    ['dyn({1: "a"}) == {1u: "a"}', t],
    ['event.none == event.status', f],
    ['b"abc" == bytes("abc")', t],
    ['type(event.status) == double', t],
    ['type(event.roles) == list && type(event.user) == map', t],
    ['type(event.none) == null_type', t],
    ['double("NaN") == double("NaN")', f],
    ['double("NaN") in [double("NaN")]', f],
    ['1 == 1.0 && 1u == 1 && 1.0 == 1u', t],
    ['dyn("1") == 1', f],
    // Both numbers are read as doubles, so a number in the payload equals the same text in the filter.
    ['dyn(9007199254740993) == 9007199254740992.0', t],
    ['dyn(9007199254740993) == 9007199254740994.0', f],
    ['dyn(9007199254740993) == 9007199254740992', f],
    ['event.user in [event.user]', t],
    ['headers == {"x-region": "eu", "x-empty": ""}', t],
    ['type(timestamp(0)) == google.protobuf.Timestamp', t],
    ['type(duration("1s")) == google.protobuf.Duration', t],
    ['type(int) == type && type(type(7)) == type(type(7u))', t],
    ['type(7) == type(7u)', f],
    ['event.ratio / 0.0 == event.ratio / 0.0', t],
    ['(0.0 * event.ratio) / 0.0 == (0.0 * event.ratio) / 0.0', f],
  ])
})

describe('order', () => {
  table([
    ['event.status > 199', t],
    ['event.status >= 200u', t],
    ['event.status < 9223372036854775807', t],
    ['dyn(9007199254740993) > dyn(9007199254740992.0)', f],
    ['dyn(9007199254740993) > dyn(9007199254740992)', t],
    ['event.user.id < "u2"', t],
    ['event.user.id < 2', 'type'],
    ['"a" < "B"', f],
    // Texts are compared by code point. In UTF-16 the order differs: the first half of the pair of U+1F600 is below U+FF61.
    ['"\\uff61" < "\\U0001F600"', t],
    ['"ab" < "abc"', t],
    ['false < true', t],
    ['b"a" < b"b" && b"\\xff" > b"a"', t],
    ['-1 < 0u && 18446744073709551615u > 9223372036854775807 && 1u < 1.5', t],
    ['dyn(null) < dyn(null)', 'type'],
    ['dyn([1]) < dyn([2])', 'type'],
    ['double("inf") > 1.7e308 && double("-Infinity") < -1.7e308', t],
    ['(0.0 * event.ratio) / 0.0 < 1.0', f],
    ['timestamp(event.createdAt) > timestamp("2026-09-14T09:02:11Z")', t],
    ['duration("90s") >= duration("1m30s")', t],
  ])
})

describe('logic', () => {
  table([
    ['!event.isSuspended', t],
    ['!event.status', 'type'],
    ['true && false', f],
    ['event.missing && false', f],
    ['false && event.missing', f],
    ['event.missing && true', 'missing-key'],
    ['event.missing || true', t],
    ['true || event.missing', t],
    ['event.missing || false', 'missing-key'],
    ['event.status && false', f],
    ['event.status && true', 'type'],
    ['event.isSuspended ? event.missing : true', t],
    ['event.missing ? true : true', 'missing-key'],
    ['event.status ? true : true', 'type'],
    ['event.status == 200 && event.user.id == "u1" || event.missing', t],
  ])
})

describe('lists and maps', () => {
  table([
    ['"admin" in event.roles', t],
    ['2 in event.levels', t],
    ['"id" in event.user', t],
    ['"owner" in event.roles', f],
    ['"a" in event.status', 'type'],
    ['event.roles.exists(r, r == "editor")', t],
    ['event.roles.all(r, r.startsWith("a"))', f],
    ['event.levels.exists_one(l, l > 2)', t],
    ['event.levels.exists_one(l, l > 1)', f],
    ['dyn(event.levels.map(l, l * 2.0)) == [2, 4, 6]', t],
    ['event.levels.map(l, l > 1, l) == [2, 3]', t],
    ['event.levels.filter(l, l != 2) == [1, 3]', t],
    ['event.user.exists(key, key == "name")', t],
    ['[1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]', t],
    // The inner variable hides the outer one, and both hide the event's fields.
    ['[1].all(event, [2].all(event, event == 2) && event == 1)', t],
    ['dyn([]).all(x, x) && !dyn([]).exists(x, x)', t],
    ['event.roles.all(r, r.missing == 1)', 'type'],
    ['event.roles.exists(r, r == "editor" || r.missing == 1)', t],
    ['event.roles.exists(r, r.missing == 1 || r == "editor")', t],
    ['event.roles.all(r, r == "admin" || event.missing)', 'missing-key'],
    ['event.status.all(x, x)', 'type'],
    ['event.levels.filter(l, l)  == []', 'type'],
    ['event.roles + ["x"] == ["admin", "editor", "x"]', t],
    ['{"a": 1, "a": 2}.size() == 2', 'type'],
    ['{1: 1, 1u: 2}.size() == 2', 'type'],
    ['{dyn(1.0): 2}.size() == 1', 'type'],
    ['dyn(1.5) in {1: 2} || dyn(1e300) in {1: 2} || dyn(null) in {1: 2}', f],
    ['dyn(1u) in {1: 2} && dyn(1.0) in {1: 2} && null in [null]', t],
    ['[] == [] && {} == {} && [[1]] == [[1.0]]', t],
    ['[0, 1].exists(x, 1 / x == 1)', t],
    ['[0, 1].all(x, 1 / x == 2)', f],
    ['[0, 1].exists_one(x, 1 / x == 1)', 'range'],
    ['[1, 2].map(x, 1 / (x - 1)) == [1, 2]', 'range'],
    ['{"a": 1, "b": 2}.filter(k, k == "b") == ["b"]', t],
    ['event.people.exists(p, p.name == "Noor" && p.tags.exists(tag, tag == "new"))', t],
    ['{"a": 1}.a == 1 && {1: "x"}[1.0] == "x" && {true: 1}[true] == 1', t],
    ['size(event.roles) == 2 && event.user.size() == 4', t],
  ])
})

describe('arithmetic', () => {
  table([
    ['1 + 2 * 3 - 4 / 2 == 5', t],
    ['-7 / 2 == -3 && -7 % 2 == -1', t],
    ['event.status + 1.0 == 201.0', t],
    ['event.status + 1 == 201', 'type'],
    ['1 / (2 - 2) == 1', 'range'],
    ['1 % (2 - 2) == 1', 'range'],
    ['event.ratio % dyn(0.1) == 0.0', 'type'],
    ['9223372036854775807 + 1 > 0', 'range'],
    ['-9223372036854775808 < 0', t],
    ['-(-9223372036854775808) > 0', 'range'],
    ['1u - 2u == 0u', 'range'],
    ['18446744073709551615u > 1u', t],
    ['"a" + "b" == "ab" && b"a" + b"b" == b"ab"', t],
    ['-event.ratio == -0.5', t],
    ['-event.user == 1', 'type'],
    ['-5 / 3 == -1 && -5 % 3 == -2 && 5 % -3 == 2 && 7u % 4u == 3u', t],
    ['-9223372036854775808 / -1 == 0', 'range'],
    ['9223372036854775807 * 2 == 0', 'range'],
    ['18446744073709551615u + 1u == 0u', 'range'],
    ['1u / 0u == 0u', 'range'],
    ['1.0 / 0.0 > 1.7e308 && --1 == 1 && 10 - 2 - 3 == 5', t],
  ])
})

describe('functions', () => {
  table([
    ['event.user.primaryEmail.endsWith("@example.com")', t],
    ['event.event.startsWith("User.")', t],
    ['event.event.contains("Data")', t],
    ['event.status.contains("Data")', 'type'],
    ['event.user.name.matches("^Noor\\\\s")', t],
    ['event.user.name.matches("^noor")', f],
    ['event.user.name.matches("(?i)^noor")', t],
    ['event.status.matches("2")', 'type'],
    [
      'matches(event.user.name, "H.*d$") && !"a\\nb".matches("a.b") && "a\\nb".matches("(?s)a.b")',
      t,
    ],
    ['"\\U0001F600".matches("^.$") && "\u00e9".matches(r"^\\pL$") && "".matches("")', t],
    ['event.user.name.lowerAscii() == "noor haddad"', t],
    ['"ÄbC".lowerAscii() == "Äbc" && "äbc".upperAscii() == "äBC"', t],
    ['size("a\\U0001F600b") == 3 && size(b"ab") == 2', t],
    [
      'int("12") == 12 && int(12.9) == 12 && int(-12.9) == -12 && int(7u) == 7 && int("+5") == 5',
      t,
    ],
    ['int("-9223372036854775808") < 0', t],
    ['int("9223372036854775808") > 0', 'range'],
    ['int("0x10") == 16', 'range'],
    ['int(18446744073709551615u) > 0', 'range'],
    ['uint(1e19) == 10000000000000000000u', t],
    ['double("1e999") > 0.0', 'range'],
    ['double("1.5x") > 0.0', 'range'],
    ['double(9223372036854775807) == 9.223372036854775807e18', t],
    [
      'string(b"abc") == "abc" && bytes("\u00ff") == b"\\303\\277" && b"\\xff" != bytes("\u00ff")',
      t,
    ],
    ['string(-4.5e-3) == "-0.0045" && string(9876u) == "9876"', t],
    ['string(event.user) == ""', 'type'],
    ['int("12x") == 12', 'range'],
    ['int(1e30) == 12', 'range'],
    ['int(event.status) == 200', t],
    ['int(event.user) == 200', 'type'],
    ['uint(3) == 3u && uint("3") == 3u && uint(3.7) == 3u', t],
    ['uint(-1) == 3u', 'range'],
    ['double("1.5e2") == 150.0 && double(2) == 2.0', t],
    ['string(12) == "12" && string(true) == "true" && string(1.5) == "1.5"', t],
    ['string(event.status) == "200"', t],
    ['string(b"\\xff") == "x"', 'range'],
    ['bool("true") && !bool("f")', t],
    ['bool("yes")', 'range'],
  ])
})

describe('what is written', () => {
  table([
    ['0x10 == 16 && -0x10 == -16 && 0xFFu == 255u', t],
    ['1e3 == 1000.0 && 1.5e-1 == 0.15', t],
    ['"\\x41\\X41\\101\\u0041\\U00000041" == "AAAAA"', t],
    [`'a"b' == "a\\"b" && """a"b""" == 'a"b' && '''a'b''' == "a'b"`, t],
    ['"""a\nb""" == "a\\nb"', t],
    ['r"\\d" == "\\\\d" && R\'\\d\' == "\\\\d"', t],
    ['b"\\303\\277" == bytes("\u00ff")', t],
    ['size("\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\"\\\'\\`") == 12', t],
    ['// a note\ntrue // another', t],
    ['\ttrue\r\n', t],
    ['[1, 2,].size() == 2 && {"a": 1,}.size() == 1', t],
    ['1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 1 < 2 == true', t],
    ['true || false && false', t],
    ['true ? false : true ? true : false', f],
  ])
})

describe('an event that was made to mislead', () => {
  it.each([
    ['has(event.isAdmin)', f],
    ['has(event.toString)', f],
    ['event.toString == "x"', 'missing-key'],
    ['event["hasOwnProperty"] == "x"', 'missing-key'],
    ['event["__proto__"].isAdmin', t],
    ['event.constructor == "mine"', t],
    ['"__proto__" in event && !("valueOf" in event)', t],
    ['{"a": 1}["__proto__"] == 1', 'missing-key'],
  ])('has its own fields and no others: %s is %s', (text, expected) => {
    expect(filtered(text, hostileEvent)).toBe(expected)
  })
})
