"""The five programs: what is installed, and how each is started offline with dummy keys.

What a program needs to start without a question (a trusted folder, a chosen key) is written into its
own files in an empty home, as a person would have answered once. Everything else is as shipped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

KEY = "dummy-key-000000000000"


@dataclass(frozen=True, slots=True)
class Program:
    """One agent program. ``{url}``, ``{work}`` and ``{mark}`` are filled in by the stage."""

    name: str  # its profile's too
    package: str
    version: str
    executable: str  # below the folder it is installed in
    finish: tuple[str, ...] = ()  # its own install script, which npm 11 does not run by itself
    node: int = 0  # the oldest node.js it runs on; 0: it is a Python program
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)  # below the home
    tool: str = ""  # what the model calls to run a shell command
    question: str = ""  # what the screen then shows
    allow: tuple[str, ...] = ("Enter",)  # what a person presses to let a shell command run
    has_tools: bool = True  # its requests offer tools; else the model asks by text


def filled(value: Any, names: dict[str, str]) -> Any:
    """The value with every ``{name}`` in its texts replaced."""
    match value:
        case str():
            for name, text in names.items():
                value = value.replace("{" + name + "}", text)
            return value
        case dict():
            return {filled(k, names): filled(v, names) for k, v in value.items()}
        case list() | tuple():
            return type(value)(filled(v, names) for v in value)
        case _:
            return value


def as_text(content: Any) -> str:
    """A file's text: text as it is, else JSON."""
    return content if isinstance(content, str) else json.dumps(content, indent=1)


CLAUDE = Program(
    name="claude",
    package="@anthropic-ai/claude-code",
    version="2.1.197",
    executable="node_modules/.bin/claude",
    finish=("node", "node_modules/@anthropic-ai/claude-code/install.cjs"),
    node=18,
    environment={
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": "{url}",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
    },
    files={
        ".claude.json": {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [KEY[-20:]]},
            "projects": {"{work}": {"hasTrustDialogAccepted": True}},
        }
    },
    tool="Bash",
    question="Do you want to proceed",
)
CODEX = Program(
    name="codex",
    package="@openai/codex",
    version="0.169.0",
    executable="node_modules/.bin/codex",
    node=16,
    environment={"FAKE_KEY": KEY},
    files={
        ".codex/config.toml": """
model = "fake"
model_provider = "loopback"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "{url}/v1"
env_key = "FAKE_KEY"
wire_api = "responses"
[projects."{work}"]
trust_level = "trusted"
"""
    },
    tool="exec_command",
    question="Would you like to run",
)
GEMINI = Program(
    name="gemini",
    package="@google/gemini-cli",
    version="0.61.0",
    executable="node_modules/.bin/gemini",
    node=20,
    environment={"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": "{url}"},
    files={
        ".gemini/settings.json": {
            "security": {
                "auth": {"selectedType": "gemini-api-key"},
                "folderTrust": {"enabled": False},
            },
            "general": {"enableAutoUpdate": False},
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
        }
    },
    tool="run_shell_command",
    question="Allow execution",
)
OPENCODE = Program(
    name="opencode",
    package="opencode-ai",
    version="1.18.33",
    executable="node_modules/.bin/opencode",
    finish=("node", "node_modules/opencode-ai/postinstall.mjs"),
    node=18,
    environment={"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
    files={
        ".config/opencode/opencode.json": {
            "autoupdate": False,
            "model": "loopback/fake",
            "small_model": "loopback/fake",
            "permission": {"bash": "ask"},
            "provider": {
                "loopback": {
                    "npm": "@ai-sdk/openai-compatible",
                    "name": "loopback",
                    "options": {"baseURL": "{url}/v1", "apiKey": KEY},
                    "models": {"fake": {"name": "fake"}},
                }
            },
        },
        # As after a first start with a network, when it fetches the types for plugins; without, it
        # tries for more than a minute at each start before it reads its terminal.
        ".config/opencode/node_modules/.package-lock.json": {},
        ".config/opencode/package-lock.json": {
            "packages": {"": {"dependencies": {"@opencode-ai/plugin": "1.18.33"}}}
        },
    },
    tool="bash",
    question="Permission required",
)
AIDER = Program(
    name="aider",
    package="aider-chat",
    version="0.86.2",
    executable="bin/aider",
    arguments=(
        "--model",
        "openai/fake",
        "--edit-format",
        "diff",
        "--no-show-model-warnings",
        "--no-check-update",
        "--no-show-release-notes",
        "--no-git",
        "--no-analytics",
        "--map-tokens",
        "0",
        "--max-chat-history-tokens",
        "10000000",
    ),
    environment={
        "OPENAI_API_KEY": KEY,
        "OPENAI_API_BASE": "{url}/v1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    },
    files={".aider/caches/model_prices_and_context_window.json": {"fake": {}}},
    question="(Y)es/(N)o",
    allow=("y", "Enter"),
    has_tools=False,
)
PROGRAMS = {program.name: program for program in (CLAUDE, CODEX, GEMINI, OPENCODE, AIDER)}
