"""docs/images/demo.svg: what `make run` prints, as a picture of a terminal.

python tools/picture.py                  run the demo in a temporary folder and draw its output
python tools/picture.py --output FILE    draw output that was kept before: `ashiato demo --no-serve > FILE`

Only whole parts of the output are left out; a line of dots stands for them.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
WIDTH = 118
#: Words of the questions that the picture shows; the others are left out.
SHOWN = ("long-lived key", "put out the lights", "security group", "port 22", "like a clock", "in bulk")

BLACK, WHITE, GREY = (22, 27, 34), (201, 209, 217), (110, 118, 129)
RED, GREEN, YELLOW = (255, 123, 114), (126, 195, 134), (222, 184, 103)
BLUE, MAGENTA, CYAN = (121, 168, 255), (188, 140, 255), (86, 191, 202)
THEME = TerminalTheme(
    BLACK,
    WHITE,
    [BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE],
    [GREY, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE],
)

# Rich's own template loads a font from a content delivery network; a picture loads nothing.
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>{unique_id}</title>
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
<rect fill="#161b22" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, 20)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""


def parts(output: str) -> tuple[str, list[str], str]:
    """The head of the demo's output, its numbered questions with their answers, and its end."""
    head, *questions = re.split(r"\n(?=\d+\. )", output.rstrip("\n"))
    last, end = re.split(r"\n(?=\d+ s in all)", questions[-1])
    return head, [*questions[:-1], last], end


def drawn(output: str) -> Text:
    """The text of the picture."""
    head, questions, end = parts(output)
    text = Text().append("$ ", style="green").append("make run\n", style="bold white")
    text.append(_wrapped(head.rstrip()) + "\n")
    left_out = False
    for question in questions:
        title, _, rest = question.partition("\n")
        if not any(words in title for words in SHOWN):
            left_out = True
            continue
        if left_out:
            text.append("\n   ⋮\n", style="bright_black")
        left_out = False
        text.append(f"\n{title}\n", style="bold yellow")
        answer, _, table = rest.partition("\n")
        text.append(_wrapped(answer) + "\n", style="white")
        rows = [line.rstrip() for line in table.splitlines() if line.strip()]
        if rows and max(map(len, rows)) <= WIDTH - 2:
            text.append("".join(f"  {row}\n" for row in rows), style="cyan")
        elif rows:
            text.append("   ⋮\n", style="bright_black")
    if left_out and not text.plain.endswith("⋮\n"):
        text.append("\n   ⋮\n", style="bright_black")
    return text.append(f"\n{_wrapped(end)}\n", style="bright_black")


def _wrapped(text: str) -> str:
    """Lines longer than the picture go on below their own indent."""
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False) or [""]
    return "\n".join(lines)


def draw(output: str, to: Path) -> None:
    """Write the picture of this output."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print(drawn(output), soft_wrap=False, overflow="fold")
    to.parent.mkdir(parents=True, exist_ok=True)
    svg = console.export_svg(title="make run", theme=THEME, code_format=SVG, unique_id="ashiato")
    to.write_text(
        svg.replace("<title>ashiato</title>", "<title>What make run prints</title>"), encoding="utf-8"
    )


def run_demo() -> str:
    """The output of the demo, generated and taken in anew."""
    demo = ["demo", "--no-serve", "--home", ".demo/home", "--files", ".demo/files"]
    with tempfile.TemporaryDirectory() as folder:
        called = [sys.executable, "-m", "ashiato", *demo]
        return subprocess.run(called, cwd=folder, check=True, capture_output=True, text=True).stdout


def main() -> int:
    """Draw from a kept output, or from a new one."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--output", type=Path, help="output of `ashiato demo --no-serve` that was kept")
    told = options.parse_args()
    draw(told.output.read_text(encoding="utf-8") if told.output else run_demo(), PICTURE)
    print(f"wrote {PICTURE.relative_to(Path.cwd()) if PICTURE.is_relative_to(Path.cwd()) else PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
