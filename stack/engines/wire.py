"""Values to and from the protobuf structs of Pulumi's resource monitor.

Written by hand instead of with `json_format`, because a plan of a thousand resources passes through here: whole numbers
become integers again (a struct knows only floats), keys come out sorted (a struct has no order), secrets become
`Secret`.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf import struct_pb2

from stack.engines.values import SECRET_SIGNATURE, SIGNATURE, Secret, Value, Values

_EXACT = 2.0**53


def decode(struct: struct_pb2.Struct) -> Values:
    """The properties of a struct."""
    fields = struct.fields
    return {key: decode_value(fields[key]) for key in sorted(fields)}


def decode_value(value: struct_pb2.Value) -> Value:
    """One value of a struct."""
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < _EXACT else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [decode_value(item) for item in value.list_value.values]
        case "struct_value":
            values = decode(value.struct_value)
            return Secret(values.get("value")) if values.get(SIGNATURE) == SECRET_SIGNATURE else values
    return None


def encode(values: Mapping[str, Value]) -> struct_pb2.Struct:
    """A struct of these properties."""
    struct = struct_pb2.Struct()
    _fill(struct, values)
    return struct


def _fill(struct: struct_pb2.Struct, values: Mapping[str, Value]) -> None:
    fields = struct.fields
    for key, value in values.items():
        _set(fields[key], value)


def _set(target: struct_pb2.Value, value: Value) -> None:
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case str():
            target.string_value = value
        case Secret():
            _fill(target.struct_value, {SIGNATURE: SECRET_SIGNATURE, "value": value.value})
        case Mapping():
            target.struct_value.SetInParent()
            _fill(target.struct_value, value)
        case list() | tuple():
            target.list_value.SetInParent()
            for item in value:
                _set(target.list_value.values.add(), item)
        case _:
            raise TypeError(f"a property cannot hold a {type(value).__name__}: {value!r:.80}")
