"""A receipt printer made of software: it takes the bytes that a real one takes and shows them.

    with PaperPrinter(folder) as printer:  # tcp://127.0.0.1:{printer.port}
        printer.switch(State.PAPER_OUT)

Each receipt becomes NNNN.bin, .txt and .png in the folder.
"""

from __future__ import annotations

from hub.simulator.paper.decoder import Decoder, decode
from hub.simulator.paper.drawing import draw
from hub.simulator.paper.plain import plain_text
from hub.simulator.paper.printer_server import PaperPrinter, State, answer
from hub.simulator.paper.real_time import Question, RealTime
from hub.simulator.paper.rows import (
    BlankRow,
    EventRow,
    Inked,
    PictureRow,
    QrRow,
    Row,
    TextRow,
    rows,
)
from hub.simulator.paper.shelf import Paper, Shelf, papers_in
from hub.simulator.paper.tokens import (
    Bold,
    Buzz,
    CutPaper,
    DotFeed,
    DrawerKick,
    Initialise,
    Justify,
    Letter,
    Letters,
    LineFeed,
    LinePitch,
    Magnify,
    QrCode,
    Raster,
    Setting,
    Token,
    Unfinished,
    Unknown,
)

__all__ = [
    "BlankRow",
    "Bold",
    "Buzz",
    "CutPaper",
    "Decoder",
    "DotFeed",
    "DrawerKick",
    "EventRow",
    "Initialise",
    "Inked",
    "Justify",
    "Letter",
    "Letters",
    "LineFeed",
    "LinePitch",
    "Magnify",
    "Paper",
    "PaperPrinter",
    "PictureRow",
    "QrCode",
    "QrRow",
    "Question",
    "Raster",
    "RealTime",
    "Row",
    "Setting",
    "Shelf",
    "State",
    "TextRow",
    "Token",
    "Unfinished",
    "Unknown",
    "answer",
    "decode",
    "draw",
    "papers_in",
    "plain_text",
    "rows",
]
