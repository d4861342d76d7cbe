/**
 * The conformance tests of CEL that are about what filters do not offer (docs/hooks.md, Filters), each with its reason.
 * All others must pass. A new version of the tests may bring new cases: they must pass, or be listed here.
 */

export const reasons = {
  messages: 'protobuf messages, their enums, wrappers and well-known types other than times',
  extensions: 'extensions of CEL that are not in its standard definitions',
  optionals: 'optional values',
  timeZones: 'functions of times with a time zone',
  quotedFields: 'field names in backticks',
  pointFirst: 'doubles that begin with the point',
  rawBytes: 'the prefix br',
  bytesBeyondAscii: 'bytes literals with other than ASCII characters',
  qualifiedNames: 'variables with dots in their names, and containers to look them up in',
  unchecked: 'expressions that no type checker has accepted',
  declaredFunctions: 'functions that a test declares',
  deducedTypes: 'what a type checker deduces, without a value',
} as const

export type Reason = keyof typeof reasons

const all = 'all'
type Cases = typeof all | readonly string[]

/** By file, or by file and section: all cases or those with these names, and why they are not run. */
const table: readonly (readonly [place: string, reason: Reason, cases: Cases])[] = [
  ['basic/self_eval_nonzeroish', 'bytesBeyondAscii', ['self_eval_bytes_escape']],
  ['basic/variables', 'unchecked', ['unbound_is_runtime_error']],
  ['basic/functions', 'unchecked', ['unbound_is_runtime_error']],
  ['bindings_ext', 'extensions', all],
  ['block_ext', 'extensions', all],
  ['comparisons/eq_literal', 'bytesBeyondAscii', ['eq_bytes']],
  [
    'comparisons/eq_literal',
    'messages',
    ['eq_dyn_json_null', 'not_eq_dyn_proto2_msg_null', 'not_eq_dyn_proto3_msg_null'],
  ],
  ['comparisons/eq_wrapper', 'messages', all],
  ['comparisons/ne_literal', 'bytesBeyondAscii', ['ne_bytes', 'not_ne_bytes']],
  [
    'comparisons/ne_literal',
    'messages',
    [
      'ne_proto2',
      'ne_proto3',
      'ne_proto2_missing_fields_neq',
      'ne_proto3_missing_fields_neq',
      'ne_proto_nan_not_equal',
      'ne_proto_different_types',
      'ne_proto2_any_unpack',
      'ne_proto2_any_unpack_bytewise_fallback',
      'ne_proto3_any_unpack',
      'ne_proto3_any_unpack_bytewise_fallback',
    ],
  ],
  ['comparisons/lt_literal', 'bytesBeyondAscii', ['not_lt_bytes_width']],
  ['comparisons/gt_literal', 'pointFirst', ['not_gt_double']],
  ['dynamic', 'messages', all],
  ['encoders_ext', 'extensions', all],
  ['enums', 'messages', all],
  ['fields/quoted_map_fields', 'quotedFields', all],
  [
    'fields/qualified_identifier_resolution',
    'qualifiedNames',
    [
      'qualified_ident',
      'map_field_select',
      'qualified_identifier_resolution_unchecked',
      'ident_with_longest_prefix_check',
      'list_field_select_unsupported',
    ],
  ],
  ['logic/AND', 'unchecked', ['short_circuit_type_left', 'short_circuit_type_right']],
  ['logic/OR', 'unchecked', ['short_circuit_type_left', 'short_circuit_type_right']],
  ['macros2', 'extensions', all],
  ['math_ext', 'extensions', all],
  ['namespace', 'qualifiedNames', all],
  ['optionals', 'optionals', all],
  ['parse/nest', 'messages', ['message_literal']],
  ['parse/repeat', 'messages', ['select', 'message_literal']],
  [
    'parse/bytes_literals',
    'rawBytes',
    [
      'raw_single_quoted_escapes',
      'raw_double_quoted_escapes',
      'raw_triple_single_quoted_escapes',
      'raw_triple_double_quoted_escapes',
      'upper_raw_single_quoted_escapes',
      'upper_raw_double_quoted_escapes',
      'upper_raw_triple_single_quoted_escapes',
      'upper_raw_triple_double_quoted_escapes',
    ],
  ],
  ['parse/whitespace', 'messages', all],
  ['parse/comments', 'messages', all],
  ['parse/receiver_function_names', 'unchecked', all],
  ['parse/struct_field_names', 'messages', all],
  ['proto2', 'messages', all],
  ['proto2_ext', 'messages', all],
  ['proto3', 'messages', all],
  ['string_ext/char_at', 'extensions', all],
  ['string_ext/index_of', 'extensions', all],
  ['string_ext/last_index_of', 'extensions', all],
  ['string_ext/replace', 'extensions', all],
  ['string_ext/split', 'extensions', all],
  ['string_ext/substring', 'extensions', all],
  ['string_ext/trim', 'extensions', all],
  ['string_ext/join', 'extensions', all],
  ['string_ext/quote', 'extensions', all],
  ['string_ext/format', 'extensions', all],
  ['string_ext/format_errors', 'extensions', all],
  ['string_ext/value_errors', 'extensions', all],
  ['string_ext/type_errors', 'extensions', all],
  ['timestamps/timestamp_selectors_tz', 'timeZones', all],
  ['type_deductions/complex_initializers', 'messages', ['struct']],
  ['type_deductions/field_access', 'messages', all],
  ['type_deductions/functions', 'declaredFunctions', ['function_result_type']],
  [
    'type_deductions/flexible_type_parameter_assignment',
    'deducedTypes',
    ['list_parameter', 'list_parameter_order_independent', 'unconstrained_type_var_as_dyn'],
  ],
  [
    'type_deductions/flexible_type_parameter_assignment',
    'messages',
    [
      'comprehension_type_var_aliasing',
      'overload_type_var_aliasing',
      'list_parameters_do_not_unify',
    ],
  ],
  [
    'type_deductions/flexible_type_parameter_assignment',
    'optionals',
    [
      'optional_none',
      'optional_none_2',
      'optional_dyn_promotion',
      'optional_dyn_promotion_2',
      'optional_in_ternary',
    ],
  ],
  ['type_deductions/wrappers', 'messages', all],
  ['type_deductions/type_parameters', 'declaredFunctions', all],
  [
    'type_deductions/legacy_nullable_types',
    'messages',
    [
      'null_assignable_to_message_parameter_candidate',
      'null_assignable_to_duration_parameter_candidate',
      'null_assignable_to_timestamp_parameter_candidate',
    ],
  ],
  [
    'type_deductions/legacy_nullable_types',
    'optionals',
    ['null_assignable_to_abstract_parameter_candidate'],
  ],
  ['wrappers', 'messages', all],
]

interface Place {
  readonly file: string
  readonly section: string
  readonly name: string
}

export interface NotClaimed {
  /** A file, or a file and a section. */
  readonly place: string
  /** One case; all of the place when `undefined`. */
  readonly name: string | undefined
  readonly reason: Reason
}

export const notClaimed: readonly NotClaimed[] = table.flatMap(([place, reason, cases]) =>
  (cases === all ? [undefined] : cases).map((name) => ({ place, name, reason })),
)

export function entryOf({ file, section, name }: Place): NotClaimed | undefined {
  return notClaimed.find(
    (entry) =>
      (entry.place === file || entry.place === `${file}/${section}`) &&
      (entry.name === undefined || entry.name === name),
  )
}
