"""What those who cost money tell of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    provider: str
    model: str
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    micros: int
    """Micro-dollars."""
    latency_ms: int
