"""What is sent: each text is there for one thing that went wrong somewhere."""

from __future__ import annotations


def _lines(size: int) -> str:
    """Numbered lines, this many bytes in all."""
    row = "line {:04d}: the quick brown fox jumps over the lazy dog, and again"
    count = size // (len(row.format(0)) + 1) + 1
    return "\n".join(row.format(number) for number in range(count))[:size]


TEXTS = {
    "1 line": "the tests are green",
    "20 lines": "\n".join(
        f"{'  ' * (number % 3)}step {number}: check it" if number % 5 else ""
        for number in range(20)
    ),
    "2 KiB": _lines(2_048),
    "10 KiB": _lines(10_240),
    "32 KiB": _lines(32_768),
    "128 KiB": _lines(131_072),  # longer than any profile pastes: it goes to a file
    "Unicode": "Grüße, naïve café\n日本語のテキスト 漢字\nสวัสดีครับ\nمرحبا\nπ ≈ 3.14159 …\n🙂 👩‍👩‍👧 🇹🇭 ✅ ❤️",  # noqa: RUF001 - other scripts are the point
    "combining": "e\u0301 is e with an accent of its own; n\u0303 too",
    "leading signs": "/help\n! echo ran > sign-ran\n# remember this\n@README.md\n& and the rest\n?",
    "leading /": "/clear",
    "leading !": "!echo ran > sign-ran",
    "leading #": "#remember this",
    "leading @": "@README.md",
    "leading &": "&wait",
    "trailing newline": "ends with two of them\n\n",
    "quotes and ;": 'it\'s "quoted" `date` $HOME $(date) #{pane_id} %1; \\; a\\b ;',
    "control bytes": "bell \x07 escape \x1b[31m C-c \x03 C-d \x04 CR \r NEL \x85 end \x1b[201~ tail\x7f",
}
FEW = ("1 line", "20 lines", "10 KiB", "32 KiB", "Unicode")
"""For situations other than idle, unless the whole cross product is asked for."""
FEWEST = ("1 line", "20 lines", "10 KiB", "128 KiB", "Unicode", "leading signs", "control bytes")
