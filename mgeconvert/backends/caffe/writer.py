"""From a finished net to the bytes of `.prototxt` and `.caffemodel`, weights streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import text_format

from mgeconvert.backends.base import Chunk, Names
from mgeconvert.backends.caffe import schema
from mgeconvert.backends.caffe.emitter import Layer
from mgeconvert.backends.caffe.net import Net
from mgeconvert.errors import UnsupportedCase
from mgeconvert.ir import Array, TensorType
from mgeconvert.ir.mapped import forget

LARGEST = 2**31 - 1  # bytes of a message that protobuf reads
LAYER, BLOBS, DATA = 100, 7, 5  # field numbers in NetParameter, LayerParameter, BlobProto

PARAMETERS = {
    "BatchNorm": "batch_norm_param",
    "Concat": "concat_param",
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "ELU": "elu_param",
    "Eltwise": "eltwise_param",
    "Flatten": "flatten_param",
    "InnerProduct": "inner_product_param",
    "Input": "input_param",
    "LRN": "lrn_param",
    "MVN": "mvn_param",
    "PReLU": "prelu_param",
    "Permute": "permute_param",
    "Pooling": "pooling_param",
    "Power": "power_param",
    "ReLU": "relu_param",
    "Reshape": "reshape_param",
    "Scale": "scale_param",
    "Slice": "slice_param",
    "Softmax": "softmax_param",
}


@dataclass(frozen=True)
class Model:
    """The net as a message without weights, and the weights of each layer."""

    message: schema.Message
    weights: tuple[tuple[Array, ...], ...]


def build(net: Net, name: str) -> Model:
    """Return the messages of the net called `name`."""
    message = schema.net_message()
    message.name = name
    for layer, own in zip(net.layers, _layer_names(net)):
        _fill(message.layer.add(), layer, net, own)
    return Model(message, tuple(layer.weights for layer in net.layers))


def layer_names(model: Model, net: Net) -> dict[Layer, str]:
    """Return what the layers are called in the files."""
    return {layer: record.name for layer, record in zip(net.layers, model.message.layer)}


def _layer_names(net: Net) -> list[str]:
    """Return names of layers: that of the first top, and in place what the top would be called.

    No layer is called like the blob of another one: OpenCV asks for outputs by the layer's name.
    """
    taken = Names(net.own.values())
    return [
        net.own[layer.tops[0]] if layer.tops else taken.unique(layer.type.lower())
        for layer in net.layers
    ]


def _fill(message: schema.Message, layer: Layer, net: Net, name: str) -> None:
    message.name, message.type = name, layer.type
    message.bottom.extend(net.names[blob] for blob in layer.bottoms)
    message.top.extend(net.names[blob] for blob in layer.tops)
    if layer.parameters:
        _set(getattr(message, PARAMETERS[layer.type]), layer.parameters)


def _set(message: schema.Message, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, Mapping):
            _set(getattr(message, name), value)
        elif not isinstance(value, list | tuple):
            setattr(message, name, value)
        elif value and isinstance(value[0], Mapping):
            for item in value:
                _set(getattr(message, name).add(), item)
        else:
            getattr(message, name).extend(value)


def text(
    model: Model, provenance: Mapping[str, str], types: Mapping[str, TensorType]
) -> Iterator[Chunk]:
    """Yield the `.prototxt`; what there is no field for stands in comments.

    `types` are those of the source's ports that are not what the blobs are.
    """
    for key in sorted(provenance):
        yield f"# {key}: {' '.join(provenance[key].split())}\n".encode()
    for name, type_ in types.items():
        yield f"# type in the source of {json.dumps(name)}: {type_}\n".encode()
    yield text_format.MessageToString(model.message, as_utf8=True).encode()


def stream(model: Model, *, empty_blobs: bool) -> Iterator[Chunk]:
    """Yield the `.caffemodel`, each weight as one view of its array, or only its shape."""
    rest = schema.net_message()
    rest.name = model.message.name
    yield rest.SerializeToString(deterministic=True)
    for layer, weights in zip(model.message.layer, model.weights):
        head = layer.SerializeToString(deterministic=True)
        heads = [_blob_head(array, empty=empty_blobs) for array in weights]
        bodies = [0 if empty_blobs else array.nbytes for array in weights]
        yield _tag(LAYER) + _varint(len(head) + sum(map(len, heads)) + sum(bodies)) + head
        for blob_head, array in zip(heads, weights):
            yield blob_head
            if not empty_blobs:
                yield np.ascontiguousarray(array, "<f4").reshape(-1).view(np.uint8).data
                forget(array)


def check_size(model: Model) -> None:
    """Raise UnsupportedCase where no reader could read the weights."""
    size = sum(array.nbytes for weights in model.weights for array in weights)
    if size + model.message.ByteSize() > LARGEST - 2**20:
        raise UnsupportedCase(
            f"{size / 2**30:.1f} GiB of weights: a .caffemodel is one message, and protobuf reads "
            "up to 2 GiB",
            hint="convert a smaller model",
        )


def _blob_head(array: Array, *, empty: bool) -> bytes:
    """Return all bytes of a blob before its data."""
    blob = schema.message("BlobProto")
    blob.shape.dim.extend(array.shape)
    shape = blob.SerializeToString(deterministic=True)
    head = shape if empty else shape + _tag(DATA) + _varint(array.nbytes)
    return _tag(BLOBS) + _varint(len(head) + (0 if empty else array.nbytes)) + head


def _tag(field: int) -> bytes:
    return _varint(field << 3 | 2)  # wire type 2: length-delimited


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
