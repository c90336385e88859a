"""The demo's accounts have names in its pages."""

from ashiato.core.settings import Account, Settings
from ashiato.demo.settings import with_names


def test_accounts_are_named_unless_they_are_already() -> None:
    named = with_names(Settings())
    assert [a.name for a in named.accounts] == ["shop-prod", "shop-dev", "shop-security"]
    own = Settings(accounts=[Account(id="111122223333", name="mine", groups=[])])
    assert with_names(own) is own
