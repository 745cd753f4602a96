"""Values that travel: from where a Python program takes a value in to where it decides what code runs.

The domain is a graph. Its nodes are the places a value can rest in: a variable of one function or of a module, an
attribute of a class, what a function returns. Its edges say that a value moves from one place to another at a line,
whether it becomes only a part of what is there, and which checks it had passed on the way. The graph is built in one
pass over the source, without order between functions: it is the same whatever calls what first, and no larger than the
source. What reaches a sink is then found by walking the edges from every source, breadth first, so that the steps a
report shows are the fewest there are.

The order is inclusion of edges: reading more source adds edges and takes none away. A walk visits each pair of place
and shape (whole, part, joined, number) once; there are four shapes, so it ends.

What a check covers is decided by the structure of the source: after ``if bad(x): raise`` and inside ``if good(x):``
the same expression ``x`` has been checked. A function that leaves unless its argument is good checks the argument of
its callers too.

The design is that of taint tracking by value-flow graphs (CodeQL's ``DataFlow`` and ``TaintTracking``, Pysa), with the
checks as barriers on edges and not on nodes.
"""

from loadstone.review.analyses.travel.flows import (
    Arrival,
    Move,
    Place,
    Shape,
    Sink,
    SinkKind,
    Travels,
    ValueSource,
    Visit,
)
from loadstone.review.analyses.travel.reach import travels

__all__ = ["Arrival", "Move", "Place", "Shape", "Sink", "SinkKind", "Travels", "ValueSource", "Visit", "travels"]
