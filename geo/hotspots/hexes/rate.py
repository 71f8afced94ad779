"""How many false hexagons are drawn. Apart from the rest: who only tells it need not load it."""

from typing import Final

# Of the hexagons drawn for a category at most so large a part is expected to be chance.
FDR: Final = 0.05
