from __future__ import annotations

from cloud.placement import weigh


def test_older_visits_count_less_and_those_of_last_quarter_not_at_all():
    weights = weigh(
        [("s1", "2026-06-01", 1), ("s2", "2026-05-25", 1), ("s3", "2026-03-02", 9)],
        today="2026-06-01",
    )
    assert weights == {"s1": 169, "s2": 144}


def test_who_moved_house_is_at_home_in_the_new_store_after_a_month():
    old = [("old", f"2026-04-{day:02}", 1) for day in range(1, 31, 3)]
    new = [("new", f"2026-05-{day:02}", 1) for day in range(1, 31, 3)]
    weights = weigh([*old, *new], today="2026-05-31")
    assert weights["new"] > weights["old"]


def test_a_date_to_come_counts_as_today():
    assert weigh([("s1", "2070-01-01", 1)], today="2026-06-01") == {"s1": 169}
