"""How the target's parameters become the oracle's: orders, transpositions, columns, gates."""

import itertools
from dataclasses import dataclass

import numpy as np

_GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3}


@dataclass(frozen=True)
class Piece:
    """One parameter of the target, moved into the shape of one of the oracle's."""

    place: int
    axes: tuple  # of the squeezed array
    shape: tuple  # of the oracle's parameter
    gates: tuple | None = None

    def forth(self, params):
        array = np.squeeze(np.asarray(params[self.place], dtype=np.float64))
        array = array.transpose(self.axes).reshape(self.shape)
        if self.gates:
            blocks = np.split(array, len(self.gates), axis=0)
            array = np.concatenate([blocks[gate] for gate in self.gates], axis=0)
        return array

    def back(self, gradient, params, found):
        if self.gates:
            blocks = np.split(gradient, len(self.gates), axis=0)
            order = np.argsort(self.gates)
            gradient = np.concatenate([blocks[place] for place in order], axis=0)
        squeezed = np.squeeze(np.asarray(params[self.place]))
        moved = gradient.reshape([squeezed.shape[axis] for axis in self.axes])
        found[self.place] = moved.transpose(np.argsort(self.axes)).reshape(
            np.shape(params[self.place])
        )

    def words(self, names):
        name = names[self.place]
        return name if self.axes == tuple(range(len(self.axes))) else f"{name} transposed"

    @property
    def direct(self):
        return self.axes == tuple(range(len(self.axes))) and self.gates is None


@dataclass
class Mapping:
    """One piece for each of the oracle's parameters; None leaves the oracle's own value."""

    pieces: tuple
    zeros: bool = False

    def __iter__(self):
        return iter(self.pieces)

    def __len__(self):
        return len(self.pieces)

    @property
    def plain(self):
        places = [piece.place for piece in self.pieces if piece is not None]
        return places == sorted(places) and all(p is None or p.direct for p in self.pieces)

    def words(self, names, weights):
        pairs = zip(weights, self.pieces, strict=True)
        return ", ".join(f"{w} = {p.words(names)}" for w, p in pairs if p is not None)


def _pieces(params, weight):
    """Every way to make one of the oracle's parameters from one of the target's."""
    shape = tuple(weight.shape)
    squeezed = tuple(size for size in shape if size != 1)
    for place, param in enumerate(params):
        own = np.squeeze(np.asarray(param)).shape
        if sorted(own) != sorted(squeezed):
            continue
        found = [
            axes
            for axes in itertools.permutations(range(len(own)))
            if tuple(own[axis] for axis in axes) == squeezed
        ]
        found.sort(key=lambda axes: sum(a != b for a, b in enumerate(axes)))
        for axes in found:
            yield Piece(place, axes, shape)


def assignments(params, weights, module=None, most=1500):
    """Mappings to try, the most natural first; an empty list if none has the right shapes."""
    if not weights:
        return [Mapping(())]
    if not params:
        return [Mapping((None,) * len(weights))]
    options = [list(_pieces(params, weight)) for weight in weights]
    spare = len(weights) - len(params)
    found = list(itertools.islice(_choose(options, len(params), max(spare, 0)), most))
    if spare > 0:
        found = [Mapping(mapping.pieces, zeros=True) for mapping in found] + found
    found.sort(key=_unnaturalness)
    gates = _GATES.get(type(module).__name__)
    if gates:
        ordered = [
            Mapping(
                tuple(
                    None if p is None else Piece(p.place, p.axes, p.shape, gate) for p in m.pieces
                ),
                m.zeros,
            )
            for m in found[:12]
            for gate in itertools.permutations(range(gates))
            if gate != tuple(range(gates))
        ]
        found += ordered
    return found


def _unnaturalness(mapping):
    places = [piece.place for piece in mapping.pieces if piece is not None]
    swaps = sum(a > b for a, b in itertools.combinations(places, 2))
    moves = sum(not piece.direct for piece in mapping.pieces if piece is not None)
    return swaps + 0.5 * moves


def _choose(options, count, spare):
    """Pieces for all of the oracle's parameters, each of the target's used once."""

    def extend(chosen, used, skipped):
        if len(chosen) == len(options):
            if len(used) == count:
                yield Mapping(tuple(chosen))
            return
        for piece in options[len(chosen)]:
            if piece.place not in used:
                yield from extend([*chosen, piece], used | {piece.place}, skipped)
        if skipped < spare:
            yield from extend([*chosen, None], used, skipped + 1)

    yield from extend([], frozenset(), 0)
