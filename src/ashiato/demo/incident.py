"""The incident as a whole: attack and answer on one day."""

from __future__ import annotations

from ashiato.demo import answer, attack
from ashiato.demo.estate import Estate
from ashiato.demo.resources import Inventory
from ashiato.demo.story import Story


def tell(estate: Estate, inventory: Inventory, day: int) -> Story:
    """Lets it happen on the day that starts at `day` (seconds); returns its events and items."""
    story = Story(estate, day)
    attack.happen(story, inventory)
    answer.happen(story, inventory)
    return story
