"""A made-up graphics card: PyTorch computes on the processor, and is held to a card's rules.

Tensors "on the card" carry a device that this PyTorch can't compute on. What would fail on a true
card fails here, too: an operator that is given tensors of both sides, and numpy's view of what is
not on the host. Values are true, so whatever comes back can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CARD = torch.device("meta")  # one that needs no set-up; tensors of it have no values to numpy
_ACROSS = ("_to_copy", "copy_", "index", "index_put", "index_put_", "_index_put_impl_")


class OnCard(Tensor):
    """Holds its values on the host, where nobody but this module looks at them."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> OnCard:
        made: OnCard = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=CARD,
            requires_grad=held.requires_grad,
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _computed(operator, args, kwargs or {})

    def tolist(self) -> Any:  # which is not of a class of one's own by itself
        return self.held.tolist()


class _Card(TorchDispatchMode):
    """Sees what makes tensors on the card of nothing, or of the host's."""

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _computed(operator, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """`torch.tensor` goes past the other mode."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        given = dict(kwargs or {})
        device = given.get("device")
        if function is torch.tensor and device is not None and torch.device(device) == CARD:
            return function(*args, **{**given, "device": "cpu"}).to(CARD)
        return function(*args, **given)


def _computed(operator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    name = operator.overloadpacket.__name__
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
    there = [each for each in tensors if isinstance(each, OnCard)]
    here = [each for each in tensors if not isinstance(each, OnCard) and each.ndim]
    if there and here and name not in _ACROSS:
        raise RuntimeError(f"{name}: all tensors are to be on the same device")
    device = kwargs.get("device")
    asked = None if device is None else torch.device(device)
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    found = operator(*tree_map(_held, args), **tree_map(_held, kwargs))
    if torch.Tag.inplace_view in operator.tags:
        with no_dispatch():  # what is seen from outside changes its shape, too
            operator(*args, **kwargs)
    if name.endswith("_"):  # in place
        return args[0]
    if asked == CARD or (there and asked is None):
        return tree_map(_put, found)
    return found


def _held(value: Any) -> Any:
    return value.held if isinstance(value, OnCard) else value


def _put(value: Any) -> Any:
    return OnCard(value) if isinstance(value, Tensor) and not isinstance(value, OnCard) else value


@contextmanager
def made_up_card() -> Iterator[None]:
    """In here there is such a card. No tensor is made for inference alone: it could be of no other
    class."""
    swaps, inference = torch.__future__.get_swap_module_params_on_conversion(), torch.inference_mode
    torch.__future__.set_swap_module_params_on_conversion(True)
    torch.inference_mode = torch.no_grad  # type: ignore[assignment, misc]
    try:
        with _Literals(), _Card():
            yield
    finally:
        torch.__future__.set_swap_module_params_on_conversion(swaps)
        torch.inference_mode = inference  # type: ignore[misc]
