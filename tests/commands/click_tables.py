"""20 events of 4 users on 5 items, and the titles of these items."""

Files = dict[str, str]
CLICKS = "user_id,item_id\n" + "".join(f"u{k % 4},{k % 5}\n" for k in range(20))
GOODS = "item_id,title\n" + "".join(f"{k},A thing of number {k}\n" for k in range(5))
