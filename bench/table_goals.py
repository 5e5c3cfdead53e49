"""What a row is to reach, and whether it does."""
import dataclasses

# Figure -> (how it is written, whether less is better).
FIGURES = {
    'rate': ('{:,.0f}/s', False),
    'items_rate': ('{:,.0f}/s', False),
    'bytes_rate': ('{:,.0f} MB/s', False),
    'p50_ms': ('{:,.3g} ms', True),
    'p99_ms': ('{:,.3g} ms', True),
    'heard_ms': ('{:,.3g} ms', True),
    'beside_ms': ('{:,.3g} ms', True),
    'memory_kb': ('{:,.1f} KB', True),
}
LEAST_RATIO, LEAST_SHARE = 1.5, 0.5  # below these a row may not be, whatever its goal


def shown(figure, value):
    text, _ = FIGURES[figure]
    if figure == 'bytes_rate':
        value /= 1e6
    elif value >= 1000 and FIGURES[figure][1]:
        text = text.replace('.3g', '.0f')
    return text.format(value)


def ratio(figure, own, others):
    """How far `own` is ahead of the best of the others; None without one of both."""
    others = [value for value in others if value is not None]
    if own is None or not others:
        return None
    if FIGURES[figure][1]:
        return min(others) / own if own > 0 else float('inf')
    return own / max(others) if max(others) > 0 else float('inf')


@dataclasses.dataclass(frozen=True)
class Goal:
    """Reached when one of those that are given is."""
    ratio: float = None  # to the best of the others
    share: float = None  # of the floor
    at_most: float = None  # of the figure itself

    def text(self, figure):
        parts = []
        if self.ratio is not None:
            parts.append(f'{self.ratio:g}x')
        if self.share is not None:
            parts.append(f'{self.share:.0%} of the floor')
        if self.at_most is not None:
            parts.append(shown(figure, self.at_most))
        return ' or '.join(parts)

    def verdict(self, value, ratio_had, share_had):
        """`reached`, `short`, `below the least`; empty where there is no figure to tell by."""
        pairs = ((self.ratio, ratio_had), (self.share, share_had))
        known = [had >= wanted for wanted, had in pairs if wanted is not None and had is not None]
        if self.at_most is not None and value is not None:
            known.append(value <= self.at_most)
        if not known:
            return ''
        if any(known):
            return 'reached'
        lows = []
        if ratio_had is not None and (self.ratio is not None or self.share is None):
            lows.append(ratio_had < LEAST_RATIO)
        if self.share is not None and share_had is not None:
            lows.append(share_had < LEAST_SHARE)
        return 'below the least' if lows and all(lows) else 'short'
